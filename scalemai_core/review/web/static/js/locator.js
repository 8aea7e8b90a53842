/** Where in the body the item lies: one coronal picture of the whole scan. */

import { pointSize } from "./ink.js";
import { offscreen } from "./section.js";

/** The locator's canvas. */
export class Locator {
  /** @param {HTMLCanvasElement} canvas @param {import("./viewer.js").Viewer} viewer */
  constructor(canvas, viewer) {
    this.canvas = canvas;
    this.viewer = viewer;
    this.context = canvas.getContext("2d", { alpha: false });
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  draw() {
    const box = this.canvas.parentElement;
    this.canvas.width = Math.max(1, Math.round(box.clientWidth * window.devicePixelRatio));
    this.canvas.height = Math.max(1, Math.round(box.clientHeight * window.devicePixelRatio));
    const { bundle } = this.viewer;
    if (!bundle?.locator) return;
    const [rows, columns] = bundle.shapes.locator;
    const [stepY, stepX] = bundle.locator.spacing_mm_rc;
    const scale = Math.min(this.canvas.width / (columns * stepX), this.canvas.height / (rows * stepY));
    const left = (this.canvas.width - columns * stepX * scale) / 2;
    const top = (this.canvas.height - rows * stepY * scale) / 2;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(picture(bundle.arrays.locator, rows, columns), left, top, columns * stepX * scale, rows * stepY * scale);
    const [row0, column0, row1, column1] = bundle.locator.box_rc;
    this.context.strokeStyle = "#ffffff";
    this.context.lineWidth = Math.max(1, Math.round(1.5 * pointSize()));
    this.context.strokeRect(
      Math.round(left + column0 * stepX * scale) + 0.5, Math.round(top + row0 * stepY * scale) + 0.5,
      Math.round((column1 - column0) * stepX * scale), Math.round((row1 - row0) * stepY * scale),
    );
    const [row, column] = bundle.locator.centre_rc;
    this.#cross(left + (column + 0.5) * stepX * scale, top + (row + 0.5) * stepY * scale);
  }

  #cross(x, y) {
    const arm = 5 * pointSize();
    this.context.strokeStyle = "#86efac";
    this.context.beginPath();
    this.context.moveTo(x - arm, y);
    this.context.lineTo(x + arm, y);
    this.context.moveTo(x, y - arm);
    this.context.lineTo(x, y + arm);
    this.context.stroke();
  }
}

/** @param {Uint8Array} grey @param {number} rows @param {number} columns */
function picture(grey, rows, columns) {
  const canvas = offscreen(columns, rows);
  const image = new ImageData(columns, rows);
  new Uint32Array(image.data.buffer).forEach((_, at, pixels) => {
    pixels[at] = 0xff000000 | (grey[at] * 0x010101);
  });
  canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
  return canvas;
}
