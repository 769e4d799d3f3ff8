"""Writing folders of files and reading all they hold, for tests of the sources."""

from pathlib import Path

from curation import sources
from curation.sources import Sample, plan


def put(folder: Path, contents: dict[str, bytes | str]) -> str:
    """Write files below a folder and return its path."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(folder)


def read_all(*inputs: str, unit_rows: int = 10_000) -> list[Sample]:
    return [
        sample for unit in plan.plan(inputs, unit_rows=unit_rows) for sample in sources.read(unit)
    ]


def by_key(*inputs: str) -> dict[str, Sample]:
    samples = read_all(*inputs)
    found = {sample.key: sample for sample in samples}
    assert len(found) == len(samples) == len({sample.uri for sample in samples})
    return found
