"use strict";
// Moves a bound along its histogram and counts, bin by bin, what would be kept.
for (const trial of document.querySelectorAll(".trial")) {
  const numbers = (name) => trial.dataset[name].split(",").map(Number);
  const passing = numbers("passing"), places = numbers("places");
  const kept = Number(trial.dataset.kept);
  const sliders = [...trial.querySelectorAll("input")];
  const result = trial.querySelector(".result");
  const signal = trial.closest(".signal");
  const lines = sliders.map((slider) => signal.querySelector(".moved." + slider.dataset.side));
  const show = () => {
    let low = 0, high = passing.length;
    sliders.forEach((slider, number) => {
      const edge = slider.valueAsNumber;
      if (slider.dataset.side === "min") low = edge; else high = edge;
      const label = slider.dataset.labels.split("|")[edge];
      slider.setAttribute("aria-valuetext", label);
      slider.nextElementSibling.textContent = label;
      const moved = slider.value !== slider.defaultValue;
      lines[number].style.display = moved ? "inline" : "none";
      for (const end of ["x1", "x2"]) lines[number].setAttribute(end, places[edge] + "%");
    });
    const now = sliders.every((slider) => slider.value === slider.defaultValue);
    const sum = passing.slice(low, Math.max(low, high)).reduce((a, b) => a + b, 0);
    const change = sum - kept;
    const grouped = (number) => number.toLocaleString("en");
    result.textContent = now ? grouped(kept) + " kept, as configured"
      : grouped(sum) + " kept, " + (change < 0 ? "−" : "+") + grouped(Math.abs(change));
  };
  trial.addEventListener("input", show);
  trial.querySelector("button").addEventListener("click", () => {
    for (const slider of sliders) slider.value = slider.defaultValue;
    show();
  });
  trial.hidden = false;
  show();
}
