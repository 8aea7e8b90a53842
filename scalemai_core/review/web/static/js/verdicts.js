/** From a key or a button to an answer, by what kind of item it is. */

import { capital, volumeWords } from "./question.js";

/** Which answers an item takes. */
export class Verdicts {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.since = 0;
    this.acts = {
      choose: (key) => this.choose(key),
      keep: () => this.keep(),
      remove: () => this.remove(),
      draw: () => this.draw(),
    };
  }

  /** @param {string} act @param {KeyboardEvent} event */
  act(act, event) {
    this.since = event.timeStamp;
    if (act === "undo") {
      this.desk.reading.undo();
      return;
    }
    if (!this.desk.reading.ready) return;
    if (act === "skip") this.desk.skip.open();
    else if (this.acts[act]) this.acts[act]();
    else this.choose(act);
    this.since = 0;
  }

  get #bundle() {
    return this.desk.reading.current?.bundle;
  }

  get #name() {
    return capital(this.#bundle.item.structure_words);
  }

  /** @param {string} key `A`, `B` or `C` */
  choose(key) {
    if (!this.#bundle) return;
    const option = this.#bundle.option(key);
    if (this.#bundle.item.kind === "lesion") {
      this.desk.voice.warn("K keeps this lesion, X deletes it.");
    } else if (!option) {
      this.desk.voice.warn(`There is no ${key} to choose.`);
    } else {
      this.#decide({ choice: option.choice }, `${this.#name}: ${key}, ${option.words}`);
    }
  }

  keep() {
    if (!this.#bundle) return;
    if (this.#bundle.item.kind === "lesion") this.#decide({ choice: "prediction" }, `${this.#name}: a lesion, kept`);
    else this.#decide({ choice: "current" }, `${this.#name}: left as it is`);
  }

  remove() {
    const bundle = this.#bundle;
    if (!bundle) return;
    const { pieces, voice } = this.desk;
    if (bundle.item.kind === "lesion") {
      const volume = volumeWords(bundle.options[0]?.volume_ml);
      this.#decide({ choice: "current" }, `${this.#name}: no lesion, deleted (${volume})`);
    } else if (bundle.deletable.length === 0) {
      voice.warn("A has no piece that one key may delete: choose, or draw with E.");
    } else if (pieces.chosen.length === 0) {
      pieces.next(1);
    } else {
      const named = pieces.chosen.map(({ number, piece_hash }) => ({ number, piece_hash }));
      this.#decide({ choice: "reader", pieces: named }, `${this.#name}: deleted ${pieces.words}`);
    }
  }

  draw() {
    const { reading, paint, viewer, voice } = this.desk;
    if (!reading.ready) return;
    if (!this.#bundle.mayDraw) {
      voice.warn("This item cannot be drawn: choose, or skip it with S.");
      return;
    }
    this.desk.view("painting");
    paint.show(reading.current, viewer.window, viewer.view.at);
  }

  #decide(answer, words) {
    this.desk.reading.decide(answer, words, this.since || performance.now());
  }
}
