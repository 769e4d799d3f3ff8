"""What a run over the whole input is said to cost, of the sample of a plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.report.cards import Thumbnails
from curation.report.nearest import Pick
from curation.report.outcome import Unit
from curation.report.sections.section import Known
from curation.report.text import figure

HOUR = 3600.0
_UNITS = (("h", 1.0), ("min", 60.0), ("s", HOUR))
Ends = Sequence[float]  # value, low and high end of the 95 % interval


@dataclass(frozen=True)
class Forecast:
    """The section; ``said`` is what ``beam plan --json`` says."""

    said: Mapping[str, Any]
    anchor: str = "forecast"
    label: str = "Forecast"
    title: str = "What the whole input would cost"
    columns: Sequence[str] = ()

    def add(self, unit: Unit, groups: pa.Table) -> None:
        """Rows tell nothing more."""

    def picks(self) -> list[Pick]:
        """None."""
        return []

    def view(self, thumbnails: Thumbnails) -> Any:
        """The sum, the steps, and what language models are asked."""
        said = self.said
        money, gpu = said["cost"], said["gpu_hours"]
        kept = _span([round(said["rows"] * of) for of in said["kept"]])
        return {
            "rows": said["rows"],
            "sampled": said["sampled"],
            "total": [
                ("rows kept, duplicates and quotas apart", kept),
                ("CPU time", _time(said["cpu_hours"])),
                ("GPU time", "no model ran on a GPU here" if gpu is None else _time(gpu)),
                ("shards", _size(said["shard_bytes"])),
                ("cost", _span(money) if money else "not known without prices"),
            ],
            "steps": [_step(name, of) for name, of in said["steps"].items()],
            "answers": [
                (name, _asked(of, said["steps"].get(name))) for name, of in said["answers"].items()
            ],
        }


def chosen(known: Known) -> Forecast | None:
    """The section, where the run is the sample of a plan."""
    return Forecast(known.forecast) if known.forecast else None


def _step(name: str, of: Mapping[str, Any]) -> tuple[str, ...]:
    each = f"{figure(of['cpu_milliseconds_a_row'])} ms"
    gpu = _time(of["gpu_hours"]) if of["gpu_hours"] else ""
    return name, _span(of["rows"]), each, _time(of["cpu_hours"]), gpu


def _asked(of: Mapping[str, Any], step: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What a language model is asked, and what that takes."""
    asked = [
        ("captions to be asked for", _span(of["captions"])),
        ("answers", _span(of["answers"])),
        ("tokens of prompts", _span(of["prompt_tokens"])),
        ("tokens of answers", _span(of["new_tokens"])),
    ]
    cost, tokens = of["cost_of_tokens"], of["prompt_tokens"][0] + of["new_tokens"][0]
    unpriced = "not known without prices" if tokens else "none: no language model is asked"
    asked.append(("cost of tokens", _span(cost) if cost else unpriced))
    if step and step["gpu_hours"]:
        asked.append(("GPU time", _time(step["gpu_hours"])))
    elif step and step["wall_hours"]:
        asked.append(("time as answers came here, asked by one worker", _time(step["wall_hours"])))
    return asked


def _time(hours: Ends) -> str:
    unit, factor = next((of for of in _UNITS if hours[0] * of[1] >= 1), _UNITS[-1])
    return _span([factor * of for of in hours], unit)


def _size(ends: Ends) -> str:
    unit, factor = ("GB", 1e9) if ends[0] >= 1e9 else ("MB", 1e6)
    return _span([of / factor for of in ends], unit)


def _span(ends: Ends, unit: str = "") -> str:
    """A number with its unit and the ends of its interval."""
    value, low, high = map(figure, ends)
    return " ".join(filter(None, [value, unit, "" if low == high else f"({low} to {high})"]))
