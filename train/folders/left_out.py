"""Files of a folder that are not trained on: told by reason, and each named in JSON lines."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from curation import storage

NAME = "left-out.jsonl"
NO_CAPTION = "images without a caption"
NOT_UTF8 = "images whose caption is not UTF-8"
UNREADABLE = "images that cannot be read"
OTHER = "files that are no images, captions or tars"
_SHOWN = 3


@dataclass(frozen=True)
class LeftOut:
    """A file ``key`` in a folder or tar, ``place``; ``detail`` says more of the ``reason``, of
    ``OTHER`` the file's ending.
    """

    place: str
    key: str
    reason: str
    detail: str = ""


def lines(files: Iterable[LeftOut]) -> Iterator[str]:
    """For each reason how many, and which are the first; of ``OTHER`` how many of each ending."""
    by_reason: dict[str, list[LeftOut]] = {}
    for each in files:
        by_reason.setdefault(each.reason, []).append(each)
    for reason in sorted(by_reason, key=(NO_CAPTION, NOT_UTF8, UNREADABLE, OTHER).index):
        own = by_reason[reason]
        if reason == OTHER:
            endings = Counter(each.detail for each in own).most_common()
            names = [f"{count:,} {ending}" for ending, count in endings]
        else:
            names = [each.key + (f" ({each.detail})" if each.detail else "") for each in own]
        more = ", ..." if len(names) > _SHOWN else ""
        yield f"{len(own):,} {reason}: {', '.join(names[:_SHOWN])}{more}"


def write(directory: Path, files: Iterable[LeftOut]) -> None:
    """All of them in ``directory``. Raises ``OSError``."""
    text = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in files)
    storage.write_bytes(str(directory / NAME), text.encode("utf-8", "replace"))


def read(directory: Path) -> list[LeftOut]:
    """What ``write`` wrote, if it did. Raises ``OSError``."""
    path = directory / NAME
    text = path.read_text("utf-8") if path.is_file() else ""
    return [LeftOut(**json.loads(line)) for line in text.split("\n") if line]
