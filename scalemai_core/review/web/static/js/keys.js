/** From keys to acts; knows no item. */

/**
 * @typedef {{verdict: (act: string, event: KeyboardEvent) => void, look: (act: string, value?: number) => void}} Acts
 */

const VERDICTS = { a: "A", b: "B", c: "C", x: "remove", k: "keep", s: "skip", u: "undo", e: "draw" };
const LOOKS = {
  ArrowUp: ["step", 1], ArrowDown: ["step", -1], PageUp: ["step", 5], PageDown: ["step", -5],
  ArrowLeft: ["plane", -1], ArrowRight: ["plane", 1], Home: ["home"],
  "+": ["zoom", 1], "=": ["zoom", 1], "-": ["zoom", -1],
  1: ["preset", 0], 2: ["preset", 1], 3: ["preset", 2], 4: ["preset", 3],
  p: ["piece", 1], P: ["piece", -1],
};
const PAGES = { l: "fold", f: "figures", "?": "help" };

/** Keys belong to a field, or to an open sheet, before they belong to the page. */
function taken(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.querySelector("dialog[open]")) return true;
  return event.target instanceof Element && event.target.matches("input, textarea, select");
}

/** @param {KeyboardEvent} event @returns {number} Shift and a digit, wherever the layout has it */
function shiftedDigit(event) {
  const digit = event.shiftKey && /^Digit([1-9])$/.exec(event.code);
  return digit ? Number(digit[1]) : 0;
}

/** @param {() => string} view which part of the page is shown @param {Acts} acts */
export function followKeys(view, acts) {
  document.addEventListener("keydown", (event) => {
    if (taken(event)) return;
    const page = PAGES[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const act = view() === "painting" ? null : page;
    if (act) return handled(event, () => acts.look(act));
    if (view() !== "reading") {
      if (event.key === "u" && view() === "nothing") handled(event, () => acts.verdict("undo", event));
      return undefined;
    }
    return onItem(event, acts);
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === " ") acts.look("lines", 1);
  });
  window.addEventListener("blur", () => acts.look("lines", 1));
}

function onItem(event, acts) {
  const digit = shiftedDigit(event);
  if (digit) return handled(event, () => acts.look("mark", digit));
  const onButton = event.target instanceof Element && event.target.matches("button");
  if (event.key === " " && !onButton) return handled(event, () => acts.look("lines", 0));
  const scrolls = event.target instanceof Element && event.target.matches(".queue ol");
  if (scrolls && /^(Arrow|Page|Home)/.test(event.key)) return undefined;
  const look = LOOKS[event.key];
  if (look) return handled(event, () => acts.look(look[0], look[1]));
  const verdict = VERDICTS[event.key.toLowerCase()];
  if (verdict && !event.repeat) return handled(event, () => acts.verdict(verdict, event));
  return undefined;
}

function handled(event, act) {
  event.preventDefault();
  act();
}
