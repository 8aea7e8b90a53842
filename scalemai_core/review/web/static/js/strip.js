/** A strip of axial slices through the item, feet to head; a click goes there. */

import { outlines } from "./contour.js";
import { BITS } from "./bundle.js";
import { paintGrey } from "./hounsfield.js";
import { pathOf, pointSize, STROKES, write } from "./ink.js";
import { PLANES, sliceOf } from "./plane.js";
import { offscreen } from "./section.js";

const AXIAL = PLANES[0];
/** Voxels shown around the item in each picture. */
const MARGIN = 6;

/** @typedef {{name: string, slices: number[], edge: number, pictures: HTMLCanvasElement}} Made */

/** The strip's canvas. */
export class Strip {
  /** @param {HTMLCanvasElement} canvas @param {import("./viewer.js").Viewer} viewer */
  constructor(canvas, viewer) {
    this.canvas = canvas;
    this.viewer = viewer;
    this.context = canvas.getContext("2d", { alpha: false });
    /** @type {Made | null} */ this.made = null;
    /** @type {WeakMap<import("./bundle.js").Bundle, Made>} */ this.kept = new WeakMap();
    viewer.addEventListener("move", () => this.#frame());
    viewer.addEventListener("window", () => this.draw());
    canvas.addEventListener("pointerdown", (event) => this.#go(event));
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  draw() {
    const { bundle } = this.viewer;
    this.#fit();
    if (!bundle) return;
    this.made = this.#making(bundle, this.viewer.window);
    this.#frame();
  }

  /** Make the pictures of an item that is shown soon. @param {import("./bundle.js").Bundle} bundle */
  prepare(bundle) {
    this.#fit();
    this.#making(bundle, this.viewer.windowOf(bundle));
  }

  #fit() {
    const box = this.canvas.parentElement;
    const ratio = window.devicePixelRatio;
    const width = Math.max(1, Math.round(box.clientWidth * ratio));
    const height = Math.max(1, Math.round(box.clientHeight * ratio));
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  /** @returns {Made} kept as long as neither size nor window changes */
  #making(bundle, exposure) {
    const { width, height } = this.canvas;
    const name = [width, height, exposure.level, exposure.width].join();
    const before = this.kept.get(bundle);
    if (before?.name === name) return before;
    const room = Math.max(1, Math.floor(width / height));
    const slices = spread(bundle.extent.first[0], bundle.extent.last[0], bundle.shape[0], room);
    const made = { name, slices, edge: width / Math.max(room, slices.length), pictures: offscreen(width, height) };
    const pen = made.pictures.getContext("2d", { alpha: false });
    slices.forEach((slice, place) => this.#picture(pen, bundle, slice, place * made.edge, made.edge, exposure));
    this.kept.set(bundle, made);
    return made;
  }

  /** One picture: the item's part of a slice, with thin outlines. */
  #picture(pen, bundle, slice, left0, edge, exposure) {
    const [, rows, columns] = bundle.shape;
    const { first, last } = bundle.extent;
    const left = Math.max(0, columns - 1 - last[2] - MARGIN);
    const top = Math.max(0, rows - 1 - last[1] - MARGIN);
    const wide = Math.min(columns, columns - first[2] + MARGIN) - left;
    const high = Math.min(rows, rows - first[1] + MARGIN) - top;
    const [, stepY, stepX] = bundle.spacing;
    const scale = Math.min(edge / (wide * stepX), this.canvas.height / (high * stepY));
    const x0 = left0 + (edge - wide * stepX * scale) / 2;
    const y0 = (this.canvas.height - high * stepY * scale) / 2;
    pen.save();
    pen.beginPath();
    pen.rect(x0, y0, wide * stepX * scale, high * stepY * scale);
    pen.clip();
    const image = new ImageData(columns, rows);
    paintGrey(sliceOf(bundle.arrays.image, bundle.shape, AXIAL, slice), exposure, image);
    this.small ??= offscreen(1, 1);
    this.small.width = columns;
    this.small.height = rows;
    this.small.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
    pen.drawImage(this.small, left, top, wide, high, x0, y0, wide * stepX * scale, high * stepY * scale);
    const place2d = { x: (column) => x0 + (column - left) * stepX * scale, y: (row) => y0 + (row - top) * stepY * scale };
    this.#lines(pen, sliceOf(bundle.arrays.options, bundle.shape, AXIAL, slice), rows, columns, place2d);
    pen.restore();
  }

  #lines(pen, masks, rows, columns, placement) {
    pen.lineWidth = Math.max(1, Math.round(pointSize()));
    for (const key of ["A", "B", "C"]) {
      pen.strokeStyle = STROKES[key].colour;
      pen.setLineDash(STROKES[key].dash.map((length) => (length * pointSize()) / 2));
      pen.stroke(pathOf(outlines(masks, BITS[key], rows, columns), placement));
    }
    pen.setLineDash([]);
  }

  /** The pictures, and a frame around the one nearest to where the viewer is. */
  #frame() {
    const { bundle, view } = this.viewer;
    if (!bundle || !this.made) return;
    const { context } = this;
    const { slices, edge, pictures } = this.made;
    const point = pointSize();
    context.drawImage(pictures, 0, 0);
    const here = nearest(slices, view.at[0]);
    slices.forEach((slice, place) => {
      const colour = place === here ? "#ffffff" : "#aab4c0";
      write(context, String(slice + bundle.firstVoxel[0] + 1), place * edge + 4 * point, 8 * point, point, { size: 9, colour });
    });
    context.strokeStyle = "#ffffff";
    context.lineWidth = 2 * point;
    context.strokeRect(here * edge + point, point, edge - 2 * point, this.canvas.height - 2 * point);
  }

  #go(event) {
    const { bundle, view } = this.viewer;
    if (!bundle || !this.made) return;
    const { slices, edge } = this.made;
    const box = this.canvas.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) * window.devicePixelRatio) / edge);
    if (place < slices.length) this.viewer.moveTo([slices[place], view.at[1], view.at[2]]);
  }
}

/** As many slices as there is room for, evenly from below the first to above the last. */
function spread(first, last, depth, room) {
  const spare = Math.max(1, Math.ceil((room - (last - first + 1)) / 2));
  const low = Math.max(0, first - spare);
  const high = Math.min(depth - 1, last + spare);
  const count = Math.min(room, high - low + 1);
  if (count === 1) return [Math.round((low + high) / 2)];
  return Array.from({ length: count }, (_, at) => Math.round(low + ((high - low) * at) / (count - 1)));
}

function nearest(slices, slice) {
  let best = 0;
  slices.forEach((one, place) => {
    if (Math.abs(one - slice) < Math.abs(slices[best] - slice)) best = place;
  });
  return best;
}
