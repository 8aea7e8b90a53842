/** The paint pane: draw a mask on the item's CT, slice by slice. */

import { BITS } from "./bundle.js";
import { Easel } from "./easel.js";
import { capital, volumeWords } from "./question.js";

const MM3_PER_ML = 1000;

/** Tools around the easel. */
export class Paint {
  /**
   * @param {Document} page @param {import("./api.js").Api} api
   * @param {{save: (nifti: ArrayBuffer) => Promise<void>, leave: () => void, trouble: (error: any, what: string) => void}} acts
   */
  constructor(page, api, acts) {
    this.page = page;
    this.api = api;
    this.acts = acts;
    this.easel = new Easel(page.getElementById("easel"), () => this.#count());
    this.pen = { erases: false, fills: false, size: 5 };
    this.busy = false;
    this.#buttons();
    page.addEventListener("keydown", (event) => this.#key(event), { capture: true });
  }

  #element(id) {
    return this.page.getElementById(id);
  }

  get open() {
    return !this.#element("painting").hidden;
  }

  /** @param {import("./holds.js").Hold} hold @param {{level: number, width: number}} window */
  async show(hold, window, at) {
    const { bundle } = hold;
    this.bundle = bundle;
    this.busy = true;
    this.#element("paint-structure").textContent = capital(bundle.item.structure_words);
    this.#element("paint-words").textContent = "Loading\u2026";
    try {
      await this.easel.show(await this.api.crop(hold.lease), window);
      if (this.bundle !== bundle) return;
      const expected = [...bundle.shape].reverse();
      if (this.easel.shape.some((edge, axis) => edge !== expected[axis])) throw new RangeError("the CT has another size");
      this.#starts();
      this.easel.moveTo([at[2], at[1], at[0]]);
      this.#take({});
      this.busy = false;
      this.#element("easel").focus();
    } catch (error) {
      this.acts.leave();
      this.acts.trouble(error, "The paint pane");
    }
  }

  async save() {
    if (this.busy) return;
    this.busy = true;
    this.#element("paint-words").textContent = "Saving\u2026";
    try {
      await this.acts.save(this.easel.nifti);
    } catch (error) {
      this.acts.trouble(error, "The drawing is not saved");
      this.#count();
    } finally {
      this.busy = false;
    }
  }

  /** One button for every mask to start from; the fullest picture first: A if it holds anything. */
  #starts() {
    const choices = [...this.bundle.options.filter((option) => option.volume_ml !== 0).map((option) => option.key), ""];
    const buttons = choices.map((key) => {
      const button = this.page.createElement("button");
      button.type = "button";
      button.textContent = key ? `From ${key}` : "Empty";
      button.dataset.start = key;
      button.addEventListener("click", () => this.#startFrom(key));
      return button;
    });
    this.#element("starts").replaceChildren(...buttons);
    this.#startFrom(choices[0]);
  }

  #startFrom(key) {
    const { options } = this.bundle.arrays;
    const bit = BITS[key] ?? 0;
    this.easel.start(options.map((one) => (one & bit ? 1 : 0)));
    for (const button of this.#element("starts").children) {
      button.setAttribute("aria-pressed", String(button.dataset.start === key));
    }
  }

  /** @param {Partial<typeof this.pen>} change */
  #take(change) {
    this.pen = { ...this.pen, ...change };
    this.easel.take(this.pen);
    this.#element("pen").setAttribute("aria-pressed", String(!this.pen.erases));
    this.#element("eraser").setAttribute("aria-pressed", String(this.pen.erases));
    this.#element("fill").setAttribute("aria-pressed", String(this.pen.fills));
    this.#element("brush").value = String(this.pen.size);
    const mm = this.pen.size * this.bundle.spacing[2];
    this.#element("brush-words").textContent = `${mm.toFixed(1)} mm`;
  }

  #resize(step) {
    this.#take({ size: Math.min(25, Math.max(1, this.pen.size + step)) });
  }

  #count() {
    const ml = (this.easel.voxels * this.bundle.spacing.reduce((product, edge) => product * edge, 1)) / MM3_PER_ML;
    this.#element("paint-words").textContent = ml === 0 ? "empty in view" : `${volumeWords(ml)} in view`;
  }

  #turn() {
    const all = this.easel.turn();
    this.#element("paint-plane").querySelector("span").textContent = all ? "Axial" : "3 planes";
  }

  #buttons() {
    const click = (id, act) => this.#element(id).addEventListener("click", () => !this.busy && act());
    click("pen", () => this.#take({ erases: false }));
    click("eraser", () => this.#take({ erases: true }));
    click("fill", () => this.#take({ fills: !this.pen.fills }));
    click("paint-undo", () => this.easel.undo());
    click("paint-plane", () => this.#turn());
    click("paint-save", () => this.save());
    click("paint-cancel", () => this.acts.leave());
    this.#element("brush").addEventListener("input", (event) => this.#take({ size: Number(event.target.value) }));
  }

  #key(event) {
    if (!this.open || this.busy || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    const act = control ? { z: () => this.easel.undo(), s: () => this.save() }[event.key] : this.#acts()[event.key];
    const onButton = event.target instanceof Element && event.target.matches("button");
    if (!act || (onButton && event.key === "Enter")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #acts() {
    const { easel } = this;
    return {
      d: () => this.#take({ erases: false }), r: () => this.#take({ erases: true }),
      o: () => this.#take({ fills: !this.pen.fills }),
      "[": () => this.#resize(-2), "]": () => this.#resize(2),
      u: () => easel.undo(), v: () => this.#turn(),
      ArrowUp: () => easel.step(1), ArrowDown: () => easel.step(-1),
      PageUp: () => easel.step(5), PageDown: () => easel.step(-5),
      Enter: () => this.save(), Escape: () => this.acts.leave(),
    };
  }
}
