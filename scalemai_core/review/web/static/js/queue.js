/** The list of what waits, with the reasons in words. */

import { capital, kindWords } from "./question.js";

/** @typedef {{item_id: string, kind: string, structure_words: string, reason: string, status: string, seconds: number}} Listed */

const STATES = { leased: "somebody reads it", mine: "yours", decided: "decided", disputed: "readers differ" };

/** The list on the left. */
export class Queue {
  /** @param {HTMLElement} root @param {HTMLElement} list @param {HTMLElement} fold @param {(item: string) => void} chosen */
  constructor(root, list, fold, chosen) {
    this.root = root;
    this.list = list;
    this.foldButton = fold;
    this.chosen = chosen;
    this.current = "";
    /** What this reader did, by item; shown until the list is fetched again. @type {Map<string, string>} */
    this.said = new Map();
    /** @type {Set<string>} */ this.held = new Set();
    fold.addEventListener("click", () => this.fold());
  }

  fold() {
    const folded = this.root.classList.toggle("folded");
    this.foldButton.setAttribute("aria-expanded", String(!folded));
  }

  /** @param {Listed[]} items the position in the list stays where it was */
  show(items) {
    const top = this.list.scrollTop;
    this.list.replaceChildren(...items.map((item) => this.#row(item)));
    this.list.scrollTop = top;
    this.#refresh();
  }

  /** @param {string} current @param {Iterable<string>} held */
  point(current, held) {
    this.current = current;
    this.held = new Set(held);
    this.#refresh();
    this.list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} item @param {string} words what was answered; empty takes it away */
  mark(item, words) {
    if (words) this.said.set(item, words);
    else this.said.delete(item);
    this.#refresh();
  }

  /** @param {Listed} item */
  #row(item) {
    const row = document.createElement("li");
    row.dataset.item = item.item_id;
    row.dataset.state = item.status;
    const head = document.createElement("div");
    const name = document.createElement("strong");
    name.textContent = capital(item.structure_words);
    const kind = document.createElement("span");
    kind.className = "kind";
    kind.textContent = kindWords(item.kind);
    head.append(name, kind);
    const reason = document.createElement("p");
    reason.textContent = item.reason;
    reason.title = item.reason;
    const state = document.createElement("small");
    row.append(head, reason, state);
    row.addEventListener("click", () => {
      if (this.held.has(item.item_id)) this.chosen(item.item_id);
    });
    return row;
  }

  #refresh() {
    for (const row of this.list.children) {
      const id = row.dataset.item;
      row.setAttribute("aria-current", String(id === this.current));
      row.classList.toggle("held", this.held.has(id));
      const said = this.said.get(id);
      row.classList.toggle("said", Boolean(said) || row.dataset.state === "decided");
      const next = this.held.has(id) && id !== this.current ? "next" : "";
      row.lastElementChild.textContent = said ?? (id === this.current ? "in front of you" : next || (STATES[row.dataset.state] ?? ""));
    }
  }
}
