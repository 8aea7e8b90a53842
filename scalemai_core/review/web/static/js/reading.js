/** One reader at work: item after item, each answer sent behind the next one's back. */

import { Unreachable } from "./api.js";
import { Holds } from "./holds.js";
import { Outbox } from "./outbox.js";
import { Stopwatch } from "./stopwatch.js";
import { refusalWords } from "./voice.js";

/**
 * @typedef {import("./holds.js").Hold} Hold
 * @typedef {{show: (hold: Hold) => void, nothing: () => void, wait: () => void, prepare: (bundle: any) => void, locked: (on: boolean) => void,
 *            decided: (item: string, words: string) => void, counted: () => void, signedOut: () => void}} Screen
 */

const LOCKED_MS = 250;
const SIGNED_OUT = 401;
/** How many answered items are kept in memory, so that an undo shows at once. */
const REMEMBERED = 4;
/** Refusals after which there is nothing left to answer. */
const GONE = new Set(["lease_lost", "closed", "changed_mask"]);

/** When the browser has nothing better to do. @param {() => void} act */
function later(act) {
  if ("requestIdleCallback" in window) window.requestIdleCallback(act, { timeout: 500 });
  else setTimeout(act, 50);
}

/** What is in front of the reader, and what becomes of it. */
export class Reading {
  /** @param {import("./api.js").Api} api @param {import("./voice.js").Voice} voice @param {Screen} screen */
  constructor(api, voice, screen) {
    this.api = api;
    this.voice = voice;
    this.screen = screen;
    this.stopwatch = new Stopwatch();
    /** @type {Hold | null} */ this.current = null;
    this.lockedUntil = 0;
    /** The last ones, by lease. @type {Map<string, Hold>} */ this.answered = new Map();
    this.open = false;
    this.holds = new Holds(api, {
      changed: () => this.advance(),
      lost: (hold, refusal) => this.#lost(hold, refusal),
    });
    this.outbox = new Outbox(api, {
      taken: (letter) => this.#taken(letter),
      refused: (letter, refusal) => this.#refused(letter, refusal),
      waiting: (letters) => voice.waiting(letters),
    });
    window.addEventListener("pagehide", () => this.leave());
  }

  /** @param {string} reader */
  async start(reader) {
    this.open = true;
    this.outbox.open(reader);
    for (const { lease } of this.outbox.letters) this.holds.done.add(lease);
    await this.refill();
  }

  /** Give back what is held; what was answered stays on its way. */
  leave() {
    this.open = false;
    this.holds.giveBack((lease) => this.outbox.has(lease));
    this.current = null;
  }

  /** @returns {boolean} whether a verdict would count now */
  get ready() {
    return Boolean(this.current?.bundle) && performance.now() >= this.lockedUntil;
  }

  /** Show the first item that is held, if it is not shown already. */
  advance() {
    if (!this.open) return;
    const next = this.holds.first;
    if (!next) {
      this.current = null;
      if (this.outbox.running) this.screen.wait();
      else this.screen.nothing();
    } else if (!next.bundle) {
      this.current = null;
      this.screen.wait();
    } else if (this.current !== next) {
      this.current = next;
      this.stopwatch.restart();
      this.screen.show(next);
    }
    for (const { bundle } of this.holds.list.slice(1)) if (bundle) later(() => this.screen.prepare(bundle));
  }

  /**
   * Answer the item in front.
   * @param {{choice: string, pieces?: {number: number, piece_hash: string}[]}} answer @param {string} words
   * @param {number} since when the key went down
   */
  decide(answer, words, since) {
    const hold = this.#close(since);
    if (!hold) return;
    const body = { ...answer, base_label_map: hold.item.base_label_map, seconds: this.stopwatch.seconds };
    this.#next(hold, words);
    this.outbox.add({ kind: "answer", lease: hold.lease, words: hold.item.structure_words, body });
    this.voice.say(`${words}. U takes it back.`);
  }

  /** @param {string} reason */
  skip(reason) {
    const hold = this.#close(undefined);
    if (!hold) return;
    const body = { reason, seconds: this.stopwatch.seconds };
    this.#next(hold, "skipped");
    this.outbox.add({ kind: "skip", lease: hold.lease, words: hold.item.structure_words, body });
    this.voice.say(`Skipped: ${reason}`);
  }

  /** A drawing is not let go before the server has it. @param {ArrayBuffer} nifti */
  async draw(nifti) {
    const hold = this.current;
    await this.outbox.empty();
    await this.api.draw(hold.lease, nifti, this.stopwatch.seconds);
    this.#lock();
    this.since = undefined;
    this.#next(hold, "drawn");
    this.voice.say("The drawing is saved. U takes it back.");
    this.screen.counted();
    await this.refill();
  }

  /** Take the newest answer back and show its item again. */
  async undo() {
    if (performance.now() < this.lockedUntil) return;
    if (this.outbox.stuck) {
      this.voice.warn("Your last answer still waits for the network: it can be taken back once it is sent.");
      return;
    }
    this.#lock();
    await this.outbox.empty();
    try {
      const { lease } = await this.api.undo();
      const before = [...this.answered.values()].find((hold) => hold.item.item_id === lease.item.item_id);
      this.holds.putFirst(lease, before?.bundle ?? null);
      this.screen.decided(lease.item.item_id, "");
      this.voice.say(`Taken back: ${lease.item.structure_words}`);
      this.screen.counted();
    } catch (error) {
      this.trouble(error, "Undo");
    }
  }

  /** Look for more; quietly where the network is gone. */
  async refill() {
    try {
      await this.holds.refill();
    } catch (error) {
      if (error.code === "closed") this.screen.nothing();
      else this.trouble(error, "The queue");
    }
  }

  /** @param {any} error @param {string} what */
  trouble(error, what) {
    if (error.status === SIGNED_OUT) this.screen.signedOut();
    else if (error.status) this.voice.warn(refusalWords(error, what));
    else if (error instanceof Unreachable) this.voice.warn(`${what}: the server cannot be reached. Try again in a moment.`);
    else this.voice.warn(`${what}: this browser could not do it (${error.message}).`);
  }

  #close(since) {
    if (!this.ready) return null;
    this.stopwatch.pause();
    this.since = since;
    this.#lock();
    return this.current;
  }

  #lock() {
    this.lockedUntil = performance.now() + LOCKED_MS;
    this.screen.locked(true);
    setTimeout(() => this.screen.locked(performance.now() < this.lockedUntil), LOCKED_MS + 5);
  }

  #next(hold, words) {
    this.answered.set(hold.lease, hold);
    if (this.answered.size > REMEMBERED) this.answered.delete(this.answered.keys().next().value);
    this.holds.drop(hold.lease);
    this.screen.decided(hold.item.item_id, words);
    this.advance();
    this.#measure();
  }

  /** From the key to the frame after the one that shows the next item. */
  #measure() {
    const { since, current } = this;
    if (since === undefined || !current) return;
    performance.measure("verdict-to-drawn", { start: since, end: performance.now() });
    requestAnimationFrame(() => requestAnimationFrame(() => {
      performance.measure("verdict-to-painted", { start: since, end: performance.now() });
    }));
  }

  #taken() {
    this.screen.counted();
    if (this.outbox.letters.length === 0) this.refill();
  }

  #refused(letter, refusal) {
    if (refusal.status === SIGNED_OUT) {
      this.screen.signedOut();
      return;
    }
    this.voice.warn(refusalWords(refusal, letter.words));
    if (refusal.code === "changed_mask") this.#pass(letter);
    else if (!GONE.has(refusal.code)) this.#bringBack(letter);
    this.#taken();
  }

  /** Nobody need be asked about a mask that is no more; the round that comes asks again. */
  #pass({ kind, lease, words }) {
    if (kind === "skip") return;
    const body = { reason: "the mask has changed since it was shown", seconds: 0 };
    this.outbox.add({ kind: "skip", lease, words, body });
  }

  /** The item still waits for an answer that it takes. */
  #bringBack({ lease }) {
    const hold = this.answered.get(lease);
    if (!hold) return;
    this.screen.decided(hold.item.item_id, "");
    this.holds.putFirst({ lease_id: lease, item: hold.item }, hold.bundle);
  }

  #lost(hold, refusal) {
    if (hold === this.current) this.trouble(refusal, hold.item.structure_words);
    this.advance();
    this.refill();
  }
}
