// The ControlNet's fieldset: what an image is to follow, how much, and in which steps.

const COMPUTED = ["canny", "soft_edge", "line_art"];
const NAMES = {
  canny: "thin edges", soft_edge: "soft edges", line_art: "lines", depth: "depth", pose: "a pose",
  layout: "a layout",
};

export class Control {
  // `at` finds an element of the page by its id.
  constructor(at) {
    this.at = at;
    this.kinds = [];
    this.address = null;
    at("control").addEventListener("change", () => this.show());
    at("control-file").addEventListener("change", () => this.show());
  }

  // `kinds` are those that the server's ControlNet follows; masks are filled by another fieldset.
  offer(kinds) {
    this.kinds = kinds.filter((kind) => kind !== "inpaint");
    const options = [["", "nothing"], ...this.kinds.map((kind) => [kind, NAMES[kind] || kind])];
    this.at("control").replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.hide(false);
    this.show();
  }

  // Edits follow nothing else.
  hide(isEdit) {
    this.at("following").hidden = isEdit || !this.kinds.length;
  }

  get file() {
    return this.at("control-file").files[0];
  }

  get isOn() {
    return !this.at("following").hidden && this.at("control").value !== "";
  }

  show() {
    const kind = this.at("control").value;
    this.at("control-how").hidden = !kind;
    this.at("control-hint").textContent = !kind ? "" : COMPUTED.includes(kind)
      ? "Computed from your image, which is stretched to the size of the result."
      : "Your image is the map itself, stretched to the size of the result.";
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = this.file ? URL.createObjectURL(this.file) : null;
    this.at("control-view").hidden = !this.address;
    if (this.address) this.at("control-view").src = this.address;
  }

  // What is followed, without the file, which is not kept; null where nothing is.
  settings() {
    if (!this.isOn) return null;
    const how = ["scale", "start", "end"].map((name) => [name, this.at(`control-${name}`).value]);
    return { kind: this.at("control").value, ...Object.fromEntries(how) };
  }

  // The same again, of a server that still follows such.
  use(kept) {
    const isKnown = kept && this.kinds.includes(kept.kind);
    this.at("control").value = isKnown ? kept.kind : "";
    if (isKnown) for (const name of ["scale", "start", "end"]) this.at(`control-${name}`).value = kept[name];
    this.show();
    if (isKnown && !this.file) this.at("control-hint").textContent += " Choose it again: files are not kept.";
  }

  // In few words, for people.
  static said({ kind, scale, start, end }) {
    return `follows ${NAMES[kind] || kind}, scale ${scale || 1}, from ${start || 0} to ${end || 1}`;
  }

  // Adds its fields to a form. Throws an error with a sentence.
  fill(form) {
    if (!this.file) throw new Error("choose the image that is to be followed, or follow nothing");
    form.append("control", this.at("control").value);
    form.append("control_image", this.file, "control");
    for (const name of ["scale", "start", "end"]) {
      const value = this.at(`control-${name}`).value;
      if (value !== "") form.append(`control_${name}`, value);
    }
  }
}
