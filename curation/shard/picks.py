"""What people said of images, a line each in a JSONL file: picks, ratings, and which of two is
better. ``beam serve`` appends to it; fine-tuning reads picks and ratings, DPO the preferences.

A line is a JSON object, and names images by their ``id``, as ledgers and shards do:

    {"id": "9f..", "key": "a.jpg", "pick": "keep", "time": "2026-01-01T12:00:00Z"}     or "reject"
    {"id": "9f..", "key": "a.jpg", "rating": 4, "time": ...}                             1 to 5
    {"images": ["9f..", "c0.."], "keys": [...], "preferred": "9f..", "time": ...}

Null takes back what was said. Of several lines on the same image, or the same two images, the last
counts; ``key``, ``keys`` and ``time`` are for people, and other keys for whoever adds them.
"""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from curation.failures.errors import UsageError

KEEP, REJECT = "keep", "reject"
PICKS = (KEEP, REJECT)
BEST = 5  # a rating is 1 to that
_EXPECTED = (
    "expected {id, pick: keep or reject}, {id, rating: 1 to 5}, or {images: [id, id], preferred: "
    "one of them}; correct the line or take it out"
)


class Mark(NamedTuple):
    """What was said of an image: a ``pick``, a ``rating`` 1 to 5, or neither."""

    pick: str | None = None
    rating: int | None = None


class Preference(NamedTuple):
    """Ids of two images, of which the ``chosen`` one is better."""

    chosen: str
    rejected: str


@dataclass
class Said:
    """What a file comes to: ``marks`` by id, and what was ``preferred`` by the two ids, sorted."""

    marks: dict[str, Mark] = field(default_factory=dict)
    preferred: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def preferences(self) -> list[Preference]:
        """All pairs of which one image is better, for DPO."""
        return [
            Preference(best, second if best == first else first)
            for (first, second), best in self.preferred.items()
        ]

    def liked(self, rating: int = 4) -> set[str]:
        """The ids to fine-tune on: picked, or rated so high at least and not rejected."""
        return {
            identity
            for identity, mark in self.marks.items()
            if mark.pick == KEEP or (mark.pick is None and (mark.rating or 0) >= rating)
        }

    def rejected(self) -> set[str]:
        """The ids that were rejected."""
        return {identity for identity, mark in self.marks.items() if mark.pick == REJECT}

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in a line. Raises ``ValueError`` for what is none."""
        match line:
            case {"id": str(identity), "pick": None | "keep" | "reject" as pick}:
                self._mark(identity, self.marks.get(identity, Mark())._replace(pick=pick))
            case {"id": str(identity), "rating": None | int() as rating} if rating is None or (
                1 <= rating <= BEST and not isinstance(rating, bool)
            ):
                self._mark(identity, self.marks.get(identity, Mark())._replace(rating=rating))
            case {"images": [str(first), str(second)], "preferred": best} if (
                first != second and best in (first, second, None)
            ):
                pair = (first, second) if first < second else (second, first)
                self.preferred.pop(pair, None)  # so that they stand in the order of their lines
                if best is not None:
                    self.preferred[pair] = best
            case _:
                raise ValueError(_EXPECTED)

    def _mark(self, identity: str, mark: Mark) -> None:
        if mark == Mark():
            self.marks.pop(identity, None)
        else:
            self.marks[identity] = mark


def read(path: str | Path) -> Said:
    """What a file says. A last line that was cut short counts for nothing: whoever wrote it was
    ended before it was confirmed. Raises ``UsageError`` with the line that is none.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"{path}: {reason}; expected a file of picks, as beam serve writes it"
        ) from error
    return _said(str(path), data)[0]


def _said(path: str, data: bytes) -> tuple[Said, int]:
    """What these lines say, and how many bytes of them are whole lines."""
    said, end = Said(), 0
    lines = data.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                said.add(json.loads(line))
        except (ValueError, RecursionError):
            if number == len(lines) and not line.endswith(b"\n"):
                break
            raise UsageError(f"{path}:{number}: {_EXPECTED}") from None
        end += len(line)
    return said, end


class Recorder:
    """Appends to a file of picks, each line on the disk before anybody is told that it is.

    One at a time may write to a file: hold a lock (``storage.lock``) around it.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises ``UsageError`` for a file of something else, ``OSError``."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._guard = threading.Lock()
        try:
            data = self.path.read_bytes()
            self.said, end = _said(str(self.path), data)
            if end < len(data):
                os.ftruncate(self._file, end)
            elif data and not data.endswith(b"\n"):
                os.write(self._file, b"\n")
        except BaseException:
            os.close(self._file)
            raise
        self.version = 0  # rises with every line

    def pick(self, identity: str, key: str, pick: str | None) -> None:
        """Keep or reject an image, or neither. Raises ``ValueError``, ``OSError``."""
        self._append({"id": identity, "key": key, "pick": pick})

    def rate(self, identity: str, key: str, rating: int | None) -> None:
        """Rate an image 1 to 5, or not at all. Raises ``ValueError``, ``OSError``."""
        self._append({"id": identity, "key": key, "rating": rating})

    def prefer(self, images: Iterable[str], keys: Iterable[str], best: str | None) -> None:
        """Say which of two images is better, or that neither is. Raises as ``pick`` does."""
        self._append({"images": [*images], "keys": [*keys], "preferred": best})

    def _append(self, line: dict[str, Any]) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        data = (json.dumps({**line, "time": now}, ensure_ascii=True) + "\n").encode()
        Said().add(line)
        with self._guard:
            before = os.fstat(self._file).st_size
            try:
                if os.write(self._file, data) != len(data):
                    raise OSError(28, "No space left on device", str(self.path))
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, before)
                raise
            self.said.add(line)
            self.version += 1

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
