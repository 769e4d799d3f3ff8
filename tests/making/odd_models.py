"""Models that die or hang of images 310 pixels wide, and the process that they are asked in.

As a program, in place of ``curation.measuring.answering``; in a run by ``carry_out``.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.measuring import answering, asking
from curation.runners import running
from curation.signals import discovery
from curation.signals.row import Row
from curation.signals.signal import Column, Signal

ODD = 310
ASKED = "MODELS_ASKED"  # names a file in which ``dying`` notes what it is asked about


def _segfault() -> None:
    ctypes.string_at(0)


def _hold_on() -> None:
    ctypes.PyDLL(None).sleep(60)  # and to Python's lock


def _unreachable() -> None:
    raise ConnectionError("the endpoint does not answer")


def _fail() -> None:
    raise ValueError("no such column\x1b[2J")


def entry(name: str, act: Callable[[], object], *, of_all: bool = False, **more: Any) -> Signal:
    """A model whose column is the width of images, and that acts at those which are odd."""

    def measure(rows: Sequence[Row]) -> list[dict[str, float]]:
        if path := os.environ.get(ASKED):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(" ".join(row.id for row in rows) + "\n")
        widths = [row.picture(2000).rgb.shape[1] for row in rows]
        if of_all or ODD in widths:
            act()
        return [{name: float(width)} for width in widths]

    columns = {name: Column(pa.float32(), "1", "of a test")}
    return Signal(name, "model", 1, columns, lambda: measure, **more)


def _lists(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What each row is, in every type that a column may have."""
    return [
        {
            "said": f"{row.captions} {row.columns} {len(row.inputs)}",
            "places": [{"quad": [0.1, 1 / 3], "text": None}, {"quad": None, "text": row.id}],
            "is_odd": len(row.data) % 2 == 1,
        }
        for row in rows
    ]


_PLACES = pa.list_(pa.struct([("quad", pa.list_(pa.float32())), ("text", pa.string())]))
_LISTED = {"said": pa.string(), "places": _PLACES, "is_odd": pa.bool_()}
lists = Signal(
    "lists",
    "model",
    1,
    {name: Column(kind, "", "") for name, kind in _LISTED.items()},
    lambda: _lists,
    reads=("captions", "score"),
)
MODELS = {
    of.name: of
    for of in (
        entry("score", int),
        entry("dying", _segfault),
        entry("leaving", lambda: os._exit(7)),
        entry("stuck", _hold_on, patience=1.0),
        entry("silent", _hold_on, of_all=True, patience=0.05),
        entry("unreachable", _unreachable, of_all=True),
        entry("failing", _fail),
        lists,
    )
}
SHIPPED = [of for of in discovery.discover() if of.tier != "model"]


def discover(_modules: Sequence[str] = ()) -> list[Signal]:
    """In place of ``discovery.discover``: cheap signals and these models."""
    return [*SHIPPED, *MODELS.values()]


def carry_out(root: str, mode: str) -> None:
    """A run over ROOT/in whose models ``score`` and ``dying`` are ruled."""
    from making import runs
    from making.pipelines import WITHOUT_MODELS

    discovery.discover = discover
    asking.MODULE = "making.odd_models"
    rules = "".join(f"          {name}: {{min: 1}}\n" for name in ("score", "dying"))
    Path(root, "pipelines.yaml").write_text(WITHOUT_MODELS + rules)
    arguments = ("--direct_num_workers=2", f"--direct_running_mode={mode}")
    with running.workers(arguments, ["curation.run"]):
        runs.carry_out([f"{root}/in"], f"{root}/out", [*arguments], 8)


if __name__ == "__main__":
    discovery.discover = discover
    answering.main(sys.argv[1:])
