/** The parts of the page at work together. */

import { progressWords, showFigures } from "./figures.js";
import { windowWords } from "./hounsfield.js";
import { followKeys } from "./keys.js";
import { Locator } from "./locator.js";
import { Paint } from "./paint.js";
import { Pieces } from "./pieces.js";
import { followPointer } from "./pointer.js";
import { capital, Question } from "./question.js";
import { Queue } from "./queue.js";
import { readout } from "./readout.js";
import { Reading } from "./reading.js";
import { SkipSheet } from "./skip.js";
import { Strip } from "./strip.js";
import { Verdicts } from "./verdicts.js";
import { Viewer } from "./viewer.js";
import { Voice } from "./voice.js";

const VIEWS = ["login", "reading", "nothing", "painting", "figures"];
const LOOK_AGAIN_SECONDS = 20;

/** Everything that a signed-in reader sees. */
export class Desk {
  /** @param {Document} page @param {import("./api.js").Api} api @param {() => void} signedOut */
  constructor(page, api, signedOut) {
    this.page = page;
    this.api = api;
    this.voice = new Voice(this.#element("status"), this.#element("alert"), this.#element("link"));
    this.viewer = new Viewer(this.#element("viewer"));
    this.strip = new Strip(this.#element("strip"), this.viewer);
    this.locator = new Locator(this.#element("locator"), this.viewer);
    this.pieces = new Pieces(this.#element("pieces"), this.viewer, this.voice);
    this.reading = new Reading(api, this.voice, this.#screen(signedOut));
    this.queue = new Queue(this.#element("queue"), this.#element("items"), this.#element("fold"), (item) => this.#bring(item));
    this.verdicts = new Verdicts(this);
    this.question = new Question(page, this.verdicts.acts);
    this.skip = new SkipSheet(this.#element("skip"), (reason) => this.reading.skip(reason));
    this.paint = new Paint(page, api, {
      save: (nifti) => this.reading.draw(nifti),
      leave: () => this.view("reading"),
      trouble: (error, what) => this.reading.trouble(error, what),
    });
    followPointer(this.viewer);
    followKeys(() => this.shown, { verdict: (act, event) => this.verdicts.act(act, event), look: (act, value) => this.#look(act, value) });
    this.#buttons();
    setInterval(() => this.#lookAgain(), LOOK_AGAIN_SECONDS * 1000);
  }

  #element(id) {
    return this.page.getElementById(id);
  }

  /** @param {string} reader */
  async open(reader) {
    this.reader = reader;
    this.view("reading");
    this.count();
    await this.reading.start(reader);
  }

  close() {
    this.reading.leave();
    this.viewer.clear();
  }

  /** @param {string} shown which part of the page */
  view(shown) {
    this.shown = shown;
    for (const name of VIEWS) this.#element(name).hidden = name !== shown;
    this.#element("to-figures").setAttribute("aria-pressed", String(shown === "figures"));
    if (shown === "reading") this.viewer.resize();
  }

  /** Progress and the list; what cannot be had now is had later. */
  async count() {
    try {
      const [round, { items }] = await Promise.all([this.api.round(), this.api.items()]);
      this.#element("progress").hidden = !round.progress;
      if (round.progress) {
        this.#element("progress").querySelector("progress").value = round.progress.share;
        this.#element("progress").querySelector(".words").textContent = progressWords(round.progress);
        this.#element("nothing-words").textContent = `${capital(progressWords(round.progress))} in round ${round.round}.`;
      } else {
        this.#element("nothing-words").textContent = "No review is open at the moment.";
      }
      this.queue.show(items);
    } catch {
      this.#element("progress").title = "these numbers may be old: the server did not answer";
    }
  }

  #screen(signedOut) {
    return {
      show: (hold) => this.#show(hold),
      nothing: () => this.#nothing(),
      prepare: (bundle) => this.#prepare(bundle),
      wait: () => this.voice.say("Fetching the next item\u2026"),
      locked: (on) => this.question.lock(on),
      decided: (item, words) => this.queue.mark(item, words),
      counted: () => this.count(),
      signedOut,
    };
  }

  /** @param {import("./holds.js").Hold} hold */
  #show({ bundle, item }) {
    if (this.shown !== "figures") this.view("reading");
    this.voice.hush();
    this.question.show(bundle);
    this.pieces.show(bundle);
    this.viewer.show(bundle);
    this.locator.draw();
    this.#hints();
    this.queue.point(item.item_id, this.reading.holds.list.map((hold) => hold.item.item_id));
    this.page.title = `${capital(bundle.item.structure_words)} \u2013 ScaleMAI review`;
    this.voice.announce(`${this.question.asked.textContent} ${bundle.item.structure_words}. ${bundle.item.reason}`);
  }

  /** Before it is asked for, so that it is there at once. @param {import("./bundle.js").Bundle} bundle */
  #prepare(bundle) {
    if (this.shown !== "reading") return;
    this.viewer.prepare(bundle);
    this.strip.prepare(bundle);
  }

  #nothing() {
    this.viewer.clear();
    if (this.shown !== "reading" && this.shown !== "painting") return;
    this.view("nothing");
    this.page.title = "Nothing waits \u2013 ScaleMAI review";
    this.#element("again").focus();
    this.voice.announce("Nothing waits.");
  }

  #hints() {
    const hints = [["S", "skip"], ["U", "undo"], ["\u2191 \u2193", "slice"], ["Space", "hide lines"], ["1\u20264", "window"], ["Home", "item"]];
    if (!this.#element("pieces").hidden) hints.unshift(["P", "mark piece"], ["X", "delete piece"]);
    this.#element("hints").replaceChildren(...hints.map(([key, words]) => {
      const hint = this.page.createElement("span");
      const name = this.page.createElement("kbd");
      name.textContent = key;
      hint.append(name, ` ${words}`);
      return hint;
    }));
    this.#element("readout").textContent = "";
  }

  #bring(item) {
    const hold = this.reading.holds.list.find((one) => one.item.item_id === item);
    if (hold) this.reading.holds.bringForward(hold.lease);
  }

  #look(act, value) {
    const { viewer } = this;
    const acts = {
      step: () => viewer.step(value),
      plane: () => this.#turn(value),
      home: () => viewer.home(),
      zoom: () => viewer.zoom(value),
      preset: () => viewer.preset(value),
      lines: () => viewer.showLines(Boolean(value)),
      piece: () => this.pieces.next(value),
      mark: () => this.pieces.toggle(value),
      fold: () => this.queue.fold(),
      figures: () => this.figures(),
      help: () => this.#element("help").showModal(),
    };
    acts[act]();
  }

  #turn(step) {
    this.viewer.active = (this.viewer.active + step + 3) % 3;
    this.voice.say(`The arrow keys move the ${["axial", "coronal", "sagittal"][this.viewer.active]} plane`);
  }

  /** To the page of figures, or back. */
  async figures() {
    if (this.shown === "figures") {
      this.view(this.reading.current ? "reading" : "nothing");
      return;
    }
    try {
      showFigures(this.#element("figures"), await this.api.stats(), this.reader);
      this.view("figures");
      this.#element("figures").focus();
    } catch (error) {
      this.reading.trouble(error, "Figures");
    }
  }

  async #lookAgain() {
    if (this.page.hidden || this.shown !== "nothing") return;
    await this.reading.refill();
    this.count();
  }

  #buttons() {
    this.#element("to-figures").addEventListener("click", () => this.figures());
    this.#element("to-help").addEventListener("click", () => this.#element("help").showModal());
    this.#element("again").addEventListener("click", () => this.#lookAgain());
    const presets = [...this.#element("presets").querySelectorAll("button")];
    presets.forEach((button, place) => button.addEventListener("click", () => this.viewer.preset(place)));
    this.viewer.addEventListener("window", () => {
      const { window } = this.viewer;
      presets.forEach((button) => button.setAttribute("aria-pressed", String(button.lastChild.textContent === window.name)));
      this.#element("window").textContent = windowWords(window);
    });
    this.viewer.addEventListener("point", (event) => {
      this.#element("readout").textContent = readout(this.viewer.bundle, event.detail);
    });
  }
}
