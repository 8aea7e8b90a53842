/** What is asked, and the answers as buttons that name their keys. */

/** @typedef {import("./bundle.js").Bundle} Bundle @typedef {{key: string, words: string, line?: string, detail?: string, act: () => void}} Answer */

const ASKED = {
  lesion: "Is this a lesion?",
  edit: "Draw what is right:",
};

/** @param {number | null | undefined} volume in ml @returns {string} */
export function volumeWords(volume) {
  if (volume === null || volume === undefined) return "";
  if (volume === 0) return "empty";
  if (volume >= 100) return `${Math.round(volume)} ml`;
  return `${volume.toFixed(volume >= 10 ? 1 : 2)} ml`;
}

/** @param {string} kind as a reader is told it @returns {string} */
export function kindWords(kind) {
  return { lesion: "lesion?", edit: "draw" }[kind] ?? "which?";
}

/** @param {string} words @returns {string} */
export function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How an option differs in size from A. */
function against(option, first) {
  if (option.key === "A" || !first?.volume_ml || option.volume_ml === null) return "";
  const share = Math.round((100 * (option.volume_ml - first.volume_ml)) / first.volume_ml);
  if (Math.abs(share) > 999) return "";
  return share === 0 ? "same size" : `${share > 0 ? "+" : "\u2212"}${Math.abs(share)} %`;
}

/** A mask that lies on the other side of the body would look as if it were empty. */
function elsewhere(bundle, option) {
  return option.volume_ml && !bundle.shows(option.key) ? "not in this picture" : "";
}

/**
 * The answers to an item, in the order of their keys.
 * @param {Bundle} bundle @param {{choose: (key: string) => void, keep: () => void, remove: () => void, draw: () => void}} acts
 * @returns {Answer[]}
 */
export function answersOf(bundle, acts) {
  const { kind } = bundle.item;
  if (kind === "lesion") {
    return [
      { key: "K", words: "lesion, keep", line: "a", detail: volumeWords(bundle.options[0]?.volume_ml), act: acts.keep },
      { key: "X", words: "no lesion, delete", line: "m", act: acts.remove },
    ];
  }
  const first = bundle.option("A");
  const answers = bundle.options.map((option) => ({
    key: option.key,
    words: kind === "edit" && option.key === "A" ? "leave as is" : option.words,
    line: option.key.toLowerCase(),
    detail: [volumeWords(option.volume_ml), against(option, first), elsewhere(bundle, option)].filter(Boolean).join(", "),
    act: () => acts.choose(option.key),
  }));
  if (bundle.mayDraw) answers.push({ key: "E", words: kind === "edit" ? "draw it" : "none, draw", act: acts.draw });
  return answers;
}

/** The head of the page's work area. */
export class Question {
  /** @param {Document} page @param {Parameters<typeof answersOf>[1]} acts */
  constructor(page, acts) {
    this.asked = page.getElementById("asked");
    this.structure = page.getElementById("structure");
    this.reason = page.getElementById("reason");
    this.options = page.getElementById("options");
    this.acts = acts;
  }

  /** @param {Bundle} bundle */
  show(bundle) {
    const { item } = bundle;
    this.asked.textContent = ASKED[item.kind] ?? "Which outline is right?";
    this.structure.textContent = capital(item.structure_words);
    this.reason.textContent = capital(item.reason);
    this.reason.title = item.reason;
    this.options.replaceChildren(...answersOf(bundle, this.acts).map(button));
  }

  /** While a verdict has just been given. @param {boolean} closed */
  lock(closed) {
    this.options.classList.toggle("locked", closed);
  }
}

/** @param {Answer} answer @returns {HTMLButtonElement} */
function button({ key, words, line, detail, act }) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "option";
  made.setAttribute("aria-keyshortcuts", key);
  const name = document.createElement("kbd");
  name.textContent = key;
  const label = document.createElement("span");
  label.className = "words";
  label.textContent = words;
  made.append(name, label);
  if (line) {
    const sample = document.createElement("span");
    sample.className = `line ${line}`;
    made.append(sample);
  }
  if (detail) {
    const size = document.createElement("span");
    size.className = "detail";
    size.textContent = detail;
    made.append(size);
  }
  made.addEventListener("click", () => {
    made.blur();
    act();
  });
  return made;
}
