"""The evaluations that a training leaves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.figures import Rate


def curve(output: Path) -> Sequence[Mapping[str, Any]]:
    """Those of an output, the first before its first step; but for that of its end."""
    lines = (json.loads(line) for line in (output / "evaluations.jsonl").open(encoding="utf-8"))
    return [line for line in lines if "of_step" not in line]


def rate(entry: Mapping[str, Any]) -> Rate:
    """How many held-out images are exact, of an evaluation or a result."""
    count = entry["held_out_images"]
    return Rate(round(entry["held_out_accuracy"] * count), count)
