/** The page of figures: how far the review is and how its readers do. */

/**
 * @typedef {{right: number, total: number, share: number | null, low: number, high: number}} Proportion
 * @typedef {{reader: string, answers: number, skips: number, undone: number, median_seconds: number | null,
 *            by_kind: Record<string, number>, honeypots: Proportion | null}} Reader
 */

const KINDS = { choose: "choose", lesion: "lesion", edit: "draw", audit: "audit", honeypot: "check" };

/** @param {number | null} share @returns {string} */
function percent(share) {
  return share === null ? "\u2013" : `${Math.round(100 * share)} %`;
}

/** @param {Proportion | null} one @returns {string} */
function proportionWords(one) {
  if (!one || one.total === 0) return "none yet";
  return `${percent(one.share)} (${one.right} of ${one.total}; 95 % interval ${Math.round(100 * one.low)} to ${percent(one.high)})`;
}

/** @param {number | null} minutes @returns {string} */
export function timeWords(minutes) {
  if (minutes === null || minutes === undefined) return "";
  if (minutes < 1) return "less than a minute left";
  if (minutes < 90) return `${Math.round(minutes)} min left`;
  return `${(minutes / 60).toFixed(1)} h left`;
}

/** @param {any} progress @returns {string} */
export function progressWords(progress) {
  const left = progress.open > 0 ? timeWords(progress.minutes_left) : "";
  return [`${progress.decided} of ${progress.total} decided`, left].filter(Boolean).join(" \u00b7 ");
}

/** @param {HTMLElement} root @param {any} stats @param {string} me */
export function showFigures(root, stats, me) {
  const { progress } = stats;
  const head = make("h2", `Round ${stats.round}`);
  const tiles = make("div", "", "tiles");
  tiles.append(
    tile("decided", `${progress.decided}`, `of ${progress.total} items`),
    tile("open", `${progress.open}`, `${progress.leased} in front of readers`),
    tile("readers differ", `${progress.disputed}`, "wait for an adjudicator"),
    tile("time", timeWords(progress.minutes_left).replace(" left", "") || "\u2013", "left for one person, at the pace of now"),
  );
  const bar = make("progress");
  bar.max = 1;
  bar.value = progress.share;
  bar.setAttribute("aria-label", "share of items decided");
  const agreement = make("p", `Two readers answered alike: ${proportionWords(stats.agreement)}`);
  const back = make("p", "", "quiet");
  back.append(make("kbd", "F"), " goes back to the items");
  root.replaceChildren(head, tiles, bar, agreement, table(stats.readers, me), back);
}

/** @param {Reader[]} readers @param {string} me */
function table(readers, me) {
  const made = make("table");
  made.append(make("caption", "Readers"));
  const tested = readers.some((one) => one.honeypots);
  const kinds = Object.keys(KINDS).filter((kind) => readers.some((one) => one.by_kind[kind]));
  const heads = ["reader", "answers", "seconds each", ...kinds.map((kind) => KINDS[kind]), "skipped", "taken back"];
  if (tested) heads.push("known answers right");
  const top = make("tr");
  for (const words of heads) {
    const cell = make("th", words);
    cell.scope = "col";
    top.append(cell);
  }
  made.createTHead().append(top);
  const body = made.createTBody();
  for (const one of readers) {
    const seconds = one.median_seconds === null ? "\u2013" : one.median_seconds.toFixed(1);
    const cells = [one.answers, seconds, ...kinds.map((kind) => one.by_kind[kind] ?? 0), one.skips, one.undone];
    if (tested) cells.push(proportionWords(one.honeypots));
    const row = make("tr", "", one.reader === me ? "me" : "");
    const name = make("th", one.reader === me ? `${one.reader} (you)` : one.reader);
    name.scope = "row";
    row.append(name, ...cells.map((cell) => make("td", String(cell))));
    body.append(row);
  }
  return made;
}

function tile(label, number, words) {
  const made = make("div", "", "tile");
  made.append(make("span", label), make("strong", number), make("small", words));
  return made;
}

function make(name, words = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = words;
  if (kind) made.className = kind;
  return made;
}
