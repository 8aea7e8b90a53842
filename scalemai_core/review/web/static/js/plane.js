/**
 * The three planes, in radiological convention.
 *
 * Array indices grow toward the patient's right, front and head; a screen's columns and rows run
 * the other way on every axis: the patient's right is on the left, front and head are up.
 */

/**
 * @typedef {{name: string, along: number, down: number, across: number,
 *            marks: {left: string, right: string, top: string, bottom: string}}} Plane
 * @typedef {import("./bundle.js").Zyx} Zyx
 */

/** @type {Plane[]} axes are places in z, y, x */
export const PLANES = [
  { name: "axial", along: 0, down: 1, across: 2, marks: { left: "R", right: "L", top: "A", bottom: "P" } },
  { name: "coronal", along: 1, down: 0, across: 2, marks: { left: "R", right: "L", top: "S", bottom: "I" } },
  { name: "sagittal", along: 2, down: 0, across: 1, marks: { left: "A", right: "P", top: "S", bottom: "I" } },
];

/**
 * One slice in the order of the screen: first row on top, first column left.
 * @template {Int16Array | Uint8Array} T
 * @param {T} volume @param {Zyx} shape @param {Plane} plane @param {number} at @returns {T}
 */
export function sliceOf(volume, shape, plane, at) {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const rows = shape[plane.down];
  const columns = shape[plane.across];
  const step = strides[plane.across];
  const slice = new volume.constructor(rows * columns);
  for (let row = 0, to = 0; row < rows; row++) {
    let from = at * strides[plane.along] + (rows - 1 - row) * strides[plane.down] + (columns - 1) * step;
    for (let column = 0; column < columns; column++, to++, from -= step) slice[to] = volume[from];
  }
  return slice;
}

/** Where a slice lies in a pane: maps its voxel corners to device pixels and back. */
export class Placement {
  /**
   * @param {Plane} plane @param {Zyx} shape @param {Zyx} spacing in mm
   * @param {{width: number, height: number}} pane in device pixels
   * @param {{zoom: number, focus: Zyx}} view focus: the voxel kept in the middle when zoomed in
   */
  constructor(plane, shape, spacing, pane, view) {
    this.plane = plane;
    this.rows = shape[plane.down];
    this.columns = shape[plane.across];
    const wide = this.columns * spacing[plane.across];
    const high = this.rows * spacing[plane.down];
    /** Device pixels a mm. */
    this.scale = Math.min(pane.width / wide, pane.height / high) * view.zoom;
    this.stepX = this.scale * spacing[plane.across];
    this.stepY = this.scale * spacing[plane.down];
    const column = this.columns - 0.5 - view.focus[plane.across];
    const row = this.rows - 0.5 - view.focus[plane.down];
    this.left = inside(pane.width, this.columns * this.stepX, column * this.stepX);
    this.top = inside(pane.height, this.rows * this.stepY, row * this.stepY);
  }

  /** @param {number} column a corner, from 0 to columns @returns {number} device pixels */
  x(column) {
    return this.left + column * this.stepX;
  }

  /** @param {number} row a corner, from 0 to rows @returns {number} device pixels */
  y(row) {
    return this.top + row * this.stepY;
  }

  /** @returns {[number, number, number, number]} left, top, width and height in whole pixels */
  get area() {
    const [left, top] = [Math.round(this.left), Math.round(this.top)];
    return [left, top, Math.round(this.x(this.columns)) - left, Math.round(this.y(this.rows)) - top];
  }

  /** @param {Zyx} at @returns {{x: number, y: number}} the middle of a voxel on the screen */
  middle(at) {
    return {
      x: this.x(this.columns - 0.5 - at[this.plane.across]),
      y: this.y(this.rows - 0.5 - at[this.plane.down]),
    };
  }

  /**
   * @param {number} x @param {number} y device pixels @param {Zyx} at the slice's voxel
   * @returns {Zyx | null} the voxel under a point, null beside the slice
   */
  voxel(x, y, at) {
    const column = Math.floor((x - this.left) / this.stepX);
    const row = Math.floor((y - this.top) / this.stepY);
    if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) return null;
    const found = /** @type {Zyx} */ ([...at]);
    found[this.plane.across] = this.columns - 1 - column;
    found[this.plane.down] = this.rows - 1 - row;
    return found;
  }
}

/** The start of `size` in `room`: in the middle if it fits, else with `focus` as central as it can be. */
function inside(room, size, focus) {
  if (size <= room) return (room - size) / 2;
  return Math.min(0, Math.max(room - size, room / 2 - focus));
}
