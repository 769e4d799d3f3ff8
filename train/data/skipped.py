"""Rows that cannot be trained on: counted by reason, and named where an image is bad."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from curation.picture.sizes import Size
from curation.shard.selection import NO_STAGE, OTHER_STAGE
from train.configuration import DataConfiguration

OUTSIDE, NO_WEIGHT = "outside data.where", "of weight 0"
NOT_PICKED, NOT_BEST = "not picked", "not among the best"
NO_CAPTION, WRONG_SIZE, UNREADABLE = "without a caption", "of another size", "unreadable"
NOT_FINITE = "latents not finite (see autoencoder.path)"
_NAMED = 3  # in a line


@dataclass(frozen=True)
class Unreadable:
    """A bad image: ``reason`` is one of ``picture.formats.REASONS``, or ``NOT_FINITE``."""

    shard: str
    key: str
    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.shard}: {self.key}: {self.reason}"


@dataclass
class Skipped:
    """What was left out so far, in the order of the shards; of bad images those met so far."""

    counts: Counter[str] = field(default_factory=Counter)
    sizes: Counter[Size] = field(default_factory=Counter)
    enlarged: Counter[Size] = field(default_factory=Counter)  # not left out, but told
    unreadable: dict[Unreadable, None] = field(default_factory=dict)  # in the order met

    def note(self, reason: str, rows: int = 1) -> None:
        """So many more rows are left out."""
        if rows:
            self.counts[reason] += rows

    def size(self, size: Size) -> None:
        """A row's image is of no size that is trained on."""
        self.note(WRONG_SIZE)
        self.sizes[size] += 1

    def add(self, other: "Skipped") -> None:
        """What was left out of other shards, too."""
        self.counts.update(other.counts)
        self.sizes.update(other.sizes)
        self.enlarged.update(other.enlarged)

    def image(self, bad: Unreadable) -> None:
        """A row's image cannot be decoded; the same one again changes nothing."""
        if bad not in self.unreadable:
            self.note(UNREADABLE)
            self.unreadable[bad] = None

    def lines(self, configuration: DataConfiguration, *, images: bool = True) -> Iterator[str]:
        """For every reason how many, which, and what to do about it; bad ``images`` or not."""
        for reason, count in self.counts.items():
            if images or reason != UNREADABLE:
                yield f"{count} {reason} ({self._remedy(reason, configuration)})"

    def warnings(self, configuration: DataConfiguration) -> Iterator[str]:
        """What is trained on all the same, and what to do about it."""
        if count := self.enlarged.total():
            side = min(configuration.resolutions, default=0)
            wanted = f"data.resolution {side}" if side else "data.sizes"
            yield (
                f"{count} images are smaller than what they are scaled to, and blurred by it"
                f" ({self._common(self.enlarged)}; {wanted} asks for more): data.where"
                " {short_side: {min: ...}} leaves them out, a smaller class shows them as they are"
            )

    def _remedy(self, reason: str, configuration: DataConfiguration) -> str:
        if reason == UNREADABLE:
            named = "; ".join(map(str, list(self.unreadable)[:_NAMED]))
            return named + ("; ..." if len(self.unreadable) > _NAMED else "")
        if reason == WRONG_SIZE:
            return self._sizes(configuration)
        return {
            NO_STAGE: "rows that `beam run` never judged, such as rendered ones: see data.stage",
            OTHER_STAGE: f"data.stage asks for {configuration.stage} or deeper",
            OUTSIDE: f"of {', '.join(configuration.where)}; a null is outside, too",
            NOT_PICKED: f"by people, in {configuration.picks}, or rated {configuration.rating}",
            NOT_BEST: _not_best(configuration),
            NO_WEIGHT: f"{' times '.join(configuration.weight)}: see data.weight",
            NO_CAPTION: _no_caption(configuration),
        }[reason]

    def _sizes(self, configuration: DataConfiguration) -> str:
        seen = self._common(self.sizes)
        if not configuration.sizes:
            return f"{seen}: smaller than one token; set data.resolution to scale them"
        wanted = ", ".join(configuration.sizes)
        return (
            f"{seen}: data.sizes asks for {wanted} only; render with --size"
            f" {configuration.sizes[0]}, set data.resize to scale them, or name the sizes in a"
            " --config file ([] takes every size)"
        )

    def _common(self, sizes: Counter[Size]) -> str:
        common = sizes.most_common(_NAMED)
        seen = ", ".join(f"{count} of {width}x{height}" for (width, height), count in common)
        return seen + (", ..." if len(sizes) > _NAMED else "")


def _not_best(configuration: DataConfiguration) -> str:
    best = configuration.best
    return f"{best.count} of each {best.by} by {best.order}: see data.best" if best else ""


def _no_caption(configuration: DataConfiguration) -> str:
    columns = f"none in {', '.join(configuration.splits)}"
    if configuration.languages:
        languages = ", ".join(configuration.languages)
        return f"{columns} in a language of data.languages, {languages}: see both"
    return f"{columns}: see data.captions"


class Log:
    """The bad images of a run as JSON lines in ``path``, where a continued run goes on.

    A file appears with the first of them; each is told once, up to ``MOST_TOLD``.
    """

    MOST_TOLD = 10

    def __init__(self, path: Path, tell: Callable[[str], None], *, resume: bool) -> None:
        self._path, self._tell = path, tell
        self._known: set[Unreadable] = set(_read(path)) if resume else set()
        if not resume:
            path.unlink(missing_ok=True)

    def add(self, bad: Unreadable) -> None:
        """A bad image was met. Raises ``OSError``."""
        if bad in self._known:
            return
        self._known.add(bad)
        line = json.dumps(asdict(bad), ensure_ascii=False) + "\n"
        with self._path.open("ab") as stream:
            stream.write(line.encode("utf-8", "replace"))
        if len(self._known) <= self.MOST_TOLD:
            self._tell(f"skipped: {bad}")

    @property
    def counts(self) -> dict[str, int]:
        """How many different bad images were met, by the name of the reason."""
        return {UNREADABLE: len(self._known)} if self._known else {}


def _read(path: Path) -> Iterator[Unreadable]:
    """The whole lines of the file, where there is one; a torn last one is written again."""
    if not path.is_file():
        return
    kept: list[str] = []
    for line in path.read_text("utf-8", errors="replace").splitlines(keepends=True):
        try:
            bad = Unreadable(**json.loads(line))
        except (ValueError, TypeError):
            break
        kept.append(line)
        yield bad
    path.write_text("".join(kept), "utf-8")
