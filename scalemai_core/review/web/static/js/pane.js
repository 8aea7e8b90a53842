/** One of the six pictures: a plane's slice, clean or with outlines. */

import { hatch, MARKED, pathOf, pointSize, strokeCrosshair, strokeHalo, strokeNeighbours, strokePath, STROKES, write, writeScale } from "./ink.js";
import { Placement } from "./plane.js";

/**
 * @typedef {import("./section.js").Section} Section
 * @typedef {import("./bundle.js").Zyx} Zyx
 * @typedef {{at: Zyx, zoom: number, focus: Zyx, lines: boolean, marked: Set<number>}} View
 */

/** A canvas that shows one plane; knows nothing of keys or items. */
export class Pane {
  /**
   * @param {HTMLElement} frame holds the canvas and the mark of the linked pointer
   * @param {import("./plane.js").Plane} plane @param {boolean} lined whether it shows outlines
   */
  constructor(frame, plane, lined) {
    this.frame = frame;
    this.plane = plane;
    this.lined = lined;
    this.canvas = frame.querySelector("canvas");
    this.ghost = frame.querySelector(".ghost");
    this.context = this.canvas.getContext("2d", { alpha: false });
    /** @type {Placement | null} */ this.placement = null;
  }

  /** Fit the canvas to its frame; true where that changed it. */
  fit() {
    const width = Math.max(1, Math.round(this.frame.clientWidth * window.devicePixelRatio));
    const height = Math.max(1, Math.round(this.frame.clientHeight * window.devicePixelRatio));
    if (width === this.canvas.width && height === this.canvas.height) return false;
    this.canvas.width = width;
    this.canvas.height = height;
    return true;
  }

  /** @param {Section} section @param {View} view */
  draw(section, view) {
    const { bundle } = section;
    const point = pointSize();
    this.placement = new Placement(this.plane, bundle.shape, bundle.spacing, this.canvas, view);
    this.#picture(section);
    if (this.lined && view.lines) this.#outlines(section, view, point);
    strokeCrosshair(this.context, this.placement.middle(view.at), this.canvas, point);
    this.#words(section, view, point);
  }

  /** @param {PointerEvent | WheelEvent} event @param {Zyx} at @returns {Zyx | null} */
  voxel(event, at) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio;
    return this.placement?.voxel((event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio, at) ?? null;
  }

  /** Do what takes longest before the section is looked at. @param {Section} section @param {View} view */
  prepare(section, view) {
    const { bundle } = section;
    const [, , width, height] = new Placement(this.plane, bundle.shape, bundle.spacing, this.canvas, view).area;
    section.smoothed(width, height);
  }

  /** Show where the pointer is in the pane's twin. @param {Zyx | null} voxel */
  point(voxel) {
    this.ghost.hidden = !voxel || !this.placement;
    if (this.ghost.hidden) return;
    const { x, y } = this.placement.middle(voxel);
    const ratio = window.devicePixelRatio;
    this.ghost.style.transform = `translate(${x / ratio}px, ${y / ratio}px)`;
  }

  #picture(section) {
    const { context, placement } = this;
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.area = placement.area;
    const [x, y, width, height] = this.area;
    if (width <= this.canvas.width && height <= this.canvas.height) {
      context.drawImage(section.smoothed(width, height), x, y);
      return;
    }
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(section.grey, ...this.area);
  }

  #outlines(section, view, point) {
    const { context, placement } = this;
    if (section.tint) {
      context.imageSmoothingEnabled = false;
      context.drawImage(section.tint, ...this.area);
    }
    strokeNeighbours(context, section.neighbours, placement, point);
    const paths = ["A", "B", "C"].map((key) => [pathOf(section.lines[key], placement), STROKES[key]]);
    for (const [path, stroke] of paths) strokeHalo(context, path, stroke, point);
    for (const [path, stroke] of paths) strokePath(context, path, stroke, point);
    for (const number of view.marked) this.#marked(section.piece(number), point);
    if (section.bundle.pieces.length > 1) this.#numbers(section, view, point);
  }

  #marked(lines, point) {
    if (lines.length === 0) return;
    const path = pathOf(lines, this.placement);
    this.context.fillStyle = hatch(this.context, point);
    this.context.fill(path);
    strokeHalo(this.context, path, MARKED, point);
    strokePath(this.context, path, MARKED, point);
  }

  #numbers(section, view, point) {
    for (const [number, spot] of section.pieceSpots()) {
      const marked = view.marked.has(number);
      const colour = marked ? MARKED.colour : STROKES.A.colour;
      const [x, y] = [this.placement.x(spot.x), this.placement.y(spot.y) + 9 * point];
      write(this.context, String(number), x, Math.min(y, this.canvas.height - 9 * point), point, { colour, align: "center" });
    }
  }

  #words(section, view, point) {
    const { context, plane } = this;
    const { width, height } = this.canvas;
    const slice = section.at + section.bundle.firstVoxel[plane.along] + 1;
    const edge = 10 * point;
    write(context, `${plane.name} ${slice}`, edge, edge + 2 * point, point, { colour: "#c4ccd6" });
    if (this.lined && !view.lines) write(context, "lines hidden", edge, edge + 17 * point, point);
    const mark = { size: 13, colour: "#ffffff", align: "center" };
    write(context, plane.marks.left, edge, height / 2, point, mark);
    write(context, plane.marks.right, width - edge, height / 2, point, mark);
    write(context, plane.marks.top, width / 2, edge + 2 * point, point, mark);
    write(context, plane.marks.bottom, width / 2, height - edge, point, mark);
    writeScale(context, this.canvas, this.placement.scale, point);
  }
}
