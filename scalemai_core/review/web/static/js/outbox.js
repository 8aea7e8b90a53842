/**
 * Answers on their way: sent in order, kept and sent again when the network is gone.
 *
 * An answer's lease is its name on the server, so that sending it twice counts once.
 */

import { Unreachable } from "./api.js";

/**
 * @typedef {{kind: "answer" | "skip", lease: string, words: string, body: any}} Letter
 * @typedef {{taken: (letter: Letter, receipt: any) => void, refused: (letter: Letter, refusal: any) => void,
 *            waiting: (letters: number) => void}} Hooks
 */

const STORED = "scalemai-outbox";
const PAUSES_SECONDS = [1, 2, 4, 8, 15];
const SIGNED_OUT = 401;

/** One reader's answers that the server has not acknowledged yet. */
export class Outbox {
  /** @param {import("./api.js").Api} api @param {Hooks} hooks */
  constructor(api, hooks) {
    this.api = api;
    this.hooks = hooks;
    /** @type {Letter[]} */ this.letters = [];
    /** @type {Promise<void> | null} */ this.running = null;
    this.owner = "";
    /** Whether the server cannot be reached. */ this.stuck = false;
    /** @type {(() => void) | null} */ this.wake = null;
    window.addEventListener("online", () => this.wake?.());
  }

  /** Go on with what a reload left behind. @param {string} reader */
  open(reader) {
    if (this.owner && this.owner !== reader) this.letters = [];
    this.owner = reader;
    const left = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    if (left?.owner === reader && this.letters.length === 0) this.letters = left.letters;
    this.#send();
  }

  /** @param {Letter} letter */
  add(letter) {
    this.letters.push(letter);
    this.#store();
    this.#send();
  }

  /** @param {string} lease @returns {boolean} whether an answer to it is still on its way */
  has(lease) {
    return this.letters.some((letter) => letter.lease === lease);
  }

  /** Resolves when nothing is on its way. */
  async empty() {
    while (this.running) await this.running;
  }

  #send() {
    this.running ??= this.#run().finally(() => {
      this.running = null;
    });
  }

  async #run() {
    for (let failures = 0; this.letters.length > 0; ) {
      const letter = this.letters[0];
      try {
        const receipt = await this.#post(letter);
        this.#done();
        this.hooks.taken(letter, receipt);
        failures = 0;
        this.stuck = false;
      } catch (error) {
        if (error.status === SIGNED_OUT) {
          this.hooks.refused(letter, error);
          return;
        }
        if (error instanceof Unreachable) {
          this.stuck = true;
          this.hooks.waiting(this.letters.length);
          await this.#pause(PAUSES_SECONDS[Math.min(failures++, PAUSES_SECONDS.length - 1)]);
        } else {
          this.#done();
          this.hooks.refused(letter, error);
        }
      }
    }
    this.hooks.waiting(0);
  }

  #post({ kind, lease, body }) {
    return kind === "skip" ? this.api.skip(lease, body.reason, body.seconds) : this.api.answer(lease, body);
  }

  #done() {
    this.letters.shift();
    this.#store();
  }

  #store() {
    sessionStorage.setItem(STORED, JSON.stringify({ owner: this.owner, letters: this.letters }));
  }

  /** Until the time is up or the browser says that it is connected again. */
  #pause(seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
