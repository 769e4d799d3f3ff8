"use strict";
// Picks and ratings, keys, and bounds that are judged again while they move.
const all = (query, within = document) => [...within.querySelectorAll(query)];
const byId = (id) => document.getElementById(id);
const grouped = (number) => number.toLocaleString("en");
const told = byId("told");
let telling;
const tell = (sentence) => {
  told.textContent = sentence;
  clearTimeout(telling);
  telling = setTimeout(() => { told.textContent = ""; }, 6000);
};
const ask = async (link, options = {}) => {
  let answer, content;
  try {
    answer = await fetch(link, options);
    content = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server gave no answer: is beam serve still running?");
  }
  if (!answer.ok) throw new Error(content.error || answer.statusText);
  return content;
};
let last = Promise.resolve();  // one after the other: answers would overtake each other
const post = (link, content) => {
  const options = {
    method: "POST", body: JSON.stringify(content), keepalive: true,
    headers: { "Content-Type": "application/json", "X-Inkstone": "1" },
  };
  last = last.catch(() => {}).then(() => ask(link, options));
  return last;
};

// what is said of an image
const mark = async (card, said) => {
  try {
    const now = await post("/marks", { number: Number(card.dataset.number), ...said });
    for (const button of all("[data-pick]", card)) {
      button.setAttribute("aria-pressed", String(button.dataset.pick === now.pick));
    }
    for (const button of all("[data-rate]", card)) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.rate) === now.rating));
    }
    card.querySelector(".rating").dataset.rating = now.rating || 0;
  } catch (error) { tell(error.message); }
};
const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const pick = (card, what) => {
  const button = card.querySelector(`[data-pick=${what}]`);
  mark(card, { pick: pressed(button) ? null : what });
};
const rate = (card, number) => {
  const button = card.querySelector(`[data-rate="${number}"]`);
  mark(card, { rating: pressed(button) ? null : number });
};
document.addEventListener("click", (event) => {
  const button = event.target.closest(".marks button");
  if (!button) return;
  const card = button.closest(".card");
  if (button.dataset.pick) pick(card, button.dataset.pick); else rate(card, Number(button.dataset.rate));
});

// keys
const cards = all(".card"), single = cards.length === 1 && document.querySelector(".one-image");
const current = () => single ? cards[0] : document.activeElement.closest(".card");
const step = (by) => {
  const place = cards.indexOf(current());
  const next = cards[place < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, place + by))];
  if (next) next.querySelector("a").focus();
};
const follow = (query) => { const link = document.querySelector(query); if (link) link.click(); };
const keys = {
  "/": () => { const field = byId("where"); if (field) field.focus(); else follow("#up"); },
  "b": () => follow("#boxes"), ",": () => follow("[rel=prev]"), ".": () => follow("[rel=next]"),
  "u": () => follow("#up"),
};
const two = document.querySelector(".two");
const onCard = {
  "y": (card) => pick(card, "keep"), "x": (card) => pick(card, "reject"),
  "0": async (card) => { await mark(card, { pick: null }); await mark(card, { rating: null }); },
  "n": (card) => { location.href = `/?near=${card.dataset.number}`; },
};
for (const number of [1, 2, 3, 4, 5]) onCard[number] = (card) => rate(card, number);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) return;
  const key = event.key;
  if (two && choose(key)) { event.preventDefault(); return; }
  if (key === "ArrowRight" || key === "ArrowLeft") {
    const forward = key === "ArrowRight";
    if (single) follow(forward ? "[rel=next]" : "[rel=prev]");
    else if (cards.length) step(forward ? 1 : -1); else return;
  } else if (onCard[key] && current()) onCard[key](current());
  else if (keys[key]) keys[key](); else return;
  event.preventDefault();
});

// which of two is better
const prefer = async (button, again = false) => {
  const [first, second] = two.dataset.numbers.split(",").map(Number);
  const best = button && !(again && pressed(button)) ? Number(button.dataset.number) : null;
  try {
    await post("/pairs", { first, second, best });
    for (const each of all(".choice")) {
      each.setAttribute("aria-pressed", String(Number(each.dataset.number) === best));
    }
    if (best !== null) follow("[rel=next]");
  } catch (error) { tell(error.message); }
};
const choose = (key) => {
  const [left, right] = all(".choice");
  if (key === "ArrowLeft") prefer(left); else if (key === "ArrowRight") prefer(right);
  else if (key === "0") prefer(null); else if (key === " ") follow("[rel=next]"); else return false;
  return true;
};
if (two) for (const button of all(".choice")) button.addEventListener("click", () => prefer(button, true));

// moved bounds
const trial = byId("trial");
if (trial) {
  const sliders = all(".slider").map((row) => ({
    row, name: row.dataset.name, configured: Number(row.dataset.configured),
    values: row.dataset.values.split(",").map(Number),
    range: row.querySelector("[type=range]"), exact: row.querySelector("[type=number]"),
  }));
  const nearest = (values, value) => values.reduce(
    (best, each, place) => Math.abs(each - value) < Math.abs(values[best] - value) ? place : best, 0);
  const place = (slider, value) => {
    slider.exact.value = value;
    slider.range.value = nearest(slider.values, value);
    slider.range.setAttribute("aria-valuetext", String(value));
    slider.row.classList.toggle("moved", value !== slider.configured);
  };
  // lists of what may pass: the boxes of one are said together, values as the server encoded them
  const choices = all(".choices").map((row) => ({
    row, name: row.dataset.name, boxes: all("[type=checkbox]", row),
  }));
  const ticked = (choice) => choice.boxes.filter((box) => box.checked).map((box) => box.value).join("|");
  const marked = (choice) => choice.row.classList.toggle(
    "moved", choice.boxes.some((box) => box.checked !== ("configured" in box.dataset)));
  const tick = (choice, values) => {
    for (const box of choice.boxes) box.checked = values ? values.has(box.value) : "configured" in box.dataset;
    return marked(choice);
  };
  const link = (id, text, href, shown) => {
    const element = byId(id);
    element.hidden = !shown;
    if (text) element.textContent = text;
    element.href = href;
  };
  const said = trial.dataset.moved.split(",").filter(Boolean).map((part) => part.split(":"));
  const own = new Map(said);  // bounds that were moved, as links say them
  let running = null, waiting;
  const judge = async (moved) => {
    if (running) running.abort();
    const mine = running = new AbortController();
    trial.classList.add("waits");
    try {
      const now = await ask("/judge?moved=" + encodeURIComponent(moved), { signal: mine.signal });
      byId("wrong").textContent = "";
      show(now);
    } catch (error) {
      if (error.name === "AbortError") return;
      byId("wrong").textContent = error.message;
    }
    if (mine === running) trial.classList.remove("waits");
  };
  const show = (now) => {
    const before = now.before.kept, after = now.after.kept, change = after - before;
    byId("kept").textContent = grouped(after) + " kept";
    byId("change").textContent = now.moved
      ? `${change < 0 ? "−" : "+"}${grouped(Math.abs(change))} of ${grouped(before)}` : "as configured";
    for (const [id, word] of [["gained", "come in"], ["lost", "fall out"], ["undecided", "need a model's look"]]) {
      link(id, `${grouped(now.numbers[id])} ${word}`, now.links[id], now.numbers[id] > 0);
    }
    link("all", "", now.links.kept, now.moved !== "");
    byId("reset").hidden = now.moved === "";
    byId("more").hidden = now.moved === "";
    byId("rules").replaceChildren(...now.rules.map(([rule, old, fresh]) => {
      const item = document.createElement("li"), text = document.createElement("span");
      text.textContent = `${rule} ${grouped(old)} → ${grouped(fresh)}`;
      item.append(text);
      return item;
    }));
    byId("notes").textContent = now.notes.join("; ");
    byId("yaml").textContent = now.yaml;
    for (const slider of sliders) {
      if (!own.has(slider.name)) place(slider, now.bounds[slider.name] ?? slider.configured);
    }
    const lists = new Map(now.moved.split(",").map((part) => part.split(":")));
    for (const choice of choices) {
      const values = lists.get(choice.name);
      if (!own.has(choice.name)) tick(choice, values === undefined ? null : new Set(values.split("|")));
    }
    byId("captions").textContent = now.captions.filter(([, old, fresh]) => old || fresh).map(([split, old, fresh]) =>
      `${split} captions kept: ${grouped(old)}` + (old === fresh ? "" : ` → ${grouped(fresh)}`)).join("; ");
    const url = new URL(location);
    if (now.moved) url.searchParams.set("moved", now.moved); else url.searchParams.delete("moved");
    history.replaceState(null, "", url);
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => judge([...own].map((each) => each.join(":")).join(",")), 200);
  };
  const move = (slider, value) => {
    if (!Number.isFinite(value)) return;
    if (value === slider.configured) own.delete(slider.name); else own.set(slider.name, value);
    slider.row.classList.toggle("moved", value !== slider.configured);
    soon();
  };
  for (const choice of choices) {
    marked(choice);
    choice.row.addEventListener("change", () => {
      if (marked(choice)) own.set(choice.name, ticked(choice)); else own.delete(choice.name);
      soon();
    });
  }
  for (const slider of sliders) {
    slider.range.addEventListener("input", () => {
      const value = slider.values[slider.range.valueAsNumber];
      place(slider, value);
      move(slider, value);
    });
    slider.exact.addEventListener("input", () => {
      slider.range.value = nearest(slider.values, slider.exact.valueAsNumber);
      move(slider, slider.exact.valueAsNumber);
    });
  }
  byId("reset").addEventListener("click", () => {
    own.clear();
    clearTimeout(waiting);
    for (const slider of sliders) place(slider, slider.configured);
    for (const choice of choices) tick(choice, null);
    judge("");
  });
  judge(trial.dataset.moved);
}
