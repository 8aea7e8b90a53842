/** The sheet that asks why an item is skipped. */

const REASONS = [
  "cannot tell from this scan",
  "needs another specialist",
  "image quality or artefact",
  "not this structure, or not in the scan",
  "none is right, and no time to draw",
  "other",
];

/** A dialog with reasons under the keys 1 to 6, and room for words. */
export class SkipSheet {
  /** @param {HTMLDialogElement} dialog @param {(reason: string) => void} skipped */
  constructor(dialog, skipped) {
    this.dialog = dialog;
    this.note = dialog.querySelector("#skip-note");
    this.choices = REASONS.map((reason, at) => radio(reason, at));
    dialog.querySelector("#skip-reasons").append(...this.choices.map(({ label }) => label));
    dialog.querySelector("#skip-cancel").addEventListener("click", () => dialog.close());
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.querySelector("form").addEventListener("submit", () => skipped(this.reason));
  }

  open() {
    this.choices[0].input.checked = true;
    this.note.value = "";
    this.dialog.showModal();
    this.choices[0].input.focus();
  }

  /** @returns {string} */
  get reason() {
    const place = this.choices.findIndex(({ input }) => input.checked);
    const note = this.note.value.trim();
    if (!note) return REASONS[place];
    return REASONS[place] === "other" ? note : `${REASONS[place]}: ${note}`;
  }

  #key(event) {
    if (event.target === this.note) return;
    const choice = this.choices[Number(event.key) - 1];
    if (!choice) return;
    choice.input.checked = true;
    choice.input.focus();
    event.preventDefault();
  }
}

function radio(reason, at) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "reason";
  input.value = reason;
  const key = document.createElement("kbd");
  key.textContent = String(at + 1);
  label.append(input, key, ` ${reason}`);
  return { label, input };
}
