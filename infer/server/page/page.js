// The page: a form, the images that come of it, and those of before.

import { ask, blob, events, json, token } from "/stream.js";
import { Control } from "/control.js";
import * as past from "/history.js";
import { Mask } from "/mask.js";

const at = (name) => document.getElementById(name);
const OTHER = "other";
const AS_GIVEN = "auto";
let about = null;
let inputs = []; // files to edit
let running = null; // an AbortController
let checking = 0;
const mask = new Mask(at("mask"), at("brush"), at("erase"), check);
const control = new Control(at);

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

// What the server can be asked for

async function enter() {
  try {
    about = await (await ask("/about")).json();
  } catch (error) {
    at("entrance").hidden = error.status !== 401;
    complain(error);
    if (error.status === 401) at("token").focus();
    return;
  }
  at("entrance").hidden = true;
  complain(null);
  at("model").textContent = about.model;
  at("notes").textContent = about.notes.join("; ");
  const { most, usual } = about;
  at("prompt").maxLength = most.prompt;
  at("negative").maxLength = most.prompt;
  for (const [name, value] of Object.entries({ steps: usual.steps, guidance: usual.guidance })) {
    at(name).value = value;
    at(name).max = most[name];
  }
  at("enhancing").hidden = !about.enhances;
  const fills = about.controls.includes("inpaint");
  at("fills").hidden = !fills;
  at("composes").hidden = fills;
  control.offer(about.controls);
  at("count").max = most.images;
  at("seed").max = most.seed;
  offerSizes();
  showPast();
  at("prompt").focus();
}

function offerSizes() {
  const chosen = at("size").value;
  const options = about.sizes.map((size) => make("option", { value: size }, size.replace("x", " × ")));
  if (inputs.length) options.unshift(make("option", { value: AS_GIVEN }, "as the image"));
  options.push(make("option", { value: OTHER }, "other …"));
  at("size").replaceChildren(...options);
  const values = options.map((option) => option.value);
  at("size").value = values.includes(chosen) && !inputs.length ? chosen : values[0];
  at("own").hidden = true;
}

function size() {
  if (at("size").value !== OTHER) return at("size").value;
  return at("width").value.replaceAll(/\s/g, "").replace("×", "x").replace("X", "x");
}

function settings() {
  return {
    prompt: at("prompt").value,
    size: size(),
    steps: at("steps").valueAsNumber,
    guidance: at("guidance").valueAsNumber,
    negative_prompt: at("negative").value,
    ...(at("enhance").checked && !inputs.length ? { enhance: true } : {}),
  };
}

function use(entry) {
  at("prompt").value = entry.prompt;
  at("negative").value = entry.negative_prompt || "";
  at("steps").value = entry.steps;
  at("guidance").value = entry.guidance;
  at("seed").value = entry.seed;
  at("random").checked = false;
  at("enhance").checked = false;
  at("count").value = 1;
  control.use(entry.control);
  const isListed = [...at("size").options].some((option) => option.value === entry.size);
  at("size").value = isListed ? entry.size : OTHER;
  at("width").value = isListed ? "" : entry.size;
  at("own").hidden = isListed;
  check();
  at("prompt").scrollIntoView({ block: "center" });
  at("prompt").focus({ preventScroll: true });
}

// Warnings before anything is made

function check() {
  clearTimeout(checking);
  checking = setTimeout(async () => {
    if (!about || !at("prompt").value.trim()) return warn([]);
    try {
      const isFilled = about.controls.includes("inpaint") && mask.painted;
      const body = { ...settings(), edit: inputs.length > 0 && !isFilled };
      warn((await (await ask("/check", json(body))).json()).warnings);
    } catch (error) {
      warn([error.message]);
    }
  }, 300);
}

function warn(sentences) {
  at("warnings").replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
}

function complain(error) {
  at("problem").textContent = error ? error.message : "";
}

// Images to edit

async function take(files) {
  const most = about ? about.most.inputs : 3;
  inputs = [...files].filter((file) => file.type.startsWith("image/")).slice(0, most);
  at("editing").hidden = !inputs.length;
  const images = await Promise.all(inputs.map(shown));
  at("inputs").replaceChildren(...images.map((image) => make("li", {}, image)));
  const isSingle = images.length === 1 && images[0].naturalWidth > 0;
  at("masking").hidden = !isSingle;
  at("inputs").hidden = isSingle;
  mask.open(isSingle ? images[0] : null);
  control.hide(inputs.length > 0);
  if (about) offerSizes();
  check();
}

async function shown(file) {
  const image = make("img", { src: URL.createObjectURL(file), alt: file.name });
  await image.decode().catch(() => {});
  return image;
}

// Making images

async function request(signal) {
  const asked = { ...settings(), n: at("count").valueAsNumber, stream: true };
  if (!at("random").checked && at("seed").value) asked.seed = at("seed").valueAsNumber;
  if (!inputs.length && !control.isOn) return ask("/v1/images/generations", json(asked, signal));
  const form = new FormData();
  for (const [name, value] of Object.entries(asked)) form.append(name, String(value));
  if (!inputs.length) {
    control.fill(form);
    return ask("/v1/images/generations", { method: "POST", body: form, signal });
  }
  for (const file of inputs) form.append("image[]", file, "image");
  const painted = await mask.file();
  if (painted) form.append("mask", painted, "mask.png");
  return ask("/v1/images/edits", { method: "POST", body: form, signal });
}

async function generate() {
  if (running || !about) return;
  complain(null);
  running = new AbortController();
  at("generate").disabled = true;
  at("stop").hidden = false;
  at("empty").hidden = true;
  const asked = settings();
  delete asked.enhance; // what is kept is the prompt that made an image
  if (!inputs.length && control.isOn) asked.control = control.settings();
  const figures = Array.from({ length: at("count").valueAsNumber }, () => new Figure({ ...asked }));
  at("images").prepend(...figures.map((figure) => figure.element));
  say(at("enhance").checked && !inputs.length ? "enhancing the prompt" : "waiting for a place");
  const isBelow = at("results").getBoundingClientRect().top > innerHeight * 0.7;
  if (isBelow) at("results").scrollIntoView();
  try {
    await events(await request(running.signal), (event) => hear(event, figures));
    say(`done: ${figures.filter((figure) => figure.isDone).length} of ${figures.length}`);
  } catch (error) {
    const isStopped = error.name === "AbortError";
    say(isStopped ? "stopped" : "");
    if (!isStopped) complain(error);
    if (error.status === 401) at("entrance").hidden = false;
  }
  for (const figure of figures) if (!figure.isDone && !figure.isFailed) figure.element.remove();
  at("empty").hidden = at("images").childElementCount > 0;
  running = null;
  at("generate").disabled = false;
  at("stop").hidden = true;
}

function hear(event, figures) {
  const figure = figures[event.index];
  if (event.type === "image_generation.begun") {
    warn(event.warnings);
    if (event.revised_prompt) for (const each of figures) each.asked.prompt = event.revised_prompt;
  }
  if (event.type === "image_generation.progress") {
    figure.progress(event.step, event.of);
    say(`step ${event.step + 1} of ${event.of}`);
  }
  if (event.type === "image_generation.completed") figure.show(event);
  if (event.type === "error") figure.fail(event.error.message);
}

function say(sentence) {
  at("state").textContent = sentence;
}

class Figure {
  constructor(asked) {
    this.asked = asked;
    this.isDone = this.isFailed = false;
    this.bar = make("progress", { max: 1, value: 0 });
    this.bar.removeAttribute("value");
    this.bar.setAttribute("aria-label", "Progress of an image");
    this.label = make("span", {}, "waiting");
    this.frame = make("div", { className: "frame busy" }, this.bar, this.label);
    this.element = make("figure", {}, this.frame);
  }

  progress(step, of) {
    this.bar.max = of;
    this.bar.value = step;
    this.label.textContent = `step ${step + 1} of ${of}`;
  }

  fail(message) {
    this.isFailed = true;
    this.frame.replaceChildren(make("p", { className: "failed" }, message));
  }

  async show(made) {
    this.isDone = true;
    const file = blob(made.b64_json);
    const entry = { ...this.asked, size: made.size, seed: made.seed };
    const address = URL.createObjectURL(file);
    const image = make("img", { src: address, alt: this.asked.prompt });
    const name = `${this.asked.prompt.replaceAll(/[^\p{L}\p{N}]+/gu, "-").slice(0, 40)}-${made.seed}.png`;
    const again = make("button", { type: "button" }, "Use these settings");
    const edit = make("button", { type: "button" }, "Edit it");
    again.addEventListener("click", () => use(entry));
    edit.addEventListener("click", () => {
      take([new File([file], name, { type: "image/png" })]);
      at("edit").scrollIntoView({ block: "center" });
    });
    const download = make("a", { className: "button", href: address, download: name }, "Download");
    this.frame.className = "frame";
    this.frame.replaceChildren(image);
    this.element.append(
      make("figcaption", {},
        make("p", {}, this.asked.prompt),
        make("p", { className: "facts" }, facts(entry)),
        make("p", { className: "tools" }, download, again, edit)),
    );
    await image.decode().catch(() => {});
    if (image.naturalWidth < 200) image.className = "small";
    past.keep({ ...entry, view: past.view(image) });
    showPast();
  }
}

function facts(entry) {
  const size = entry.size.replace("x", "\u00a0×\u00a0");
  const follows = entry.control ? `, ${Control.said(entry.control)}` : "";
  const how = `${entry.steps}\u00a0steps, guidance\u00a0${entry.guidance}`;
  return `seed\u00a0${entry.seed}, ${size}, ${how}${follows}`;
}

// Those of before

function showPast() {
  const kept = past.entries();
  at("past").hidden = !kept.length;
  at("history").replaceChildren(...kept.map((entry) => {
    const again = make("button", { type: "button" }, "Use these settings");
    again.addEventListener("click", () => use(entry));
    const text = make("p", {}, entry.prompt, make("small", {}, facts(entry)));
    const isView = String(entry.view).startsWith("data:image/jpeg;base64,");
    return make("li", {}, ...(isView ? [make("img", { src: entry.view, alt: "" })] : []), text, again);
  }));
}

// What the page listens to

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  generate();
});
at("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    at("form").requestSubmit();
  }
});
at("stop").addEventListener("click", () => running?.abort());
at("size").addEventListener("change", () => {
  at("own").hidden = at("size").value !== OTHER;
  if (!at("own").hidden) at("width").focus();
});
for (const name of ["prompt", "size", "width", "steps", "guidance", "negative", "enhance"]) {
  at(name).addEventListener("input", check);
}
at("seed").addEventListener("input", () => { at("random").checked = !at("seed").value; });
at("file").addEventListener("change", () => take(at("file").files));
for (const name of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
}
at("remove").addEventListener("click", () => {
  at("file").value = "";
  take([]);
  at("file").focus();
});
at("unmask").addEventListener("click", () => {
  mask.clear();
  check();
});
at("forget").addEventListener("click", () => {
  past.forget();
  showPast();
  at("prompt").focus();
});
at("enter").addEventListener("click", () => {
  token.set(at("token").value);
  enter();
});
at("token").addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    at("enter").click();
  }
});
enter();
