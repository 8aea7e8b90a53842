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

/** The strip's canvas. */
export class Strip {
  /** @param {HTMLCanvasElement} canvas @param {import("./viewer.js").Viewer} viewer */
  constructor(canvas, viewer) {
    this.canvas = canvas;
    this.viewer = viewer;
    this.context = canvas.getContext("2d", { alpha: false });
    /** @type {number[]} */ this.slices = [];
    this.pictures = offscreen(1, 1);
    viewer.addEventListener("move", () => this.#frame());
    viewer.addEventListener("window", () => this.draw());
    canvas.addEventListener("pointerdown", (event) => this.#go(event));
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  draw() {
    const { bundle } = this.viewer;
    const box = this.canvas.parentElement;
    const ratio = window.devicePixelRatio;
    this.canvas.width = this.pictures.width = Math.max(1, Math.round(box.clientWidth * ratio));
    this.canvas.height = this.pictures.height = Math.max(1, Math.round(box.clientHeight * ratio));
    if (!bundle) return;
    const room = Math.max(1, Math.floor(this.canvas.width / this.canvas.height));
    this.slices = spread(bundle.extent.first[0], bundle.extent.last[0], bundle.shape[0], room);
    this.edge = this.canvas.width / Math.max(room, this.slices.length);
    const pen = this.pictures.getContext("2d", { alpha: false });
    this.slices.forEach((slice, place) => this.#picture(pen, bundle, slice, place));
    this.#frame();
  }

  /** One picture: the item's part of a slice, with thin outlines. */
  #picture(pen, bundle, slice, place) {
    const [, rows, columns] = bundle.shape;
    const { first, last } = bundle.extent;
    const left = Math.max(0, columns - 1 - last[2] - MARGIN);
    const top = Math.max(0, rows - 1 - last[1] - MARGIN);
    const wide = Math.min(columns, columns - first[2] + MARGIN) - left;
    const high = Math.min(rows, rows - first[1] + MARGIN) - top;
    const [, stepY, stepX] = bundle.spacing;
    const scale = Math.min(this.edge / (wide * stepX), this.canvas.height / (high * stepY));
    const x0 = place * this.edge + (this.edge - wide * stepX * scale) / 2;
    const y0 = (this.canvas.height - high * stepY * scale) / 2;
    pen.save();
    pen.beginPath();
    pen.rect(x0, y0, wide * stepX * scale, high * stepY * scale);
    pen.clip();
    const image = new ImageData(columns, rows);
    paintGrey(sliceOf(bundle.arrays.image, bundle.shape, AXIAL, slice), this.viewer.window, image);
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
    if (!bundle || this.slices.length === 0) return;
    const { context, edge } = this;
    const point = pointSize();
    context.drawImage(this.pictures, 0, 0);
    const here = nearest(this.slices, view.at[0]);
    this.slices.forEach((slice, place) => {
      const colour = place === here ? "#ffffff" : "#aab4c0";
      write(context, String(slice + bundle.firstVoxel[0] + 1), place * edge + 4 * point, 8 * point, point, { size: 9, colour });
    });
    context.strokeStyle = "#ffffff";
    context.lineWidth = 2 * point;
    context.strokeRect(here * edge + point, point, edge - 2 * point, this.canvas.height - 2 * point);
  }

  #go(event) {
    const { bundle, view } = this.viewer;
    if (!bundle) return;
    const box = this.canvas.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) * window.devicePixelRatio) / this.edge);
    if (place < this.slices.length) this.viewer.moveTo([this.slices[place], view.at[1], view.at[2]]);
  }
}

/** At most `room` slices, evenly from just below the first to just above the last. */
function spread(first, last, depth, room) {
  const low = Math.max(0, first - 1);
  const high = Math.min(depth - 1, last + 1);
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
