/** niivue, the painting library, as this page uses it; fetched when somebody first paints. */

import { unpacked, shapeOf, maskOn } from "./nifti.js";

const LIBRARY = "/static/vendor/niivue.js";
const AXIAL = 0;
const ALL_PLANES = 3;
const NO_RENDERING = 0;
const WINDOWING = 9;

const OPTIONS = {
  isRadiologicalConvention: true,
  sagittalNoseLeft: true,
  multiplanarShowRender: NO_RENDERING,
  multiplanarForceRender: false,
  sliceType: AXIAL,
  dragMode: WINDOWING,
  crosshairWidth: 0.15,
  crosshairWidthUnit: "mm",
  crosshairGap: 6,
  showAllOrientationMarkers: true,
  isRuler: true,
  fontColor: [1, 1, 1, 1],
  rulerColor: [1, 1, 1, 0.9],
  rulerWidth: 2,
  crosshairColor: [0.53, 0.94, 0.67, 0.5],
  backColor: [0, 0, 0, 1],
  isForceMouseClickToVoxelCenters: true,
  dragAndDropEnabled: false,
  clipPlaneHotKey: "",
  viewModeHotKey: "",
  cycleClipPlaneHotKey: "",
  maxDrawUndoBitmaps: 32,
  logLevel: "error",
  loadingText: "",
};

/** The colour of what is drawn: the cyan of A. */
const COLOURS = { R: [0, 34], G: [0, 211], B: [0, 238], A: [0, 255], I: [0, 1], labels: ["", "drawing"] };

/** A canvas to paint on. */
export class Easel {
  /** @param {HTMLCanvasElement} canvas @param {() => void} changed */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.niivue = null;
    /** @type {ArrayBuffer | null} the CT's file, not gzipped */ this.file = null;
  }

  /** @param {ArrayBuffer} crop the CT as NIfTI @param {{level: number, width: number}} window */
  async show(crop, window) {
    await this.#start();
    this.file = await unpacked(crop);
    const { niivue } = this;
    for (const old of [...niivue.volumes]) niivue.removeVolume(old);
    await niivue.loadFromArrayBuffer(this.file.slice(0), "ct.nii");
    const [ct] = niivue.volumes;
    ct.cal_min = window.level - window.width / 2;
    ct.cal_max = window.level + window.width / 2;
    niivue.updateGLVolume();
    niivue.createEmptyDrawing();
    niivue.setDrawColormap(COLOURS);
    niivue.drawRimOpacity = 1;
    niivue.setDrawOpacity(0.3);
    niivue.setDrawingEnabled(true);
    niivue.setSliceType(AXIAL);
  }

  /** @returns {number[]} voxels along x, y and z */
  get shape() {
    return shapeOf(this.file);
  }

  /** @param {Uint8Array} mask in the order of the file; an undo brings back what was drawn before */
  start(mask) {
    const { niivue } = this;
    this.#eachVoxel((shown, filed) => {
      niivue.drawBitmap[shown] = mask[filed];
    });
    niivue.drawAddUndoBitmap();
    niivue.refreshDrawing(true);
    this.changed();
  }

  /** @returns {Uint8Array} what is drawn, in the order of the file */
  get mask() {
    const mask = new Uint8Array(this.niivue.drawBitmap.length);
    this.#eachVoxel((shown, filed) => {
      mask[filed] = this.niivue.drawBitmap[shown] ? 1 : 0;
    });
    return mask;
  }

  /** @returns {ArrayBuffer} what is drawn as NIfTI on the CT's grid */
  get nifti() {
    return maskOn(this.file, this.mask);
  }

  /** @returns {number} voxels that are drawn */
  get voxels() {
    return this.niivue.drawBitmap.reduce((sum, one) => sum + (one ? 1 : 0), 0);
  }

  /** @param {{erases: boolean, fills: boolean, size: number}} pen */
  take({ erases, fills, size }) {
    this.niivue.setPenValue(erases ? 0 : 1, fills && !erases);
    this.niivue.opts.penSize = size;
  }

  undo() {
    this.niivue.drawUndo();
  }

  /** @param {number[]} voxel x, y, z of the file */
  moveTo(voxel) {
    this.niivue.scene.crosshairPos = this.niivue.vox2frac(voxel);
    this.niivue.drawScene();
  }

  /** @param {number} slices toward the head */
  step(slices) {
    this.niivue.moveCrosshairInVox(0, 0, slices);
  }

  /** @returns {boolean} whether all three planes are shown now */
  turn() {
    const all = this.niivue.opts.sliceType === AXIAL;
    this.niivue.setSliceType(all ? ALL_PLANES : AXIAL);
    return all;
  }

  async #start() {
    if (this.niivue) return;
    const { Niivue } = await import(LIBRARY);
    const niivue = new Niivue(OPTIONS);
    await niivue.attachToCanvas(this.canvas);
    niivue.onDrawingChanged = () => this.changed();
    this.niivue = niivue;
  }

  /** niivue keeps a drawing closest to RAS; the file keeps its own order. */
  #eachVoxel(call) {
    const [ct] = this.niivue.volumes;
    const [, columns, rows, slices] = ct.dimsRAS;
    const [startX, startY, startZ] = ct.img2RASstart;
    const [stepX, stepY, stepZ] = ct.img2RASstep;
    let shown = 0;
    for (let z = 0; z < slices; z++) {
      for (let y = 0; y < rows; y++) {
        let filed = startX + startY + y * stepY + startZ + z * stepZ;
        for (let x = 0; x < columns; x++, shown++, filed += stepX) call(shown, filed);
      }
    }
  }
}
