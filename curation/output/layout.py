"""Where a run keeps what: the one place that knows the names below an output directory."""

import json
import re
from dataclasses import dataclass

from curation import storage

_UNIT = r"[0-9a-f]{16}"
_FOLDER = r"[A-Za-z]\w*-[0-9a-f]{12}"
_COLUMNS = re.compile(rf"({_FOLDER})[/\\]({_UNIT})\.parquet")
_WHOLE = re.compile(rf"({_FOLDER})[/\\](whole)\.parquet")
# What else lies there is the user's, neither read nor removed.
NAMES = {
    "plan": re.compile(rf"{_UNIT}\.json"),
    "checked": re.compile(_UNIT),
    "signals": re.compile(rf"{_UNIT}\.parquet"),  # of versions that had no folders there
    "groups": re.compile(rf"{_UNIT}\.parquet"),  # the same
    "ledger": re.compile(rf"{_UNIT}\.parquet"),
    "pending": re.compile(rf"{_UNIT}\.json"),
    "looked": re.compile(_UNIT),
    "near": re.compile(r"edges-\d{5,}-of-\d{5,}\.parquet"),
    "shards": re.compile(r"part-\d{5,}-of-\d{5,}-[0-9a-f]{12}\.parquet"),
}


@dataclass(frozen=True)
class Layout:
    """The files of the run in ``root``."""

    root: str

    @property
    def unit_names(self) -> str:
        """The names of all units of the plan, one a line: what every graph starts from."""
        return storage.join(self.root, "units.txt")

    @property
    def counts(self) -> str:
        """The funnel of the run, once every unit is judged."""
        return storage.join(self.root, "counts.json")

    @property
    def assignment(self) -> str:
        """What each shard holds, one line a shard."""
        return storage.join(self.root, "shards.jsonl")

    @property
    def excluded(self) -> str:
        """The names of what this and every later run leaves out, one a line."""
        return storage.join(self.root, "excluded.txt")

    @property
    def reusable(self) -> str:
        """Which column files of units that are gone, or of other outputs, may be taken over."""
        return storage.join(self.root, "reusable.json")

    @property
    def taken(self) -> str:
        """How many rows a step measured, and how many it took over."""
        return storage.join(self.root, "taken.json")

    @property
    def before(self) -> str:
        """Which images the last finished run kept, while another one is at work."""
        return storage.join(self.root, "before.parquet")

    def kept_earlier(self, folder: str, name: str) -> str:
        """What a model saw of images that a unit has no more, until the run ends."""
        return storage.join(self.root, "earlier", folder, f"{name}.parquet")

    def plan(self, unit: str) -> str:
        """What a unit consists of."""
        return storage.join(self.root, "plan", f"{unit}.json")

    def signals(self, folder: str, unit: str) -> str:
        """A unit's columns that one folder of ``signals`` holds, such as ``base-0123456789ab``."""
        return storage.join(self.root, "signals", folder, f"{unit}.parquet")

    def columns(self, kind: str = "signals") -> list[tuple[str, str, storage.FileEntry]]:
        """Folder, unit and file of all measured columns that are there, or of all ``groups``.

        In ``earlier`` names are those of contents, not of units.
        """
        return self._named(kind, _COLUMNS)

    def wholes(self) -> list[tuple[str, str, storage.FileEntry]]:
        """Folder, name and file of what groupings know of all units."""
        return self._named("groups", _WHOLE)

    def _named(
        self, kind: str, pattern: re.Pattern[str]
    ) -> list[tuple[str, str, storage.FileEntry]]:
        top = storage.join(self.root, kind, "")
        named = (
            (pattern.fullmatch(entry.path[len(top) :]), entry)
            for entry in storage.list_files(storage.join(self.root, kind))
        )
        return [(match[1], match[2], entry) for match, entry in named if match]

    def measured_units(self, folder: str) -> list[str]:
        """The planned units that have columns in one folder of ``signals``, sorted."""
        there = {unit for place, unit, _ in self.columns() if place == folder}
        if storage.exists(self.unit_names):  # those of an earlier plan stay until a run ends
            there &= {*storage.read_bytes(self.unit_names).decode().split()}
        return sorted(there)

    def checked(self, unit: str) -> str:
        """The SHA-256 of a unit's measured columns, and of the plan that they are of."""
        return storage.join(self.root, "checked", unit)

    def pending(self, unit: str) -> str:
        """The rows of a unit that models are still to look at."""
        return storage.join(self.root, "pending", f"{unit}.json")

    def looked(self, unit: str) -> str:
        """As many bytes as pending rows of a unit were looked at since they were judged."""
        return storage.join(self.root, "looked", unit)

    def ledger(self, unit: str) -> str:
        """A unit's verdicts."""
        return storage.join(self.root, "ledger", f"{unit}.parquet")

    def groups(self, folder: str, unit: str) -> str:
        """A unit's columns of one grouping, such as ``duplicates-0123456789ab``."""
        return storage.join(self.root, "groups", folder, f"{unit}.parquet")

    def whole(self, folder: str) -> str:
        """What one grouping knows of all units together."""
        return storage.join(self.root, "groups", folder, "whole.parquet")

    def near(self, part: int, parts: int) -> str:
        """One part of the near-duplicate edges."""
        return storage.join(self.root, "near", f"edges-{part:05d}-of-{parts:05d}.parquet")

    def near_parts(self) -> list[str]:
        """All parts of the near-duplicate edges that are there."""
        return [entry.path for entry in self.written("near")]

    @property
    def shards(self) -> str:
        """The directory of the curated shards and their manifest."""
        return storage.join(self.root, "shards")

    @property
    def run(self) -> str:
        """Configuration, versions, seed, counts and timings."""
        return storage.join(self.root, "run.json")

    @property
    def report(self) -> str:
        """The page for people."""
        return storage.join(self.root, "report.html")

    @property
    def forecast(self) -> str:
        """Of the sample of a plan, what was said of the whole input."""
        return storage.join(self.root, "forecast.json")

    @property
    def data_docs(self) -> str:
        """What the gate validated, for people."""
        return storage.join(self.root, "data_docs.html")

    @property
    def success(self) -> str:
        """There if and only if the last run finished and its ledger adds up."""
        return storage.join(self.root, "_SUCCESS")

    @property
    def folders(self) -> list[str]:
        """Every directory that a run writes to."""
        tops = ("signals", "groups", "earlier")
        columns = sorted({storage.join(top, of) for top in tops for of, _, _ in self.columns(top)})
        within = [*NAMES, *columns]
        return [self.root, *(storage.join(self.root, folder) for folder in within)]

    def written(self, folder: str) -> list[storage.FileEntry]:
        """The files of ``plan``, ``signals``, ``shards``, ... with names that only runs give."""
        entries = storage.list_folder(storage.join(self.root, folder))
        return [entry for entry in entries if NAMES[folder].fullmatch(storage.name_of(entry.path))]

    def units(self, folder: str) -> list[str]:
        """The units that have a file in one of the folders of units, sorted."""
        return sorted(storage.name_of(entry.path).split(".")[0] for entry in self.written(folder))


def measured(output: str) -> tuple[int, int]:
    """How many units a run has to measure, and how many are."""
    layout = Layout(output)
    return len(layout.units("plan")), len(layout.units("checked"))


def looked_at(output: str) -> tuple[int, int]:
    """How many images models are to look at before all is judged again, and how many they did."""
    layout = Layout(output)
    if not storage.exists(layout.counts):
        return 0, 0
    waiting = json.loads(storage.read_bytes(layout.counts)).get("waiting", 0)
    return waiting, sum(entry.size for entry in layout.written("looked")) if waiting else 0
