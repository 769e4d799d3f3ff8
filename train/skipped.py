"""Rows that cannot be trained on: counted by reason, and named where a picture is bad."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from curation import storage
from curation.picture.sizes import Size
from train.configuration import DataConfiguration

NO_CAPTION, WRONG_SIZE, UNREADABLE = "without a caption", "of another size", "unreadable"
_NAMED = 3  # in a line


@dataclass(frozen=True)
class Unreadable:
    """A bad picture: ``reason`` is one of ``picture.formats.REASONS``, or "smaller"."""

    shard: str
    key: str
    reason: str
    detail: str


@dataclass
class Skipped:
    """What was left out so far, in the order of the shards."""

    counts: Counter[str] = field(default_factory=Counter)
    sizes: Counter[Size] = field(default_factory=Counter)
    unreadable: list[Unreadable] = field(default_factory=list)

    def caption(self) -> None:
        """A row has no caption in the columns that are read."""
        self.counts[NO_CAPTION] += 1

    def size(self, size: Size) -> None:
        """A row's picture is of no size that is trained on."""
        self.counts[WRONG_SIZE] += 1
        self.sizes[size] += 1

    def picture(self, bad: Unreadable) -> None:
        """A row's picture cannot be decoded."""
        self.counts[UNREADABLE] += 1
        self.unreadable.append(bad)

    def lines(self, configuration: DataConfiguration) -> Iterator[str]:
        """For every reason how many, which, and what to do about it."""
        for reason, count in self.counts.items():
            yield f"{count} {reason} ({self._remedy(reason, configuration)})"

    def _remedy(self, reason: str, configuration: DataConfiguration) -> str:
        if reason == NO_CAPTION:
            return f"none in {', '.join(configuration.captions)}: see data.captions"
        if reason == UNREADABLE:
            named = (f"{bad.shard}: {bad.key}: {bad.reason}" for bad in self.unreadable[:_NAMED])
            return "; ".join(named) + ("; ..." if len(self.unreadable) > _NAMED else "")
        common = self.sizes.most_common(_NAMED)
        seen = ", ".join(f"{count} of {width}x{height}" for (width, height), count in common)
        more = ", ..." if len(self.sizes) > _NAMED else ""
        if not configuration.sizes:
            return f"{seen}{more}: smaller than one token; set data.resolution to scale them"
        wanted = ", ".join(configuration.sizes)
        return (
            f"{seen}{more}: data.sizes asks for {wanted} only; render with --size"
            f" {configuration.sizes[0]}, or name the sizes in a --config file ([] takes every size)"
        )


def write(path: str, skipped: Skipped) -> None:
    """The bad pictures as JSON lines; no file where there is none. Raises ``OSError``."""
    import json

    if skipped.unreadable:
        rows = [json.dumps(asdict(bad), ensure_ascii=False) for bad in skipped.unreadable]
        storage.write_bytes(path, ("\n".join(rows) + "\n").encode("utf-8", "replace"))
