/** Three planes through one point, clean above and with outlines below, moved together. */

import { PRESETS, usualPreset } from "./hounsfield.js";
import { Pane } from "./pane.js";
import { PLANES } from "./plane.js";
import { Section } from "./section.js";

/** @typedef {import("./bundle.js").Bundle} Bundle @typedef {import("./bundle.js").Zyx} Zyx */

const ZOOMS = [1, 1.5, 2, 3, 4];

/** What is looked at, and how. Tells others by the events `move`, `point` and `window`. */
export class Viewer extends EventTarget {
  /** @param {HTMLElement} root holds six frames: a clean row, and a row with outlines */
  constructor(root) {
    super();
    const frames = [...root.querySelectorAll(".pane")];
    this.panes = frames.map((frame, at) => new Pane(frame, PLANES[at % 3], at >= 3));
    /** @type {Bundle | null} */ this.bundle = null;
    /** @type {(Section | null)[]} */ this.sections = [null, null, null];
    this.view = { at: [0, 0, 0], zoom: 1, focus: [0, 0, 0], lines: true, marked: new Set() };
    /** Which plane the keys move; the one last pointed at. */
    this.active = 0;
    this.window = { ...PRESETS[0] };
    /** @type {Map<number, typeof this.window>} what the reader last chose, by what is usual */
    this.liked = new Map();
    /** @type {WeakMap<Bundle, Section[]>} */ this.prepared = new WeakMap();
    new ResizeObserver(() => this.resize()).observe(root);
  }

  /** @param {Bundle} bundle that is shown soon: what it shows first is made ready */
  prepare(bundle) {
    if (this.prepared.has(bundle)) return;
    const view = firstView(bundle);
    const sections = PLANES.map((plane, place) => {
      const section = new Section(bundle, plane, view.at[plane.along]);
      section.expose(this.windowOf(bundle));
      this.panes[place].prepare(section, view);
      return section;
    });
    this.prepared.set(bundle, sections);
  }

  /** @param {Bundle} bundle */
  show(bundle) {
    this.bundle = bundle;
    this.sections = this.prepared.get(bundle) ?? [null, null, null];
    this.prepared.delete(bundle);
    this.usual = usualPreset(bundle.item.structure_words);
    this.window = this.windowOf(bundle);
    for (const section of this.sections) section?.expose(this.window);
    this.view = firstView(bundle);
    for (const pane of this.panes) pane.point(null);
    this.draw();
    this.#tell("window");
    this.#tell("move");
  }

  /** Nothing is shown any more. */
  clear() {
    this.bundle = null;
    this.sections = [null, null, null];
  }

  resize() {
    const changed = this.panes.map((pane) => pane.fit()).some(Boolean);
    if (changed && this.bundle) this.draw();
  }

  draw() {
    if (!this.bundle) return;
    for (const pane of this.panes) pane.draw(this.section(PLANES.indexOf(pane.plane)), this.view);
  }

  /** @param {number} place of the plane @returns {Section} the slice that is shown of it */
  section(place) {
    const plane = PLANES[place];
    let section = this.sections[place];
    if (section?.at !== this.view.at[plane.along]) {
      section = new Section(this.bundle, plane, this.view.at[plane.along]);
      section.expose(this.window);
      this.sections[place] = section;
    }
    return section;
  }

  /** @param {Zyx} at every plane goes through it, as far as the crop reaches */
  moveTo(at) {
    if (!this.bundle) return;
    const inside = at.map((value, axis) => Math.min(this.bundle.shape[axis] - 1, Math.max(0, value)));
    if (inside.every((value, axis) => value === this.view.at[axis])) return;
    this.view.at = /** @type {Zyx} */ (inside);
    this.draw();
    this.#tell("move");
  }

  /** @param {number} slices @param {number} place of the plane */
  step(slices, place = this.active) {
    const at = /** @type {Zyx} */ ([...this.view.at]);
    at[PLANES[place].along] += slices;
    this.moveTo(at);
  }

  /** Back to where the item is. */
  home() {
    this.view.zoom = 1;
    if (this.bundle) this.moveTo(this.bundle.centre);
    this.draw();
  }

  /** @param {number} steps closer or, below zero, farther away */
  zoom(steps) {
    const place = ZOOMS.indexOf(this.view.zoom) + steps;
    this.view.zoom = ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, place))];
    this.view.focus = /** @type {Zyx} */ ([...this.view.at]);
    this.draw();
  }

  /** @param {number} place of the preset */
  preset(place) {
    this.setWindow({ ...PRESETS[place] });
  }

  /** @param {import("./hounsfield.js").Window} next */
  setWindow(next) {
    this.window = next;
    this.liked.set(this.usual, next);
    for (const section of this.sections) section?.expose(next);
    this.draw();
    this.#tell("window");
  }

  /** @param {boolean} shown */
  showLines(shown) {
    if (this.view.lines === shown) return;
    this.view.lines = shown;
    this.draw();
  }

  /** @param {Set<number>} numbers of pieces that the next key would delete */
  mark(numbers) {
    this.view.marked = numbers;
    this.draw();
  }

  /** @param {Pane | null} pane under the pointer @param {Zyx | null} voxel */
  point(pane, voxel) {
    for (const other of this.panes) other.point(other.plane === pane?.plane && other !== pane ? voxel : null);
    if (pane) this.active = PLANES.indexOf(pane.plane);
    this.dispatchEvent(new CustomEvent("point", { detail: voxel }));
  }

  /** @param {Bundle} bundle @returns {import("./hounsfield.js").Window} as the reader likes it */
  windowOf(bundle) {
    const usual = usualPreset(bundle.item.structure_words);
    return this.liked.get(usual) ?? PRESETS[usual];
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}

/** @param {Bundle} bundle @returns {import("./pane.js").View} all planes through the item */
function firstView({ centre }) {
  return { at: [...centre], zoom: 1, focus: [...centre], lines: true, marked: new Set() };
}
