"""The one maker of curation pipelines for tests and benchmarks: as text, and as models."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.configuration.loading import NearDuplicate, Pipeline, Stage

Stages = Mapping[str, Mapping[str, Mapping[str, object]]]  # bounds by column, by stage
DUPLICATES = {"exact_better": {"max": 0}, "near_better": {"max": 0}}
TWO_STAGES: Stages = {
    "s1": {"short_side": {"min": 256}, **DUPLICATES},
    "s2": {"clarity": {"min": 0.3}, "luma": {"min": 0.02, "max": 0.99}},
}


def pipeline_text(
    stages: Stages,
    *,
    keep: str = "",
    top: Sequence[str] = (),
    quarantine_limit: float = 0.9,
    resolutions: Mapping[str, int] | None = None,
) -> str:
    """A file with the one pipeline ``curate``: these ``stages`` at 256 pixels, one line a bound.

    ``keep`` is the last stage unless it is named, ``top`` are more lines of the pipeline, such as
    ``quality: [size]``, and ``resolutions`` those of stages at another one.
    """
    lines = [
        "pipelines:",
        "  curate:",
        "    seed: 1",
        f"    keep: {keep or [*stages][-1]}",
        f"    quarantine_limit: {quarantine_limit}",
        "    near_duplicate: {radius: 4}",
        "    quality: [pixels, size]",
        "    signals: []",
        *(f"    {line}" for line in top),
        "    stages:",
    ]
    for name, bounds in stages.items():
        resolution = (resolutions or {}).get(name, 256)
        lines += [f"      {name}:", f"        resolution: {resolution}", "        bounds:"]
        lines += [f"          {column}: {_inline(bound)}" for column, bound in bounds.items()]
    return "\n".join(lines) + "\n"


def pipeline_of(*stages: Stage, **more: Any) -> Pipeline:
    """A pipeline of these stages that keeps what passes the last; ``more`` are other settings."""
    usual = {
        "name": "curate",
        "seed": 1,
        "keep": stages[-1].name,
        "quarantine_limit": 0.9,
        "near_duplicate": NearDuplicate(radius=4),
        "quality": (),
    }
    return Pipeline(**usual | more, stages=stages)


def _inline(bound: Mapping[str, object]) -> str:
    ends = ", ".join(f"{end}: {_value(value)}" for end, value in bound.items())
    return f"{{{ends}}}"


def _value(value: object) -> str:
    listed = isinstance(value, list | tuple)
    return f"[{', '.join(map(str, value))}]" if listed else str(value)  # type: ignore[call-overload]


WITHOUT_MODELS = pipeline_text(TWO_STAGES)
# Captions by a model on a GPU; its folder is looked for by a run alone.
CAPTIONED = pipeline_text(
    TWO_STAGES,
    top=[
        "settings: {recaption: {backend: {name: transformers, model: /models/captioner}}}",
        "measure: [caption_recaption]",
    ],
).replace("signals: []", "signals: [captioning.recaption]")
