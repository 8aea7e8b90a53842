/** How long an item was really looked at. */

/** A coffee is no reading time. */
const LONGEST_SECONDS = 600;

/** Counts while the page is visible. */
export class Stopwatch {
  constructor() {
    this.counted = 0;
    /** @type {number | null} */ this.since = null;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.#go()));
  }

  /** From nothing. */
  restart() {
    this.counted = 0;
    this.since = null;
    this.#go();
  }

  pause() {
    if (this.since !== null) this.counted += performance.now() - this.since;
    this.since = null;
  }

  /** @returns {number} seconds so far, in tenths */
  get seconds() {
    const running = this.since === null ? 0 : performance.now() - this.since;
    return Math.min(LONGEST_SECONDS, Math.round((this.counted + running) / 100) / 10);
  }

  #go() {
    if (!document.hidden) this.since ??= performance.now();
  }
}
