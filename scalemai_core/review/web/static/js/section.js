/** One slice of the item, ready to be drawn: its picture, its tint and its outlines. */

import { BITS } from "./bundle.js";
import { borders, outlines } from "./contour.js";
import { paintGrey } from "./hounsfield.js";
import { sliceOf } from "./plane.js";

/** @typedef {import("./bundle.js").Bundle} Bundle @typedef {import("./plane.js").Plane} Plane */

/** Little-endian ABGR; cyan where only A is, yellow where only B is. */
const ONLY_A = 0x3ceed322;
const ONLY_B = 0x3c16c8ff;

/** @param {number} columns @param {number} rows @returns {HTMLCanvasElement} */
export function offscreen(columns, rows) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  return canvas;
}

/** Everything about one slice of one plane; kept until the slice changes. */
export class Section {
  /** @param {Bundle} bundle @param {Plane} plane @param {number} at */
  constructor(bundle, plane, at) {
    this.bundle = bundle;
    this.plane = plane;
    this.at = at;
    this.rows = bundle.shape[plane.down];
    this.columns = bundle.shape[plane.across];
    this.hounsfield = this.#slice("image");
    this.masks = this.#slice("options");
    const lines = (bit) => outlines(this.masks, bit, this.rows, this.columns);
    this.lines = { A: lines(BITS.A), B: lines(BITS.B), C: lines(BITS.C) };
    this.neighbours = borders(this.#slice("neighbours"), this.rows, this.columns);
    /** @type {import("./hounsfield.js").Window | null} */ this.exposed = null;
    this.tint = bundle.option("A") && bundle.option("B") ? this.#differences() : null;
    /** @type {Map<number, Int16Array[]>} */ this.pieceLines = new Map();
    /** @type {HTMLCanvasElement | null} */ this.grey = null;
    /** @type {HTMLCanvasElement | null} */ this.smooth = null;
  }

  /** @returns {Uint8Array} piece numbers */
  get pieces() {
    this.pieceNumbers ??= this.#slice("pieces");
    return this.pieceNumbers;
  }

  /** @param {import("./hounsfield.js").Window} window */
  expose(window) {
    if (this.exposed?.level === window.level && this.exposed.width === window.width) return;
    this.exposed = window;
    this.grey ??= offscreen(this.columns, this.rows);
    const context = this.grey.getContext("2d", { willReadFrequently: true });
    const image = new ImageData(this.columns, this.rows);
    paintGrey(this.hounsfield, window, image);
    context.putImageData(image, 0, 0);
    this.smooth = null;
  }

  /**
   * The grey picture at the size of the screen, made once for both rows.
   * @param {number} width @param {number} height device pixels @returns {HTMLCanvasElement}
   */
  smoothed(width, height) {
    if (this.smooth?.width !== width || this.smooth?.height !== height) {
      this.smooth = offscreen(width, height);
      const context = this.smooth.getContext("2d", { alpha: false });
      context.imageSmoothingQuality = "high";
      context.drawImage(this.grey, 0, 0, width, height);
    }
    return this.smooth;
  }

  /** @param {number} number @returns {Int16Array[]} outlines of one piece in this slice */
  piece(number) {
    let lines = this.pieceLines.get(number);
    if (!lines) {
      const mask = this.pieces.map((one) => (one === number ? 1 : 0));
      lines = outlines(mask, 1, this.rows, this.columns);
      this.pieceLines.set(number, lines);
    }
    return lines;
  }

  /** @returns {Map<number, {x: number, y: number}>} the lowest corner of every piece in the slice */
  pieceSpots() {
    const spots = new Map();
    this.pieces.forEach((number, at) => {
      if (number) spots.set(number, { x: (at % this.columns) + 0.5, y: Math.floor(at / this.columns) + 1 });
    });
    return spots;
  }

  #slice(name) {
    return sliceOf(this.bundle.arrays[name], this.bundle.shape, this.plane, this.at);
  }

  #differences() {
    const canvas = offscreen(this.columns, this.rows);
    const image = new ImageData(this.columns, this.rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) {
      const both = this.masks[at] & 3;
      if (both === 1) pixels[at] = ONLY_A;
      else if (both === 2) pixels[at] = ONLY_B;
    }
    canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
    return canvas;
  }
}
