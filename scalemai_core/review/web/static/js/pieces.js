/** The connected pieces of A: which of them one key would delete. */

import { volumeWords } from "./question.js";

/** @typedef {import("./bundle.js").Piece} Piece */

/** The largest piece: mostly the organ itself, so that it is never marked by itself. */
const MAIN = 1;

/** The list of pieces beside the viewer. */
export class Pieces {
  /** @param {HTMLElement} root @param {import("./viewer.js").Viewer} viewer @param {import("./voice.js").Voice} voice */
  constructor(root, viewer, voice) {
    this.root = root;
    this.viewer = viewer;
    this.voice = voice;
    /** @type {Set<number>} */ this.marked = new Set();
  }

  /** @param {import("./bundle.js").Bundle} bundle */
  show(bundle) {
    this.bundle = bundle;
    this.marked = new Set();
    this.root.hidden = bundle.item.kind === "lesion" || bundle.pieces.length < 2 || bundle.deletable.length === 0;
    this.#list();
  }

  /** @returns {Piece[]} */
  get chosen() {
    return this.bundle.pieces.filter((piece) => this.marked.has(piece.number));
  }

  /** @returns {string} the marked pieces, for people */
  get words() {
    const numbers = this.chosen.map((piece) => piece.number).join(", ");
    const volume = this.chosen.reduce((sum, piece) => sum + piece.volume_ml, 0);
    return `${this.chosen.length === 1 ? "piece" : "pieces"} ${numbers} (${volumeWords(volume)})`;
  }

  /** Mark a piece, or take its mark away. @param {number} number */
  toggle(number) {
    const piece = this.bundle?.pieces.find((one) => one.number === number);
    if (!piece) return;
    if (!piece.deletable) {
      this.voice.warn(`Piece ${number} (${volumeWords(piece.volume_ml)}) is too large for one key: draw instead, with E.`);
      return;
    }
    const next = new Set(this.marked);
    if (!next.delete(number)) next.add(number);
    this.#mark(next, piece);
  }

  /** Mark only the next piece that may be deleted. @param {number} step 1 or -1 */
  next(step) {
    const pieces = this.bundle ? smallerFirst(this.bundle.deletable) : [];
    if (pieces.length === 0) return;
    const here = pieces.findIndex((piece) => this.marked.has(piece.number));
    const place = here < 0 ? this.#nearest(pieces) : (here + step + pieces.length) % pieces.length;
    this.#mark(new Set([pieces[place].number]), pieces[place]);
  }

  /** The piece that the item is about, by where it is; the main one only if there is no other. */
  #nearest(pieces) {
    if (pieces.length === 1 || pieces[0].number === MAIN) return 0;
    const { arrays, spacing } = this.bundle;
    const at = this.viewer.view.at;
    const under = pieces.findIndex((piece) => piece.number !== MAIN && piece.number === arrays.pieces[this.bundle.index(at)]);
    if (under >= 0) return under;
    const away = ({ centre_zyx: centre }) => Math.hypot(...centre.map((one, axis) => (one - at[axis]) * spacing[axis]));
    return pieces.reduce((best, piece, place) => (piece.number !== MAIN && away(piece) < away(pieces[best]) ? place : best), 0);
  }

  /** @param {Set<number>} next @param {Piece} piece the one that was meant */
  #mark(next, piece) {
    this.marked = next;
    this.viewer.view.marked = next;
    if (next.has(piece.number)) this.viewer.moveTo(piece.centre_zyx);
    this.viewer.draw();
    this.#list();
    const main = next.has(MAIN) ? ", the largest of all" : "";
    this.voice.say(next.size === 0 ? "Nothing marked" : `Marked ${this.words}${main}: X deletes`);
  }

  #list() {
    const head = document.createElement("h3");
    head.textContent = `Pieces of A (${this.bundle.pieces.length})`;
    const rows = this.bundle.pieces.slice(0, 60).map((piece) => this.#row(piece));
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.number : null;
    this.root.replaceChildren(head, ...rows);
    if (focused) this.root.querySelector(`[data-number="${focused}"]`)?.focus();
  }

  /** @param {Piece} piece */
  #row(piece) {
    const row = document.createElement("button");
    row.type = "button";
    row.dataset.number = String(piece.number);
    row.setAttribute("aria-pressed", String(this.marked.has(piece.number)));
    row.setAttribute("aria-disabled", String(!piece.deletable));
    const name = document.createElement("b");
    name.textContent = String(piece.number);
    const size = document.createElement("span");
    size.textContent = volumeWords(piece.volume_ml);
    const state = document.createElement("small");
    state.textContent = this.marked.has(piece.number) ? "X" : "";
    row.append(name, size, state);
    row.addEventListener("click", () => this.toggle(piece.number));
    return row;
  }
}

/** @param {Piece[]} pieces the main one at the end */
function smallerFirst(pieces) {
  return [...pieces].sort((one, other) => Number(one.number === MAIN) - Number(other.number === MAIN));
}
