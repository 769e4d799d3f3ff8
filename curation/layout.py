"""Where a run keeps what: the one place that knows the names below an output directory."""

from dataclasses import dataclass

from curation import storage


@dataclass(frozen=True)
class Layout:
    """The files of the run in ``root``."""

    root: str

    @property
    def marker(self) -> str:
        """Says that the folder is a run's, to do with as it likes."""
        return storage.join(self.root, ".inkstone")

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

    def plan(self, unit: str) -> str:
        """What a unit consists of."""
        return storage.join(self.root, "plan", f"{unit}.json")

    def signals(self, unit: str) -> str:
        """A unit's measured columns."""
        return storage.join(self.root, "signals", f"{unit}.parquet")

    def checked(self, unit: str) -> str:
        """The SHA-256 of a unit's measured columns: there while they are of what ``plan`` says."""
        return storage.join(self.root, "checked", unit)

    def ledger(self, unit: str) -> str:
        """A unit's verdicts."""
        return storage.join(self.root, "ledger", f"{unit}.parquet")

    def groups(self, unit: str) -> str:
        """A unit's group columns."""
        return storage.join(self.root, "groups", f"{unit}.parquet")

    def near(self, part: int, parts: int) -> str:
        """One part of the near-duplicate edges."""
        return storage.join(self.root, "near", f"edges-{part:05d}-of-{parts:05d}.parquet")

    def near_parts(self) -> list[str]:
        """All parts of the near-duplicate edges that are there."""
        return [entry.path for entry in storage.list_files(storage.join(self.root, "near"))]

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
    def success(self) -> str:
        """There if and only if the last run finished and its ledger adds up."""
        return storage.join(self.root, "_SUCCESS")

    def units(self, folder: str) -> list[str]:
        """The units that have a file in one of the folders of units, sorted."""
        names = [
            entry.path.replace("\\", "/").rsplit("/", 1)[-1]
            for entry in storage.list_files(storage.join(self.root, folder))
        ]
        return sorted(name.split(".")[0] for name in names if not name.startswith("."))
