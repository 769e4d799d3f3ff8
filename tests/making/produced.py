"""Producers and consumers of small shards, in this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from making import training_shards as shards
from making.training_data import configuration

from train.producers import units, workshop
from train.producers.consuming import UnitBatches
from train.producers.counters import Counters
from train.producers.folder import UnitFolder
from train.producers.producing import Producer, Settings
from train.producers.stores import FolderStore
from train.producers.workshop import Workshop

LAST = 16  # steps
__all__ = ["LAST", "Produced", "make_all", "opened", "units"]


@dataclass
class Produced:
    """The ``workshop`` of a folder of units; what was told."""

    root: Path
    workshop: Workshop
    folder: UnitFolder
    said: list[str]

    @property
    def batches(self) -> Any:
        """Batches as a run without units has them."""
        return self.workshop.plan.at(1).batches

    def producer(self, owner: str = "first", depth: int = LAST, seconds: float = 60.0) -> Producer:
        settings = Settings(owner, depth, seconds)
        plan, maker = self.workshop.plan, self.workshop.maker
        return Producer(plan, maker, self.folder, settings, LAST, self.said.append)

    def consumer(self, store: Any = None) -> tuple[UnitBatches, Counters]:
        counters, store = Counters(), store or FolderStore(self.root)
        return UnitBatches(self.workshop.plan, store, counters, self.said.append), counters


def opened(tmp_path: Path, pattern: str | None = None, **data: Any) -> Produced:
    """Units of small shards of two sizes below ``tmp_path``, none of them made yet."""
    pattern = pattern or shards.write_all(tmp_path / "data")
    said: list[str] = []
    root = tmp_path / "units"
    folder = UnitFolder(root)
    given = configuration(**{"held_out": 0, **data})
    return Produced(root, workshop.opened(given, pattern, root, said.append), folder, said)


def make_all(produced: Produced) -> None:
    """All units up to the last step."""
    producer = produced.producer()
    while producer.once():
        pass
