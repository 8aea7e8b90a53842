/** Opens the page: signs in, and puts its parts together. */

import { Api } from "./api.js";
import { Desk } from "./desk.js";

const SIGNED_OUT = 401;

const page = document;
const api = new Api();
const desk = new Desk(page, api, () => askToSignIn("Your session has ended: sign in again, nothing is lost."));

/** @param {string} words */
function askToSignIn(words = "") {
  desk.view("login");
  page.getElementById("nav").hidden = true;
  page.getElementById("login-trouble").textContent = words;
  page.getElementById("token").focus();
}

/** @param {{reader: string, role: string}} session */
async function signedIn({ reader }) {
  page.getElementById("nav").hidden = false;
  page.getElementById("reader").textContent = reader;
  await desk.open(reader);
}

page.getElementById("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (page.getElementById("token"));
  const token = field.value.trim();
  field.value = "";
  try {
    await signedIn(await api.signIn(token));
  } catch (error) {
    askToSignIn(error.status ? error.message : "The server cannot be reached. Try again in a moment.");
  }
});

page.getElementById("sign-out").addEventListener("click", async () => {
  if (desk.reading.outbox.letters.length > 0) {
    desk.voice.warn("An answer is still on its way: sign out in a moment.");
    return;
  }
  desk.close();
  await api.signOut().catch(() => {});
  askToSignIn("You are signed out.");
});

// A page that the browser kept in memory has given its items back.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});

try {
  await signedIn(await api.session());
} catch (error) {
  askToSignIn(error.status && error.status !== SIGNED_OUT ? error.message : "");
}
