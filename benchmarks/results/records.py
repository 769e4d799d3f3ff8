"""Records: what a run of a section gave, when, on what, by which commands."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curation import storage

FOLDER = Path(__file__).parent / "records"


@dataclass(frozen=True)
class Machine:
    """``memory`` in GiB."""

    cores: int
    processor: str
    memory: int

    def __str__(self) -> str:
        return f"{self.cores} cores of {self.processor}, {self.memory} GiB"


@dataclass(frozen=True)
class Record:
    """``commit`` is that of the code that was run, with ``+`` where files had been changed since.
    ``load`` are the means of a minute before the first command and after the last, ``seconds`` the
    CPU time of all commands, ``tables`` their rows by name.
    """

    name: str
    date: str
    commit: str
    commands: Sequence[str]
    machine: Machine
    load: tuple[float, float]
    seconds: float
    versions: Mapping[str, str]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]


def machine() -> Machine:
    """This one, as Linux says."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(os.cpu_count() or 0, names[0] if names else "unknown", round(memory / 2**30))


def read(folder: Path = FOLDER) -> dict[str, Record]:
    """All records of a folder, by name."""
    records = {}
    for path in sorted(folder.glob("*.json")):
        values = json.loads(path.read_text("utf-8"))
        values |= {"machine": Machine(**values["machine"]), "load": tuple(values["load"])}
        records[path.stem] = Record(**values)
    return records


def write(record: Record, folder: Path = FOLDER) -> None:
    """Replace the record of this name."""
    content = json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    storage.write_bytes(str(folder / f"{record.name}.json"), content.encode())
