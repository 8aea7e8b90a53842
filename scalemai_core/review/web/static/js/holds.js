/** The items that this reader holds: the one in front and the next two, fetched ahead. */

import { Unreachable } from "./api.js";
import { Bundle } from "./bundle.js";

/**
 * @typedef {{lease: string, item: import("./bundle.js").Item, bundle: Bundle | null}} Hold
 * @typedef {{changed: () => void, lost: (hold: Hold, refusal: any) => void}} Hooks
 */

const AHEAD = 3;
const MOST = 5;
const RENEW_SECONDS = 60;
const RETRY_SECONDS = 3;

/** Leases and their bundles, in the order in which they are read. */
export class Holds {
  /** @param {import("./api.js").Api} api @param {Hooks} hooks */
  constructor(api, hooks) {
    this.api = api;
    this.hooks = hooks;
    /** @type {Hold[]} */ this.list = [];
    /** Leases that were answered, or that cannot be shown. @type {Set<string>} */ this.done = new Set();
    /** @type {Set<string>} */ this.broken = new Set();
    setInterval(() => this.renew(), RENEW_SECONDS * 1000);
    document.addEventListener("visibilitychange", () => this.renew());
  }

  /** @returns {Hold | undefined} */
  get first() {
    return this.list[0];
  }

  /** Take leases until there are enough. Nothing else may be on its way to the server. */
  async refill() {
    if (this.list.length >= AHEAD) return;
    const count = Math.min(MOST, AHEAD + this.broken.size);
    const { leases } = await this.api.take(count);
    for (const { lease_id: lease, item } of leases) {
      if (this.done.has(lease) || this.list.some((hold) => hold.lease === lease)) continue;
      if (this.list.length < AHEAD) this.#add({ lease, item, bundle: null }, this.list.length);
    }
    this.hooks.changed();
  }

  /** An item that was taken back comes first. @param {{lease_id: string, item: any}} lease */
  putFirst({ lease_id: lease, item }, bundle = null) {
    this.#add({ lease, item, bundle }, 0);
    this.hooks.changed();
  }

  /** @param {string} lease to read now */
  bringForward(lease) {
    this.list.sort((one, other) => Number(other.lease === lease) - Number(one.lease === lease));
    this.hooks.changed();
  }

  /** It was answered, or lost. @param {string} lease */
  drop(lease) {
    this.done.add(lease);
    this.list = this.list.filter((hold) => hold.lease !== lease);
  }

  /** Keep what is held, as long as somebody looks at the page. */
  async renew() {
    if (document.hidden) return;
    for (const hold of [...this.list]) {
      try {
        await this.api.renew(hold.lease);
      } catch (error) {
        if (error instanceof Unreachable) return;
        this.#lose(hold, error);
      }
    }
  }

  /** Hand back what is not on its way as an answer. @param {(lease: string) => boolean} keep */
  giveBack(keep) {
    for (const { lease } of this.list) if (!keep(lease)) this.api.giveBack(lease).catch(() => {});
    this.list = [];
  }

  #add(hold, place) {
    this.done.delete(hold.lease);
    this.list.splice(place, 0, hold);
    if (!hold.bundle) this.#fetch(hold);
  }

  async #fetch(hold) {
    while (this.list.includes(hold)) {
      try {
        hold.bundle = new Bundle(await this.api.bundle(hold.lease));
        this.hooks.changed();
        return;
      } catch (error) {
        if (!(error instanceof Unreachable)) {
          this.broken.add(hold.lease);
          this.#lose(hold, error);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_SECONDS * 1000));
      }
    }
  }

  #lose(hold, error) {
    if (!this.list.includes(hold)) return;
    this.drop(hold.lease);
    this.hooks.lost(hold, error);
  }
}
