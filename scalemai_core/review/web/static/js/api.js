/** Talking to the server: one method a route, and two kinds of trouble. */

/** The server said no, in words. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} words */
  constructor(status, code, words) {
    super(words);
    this.status = status;
    this.code = code;
  }
}

/** The server could not be reached; the same may be sent again. */
export class Unreachable extends Error {}

/** Answers that a proxy gives while the server restarts. */
const PASSING = new Set([429, 502, 503, 504]);

/** The review server. */
export class Api {
  constructor() {
    /** Proves that a write comes from this page. */
    this.csrf = "";
  }

  /** @param {string} token @returns {Promise<{reader: string, role: string, csrf: string}>} */
  signIn(token) {
    return this.#session("POST", { token });
  }

  /** @returns {Promise<{reader: string, role: string, csrf: string}>} the session that is open */
  session() {
    return this.#session("GET");
  }

  signOut() {
    return this.#json("DELETE", "/api/session");
  }

  round() {
    return this.#json("GET", "/api/round");
  }

  items() {
    return this.#json("GET", "/api/items?limit=200");
  }

  stats() {
    return this.#json("GET", "/api/stats");
  }

  /** @param {number} count */
  take(count) {
    return this.#json("POST", "/api/leases", { count });
  }

  renew(lease) {
    return this.#json("POST", `/api/leases/${encodeURIComponent(lease)}/renew`);
  }

  /** Also while the page is closing. */
  giveBack(lease) {
    return this.#fetch("DELETE", `/api/leases/${encodeURIComponent(lease)}`, { keepalive: true });
  }

  /** @returns {Promise<ArrayBuffer>} */
  async bundle(lease) {
    const response = await this.#fetch("GET", `/api/leases/${encodeURIComponent(lease)}/bundle`, {});
    return whole(response.arrayBuffer());
  }

  /** @returns {Promise<ArrayBuffer>} the CT of the item as NIfTI */
  async crop(lease) {
    const response = await this.#fetch("GET", `/api/leases/${encodeURIComponent(lease)}/crop.nii.gz`, {});
    return whole(response.arrayBuffer());
  }

  answer(lease, answer) {
    return this.#json("POST", `/api/leases/${encodeURIComponent(lease)}/answer`, answer);
  }

  skip(lease, reason, seconds) {
    return this.#json("POST", `/api/leases/${encodeURIComponent(lease)}/skip`, { reason, seconds });
  }

  /** @param {string} lease @param {ArrayBuffer} nifti @param {number} seconds */
  async draw(lease, nifti, seconds) {
    const path = `/api/leases/${encodeURIComponent(lease)}/drawing?seconds=${seconds}`;
    const headers = { "Content-Type": "application/octet-stream" };
    const response = await this.#fetch("PUT", path, { body: nifti, headers });
    return whole(response.json());
  }

  undo() {
    return this.#json("POST", "/api/undo");
  }

  async #session(method, body) {
    const session = await this.#json(method, "/api/session", body);
    this.csrf = session.csrf ?? "";
    return session;
  }

  async #json(method, path, body) {
    const options = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    const response = await this.#fetch(method, path, options);
    return response.status === 204 ? null : whole(response.json());
  }

  async #fetch(method, path, { headers = {}, ...options }) {
    if (method !== "GET") headers["X-CSRF-Token"] = this.csrf;
    let response;
    try {
      response = await fetch(path, { method, headers, credentials: "same-origin", ...options });
    } catch (error) {
      throw new Unreachable(String(error));
    }
    if (PASSING.has(response.status)) throw new Unreachable(`status ${response.status}`);
    if (!response.ok) throw await refusal(response);
    return response;
  }
}

/** A body that breaks off is the network's fault, too. */
async function whole(body) {
  try {
    return await body;
  } catch (error) {
    throw new Unreachable(String(error));
  }
}

/** @param {Response} response @returns {Promise<Refusal>} */
async function refusal(response) {
  const said = await response.json().catch(() => ({}));
  const words = typeof said.error === "string" ? said.error : `the server answered ${response.status}`;
  return new Refusal(response.status, said.code ?? "", words);
}
