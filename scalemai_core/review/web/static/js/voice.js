/** What the page says: to everyone in a corner, to a screen reader in its live regions. */

const SHOWN_SECONDS = 4;
const TROUBLE_SECONDS = 12;

/** One place for messages. */
export class Voice {
  /** @param {HTMLElement} status polite @param {HTMLElement} alert at once @param {HTMLElement} link how the network is */
  constructor(status, alert, link) {
    this.status = status;
    this.alert = alert;
    this.link = link;
    this.spoken = status.ownerDocument.getElementById("spoken");
    this.timers = new Map();
  }

  /** @param {string} words */
  say(words) {
    this.#show(this.status, words, SHOWN_SECONDS);
  }

  /** What was said is over. */
  hush() {
    this.#show(this.status, "", 0);
  }

  /** Only for those who listen. @param {string} words */
  announce(words) {
    this.spoken.textContent = words;
  }

  /** @param {string} words */
  warn(words) {
    this.#show(this.alert, words, TROUBLE_SECONDS);
  }

  /** @param {number} letters answers that wait for the network */
  waiting(letters) {
    const answers = letters === 1 ? "1 answer is kept" : `${letters} answers are kept`;
    const words = letters === 0 ? "" : `No connection: ${answers} and sent again`;
    if (this.link.textContent !== words) this.link.textContent = words;
    this.link.hidden = letters === 0;
  }

  #show(region, words, seconds) {
    clearTimeout(this.timers.get(region));
    region.textContent = words;
    region.classList.toggle("shown", words !== "");
    this.timers.set(region, setTimeout(() => {
      region.classList.remove("shown");
      region.textContent = "";
    }, seconds * 1000));
  }
}

/** @param {any} refusal @param {string} what the answer was about @returns {string} */
export function refusalWords(refusal, what) {
  switch (refusal.code) {
    case "lease_lost":
      return `Not taken: ${what} was held too long and went back to the queue. Somebody will be asked again.`;
    case "changed_mask":
      return `Skipped: the mask of ${what} has changed since it was shown. It will be asked again if need be.`;
    case "closed":
      return `The review of this round is closed; the answer on ${what} does not count any more.`;
    default:
      return `${what}: ${refusal.message}`;
  }
}
