"""What training shards have: how many images show each character and length of text, how many
captions each word. Counted once, and kept beside what it was counted for.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from curation import shard, storage
from train.data import shard_files
from train.flywheel import words

_CAPTIONS = ("caption_raw", "caption_recaption", "caption_fused")
_SURE = 0.5  # of a text that was read in an image
_VERSION = 1


@dataclass
class Supply:
    """``images`` of the shards, of which ``characters`` are shown in so many; ``lengths`` and
    ``lines`` of what an image shows, in characters and lines; of ``captions`` those that have each
    of ``words``, and how many words they say outside of quotations by script (``said``).
    """

    images: int = 0
    captions: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    lines: Counter[int] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    said: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of a shard."""
        captions = [of["text"] for name in _CAPTIONS for of in row.get(name) or () if of["text"]]
        shown = list(_shown(row)) or list(
            dict.fromkeys(of for c in captions for of in words.quoted(c))
        )
        text = "".join("".join(shown).split())
        self.images += 1
        self.characters.update(set(text))
        if text:
            self.lengths[len(text)] += 1
            self.lines[sum(line.count("\n") + 1 for line in shown)] += 1
        for caption in captions:
            said = words.content(caption)
            self.captions += 1
            self.words.update(said)
            self.said.setdefault(script(caption), Counter())[len(said)] += 1

    @property
    def median(self) -> float:
        """How many images the median of the characters that are shown at all has."""
        return float(np.median([*self.characters.values()])) if self.characters else 0.0

    def least_said(self, prompt: str, quantile: float) -> int:
        """So many words say all but a ``quantile`` of the captions in a prompt's script; 0 where
        there are none.
        """
        return at_quantile(self.said.get(script(prompt), Counter()), quantile)


def script(text: str) -> str:
    """``han`` or ``latin``, by what stands outside of quotations."""
    return "han" if len(words.latin(text)) < len(words.content(text)) else "latin"


def at_quantile(counts: Mapping[int, int], quantile: float) -> int:
    """The least number that so large a share of what was counted does not exceed."""
    total, seen = sum(counts.values()), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= quantile * total:
            return number
    return 0


def _shown(row: Mapping[str, Any]) -> Iterator[str]:
    """The lines that an image shows: as it was rendered, else as it was read."""
    boxes = [of["text"] for of in row.get("text_boxes") or () if of["level"] == "line"]
    regions = row.get("text_regions") or ()
    yield from boxes or (of["text"] for of in regions if of["text"] and (of["score"] or 0) >= _SURE)


def count(patterns: Sequence[str], kept: Path) -> Supply:
    """The supply of shards by their folders or globs, read again from ``kept`` where they are the
    same. Raises ``UsageError`` where there are none, ``shard.ShardError``.
    """
    entries = [each for of in patterns for each in shard_files.entries(of, f"--shards {of}")]
    named = [[_whole(of.path), of.size, *of.times] for of in entries]
    digest = hashlib.blake2b(json.dumps([_VERSION, named]).encode(), digest_size=16).hexdigest()
    if kept.is_file():
        try:
            known = json.loads(kept.read_bytes())
            if known["digest"] == digest:
                return _of_json(known)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # it is none of ours, or was cut short: counted again
    supply = Supply()
    for path in dict.fromkeys(of.path for of in entries):
        there = shard.outline(path).columns
        wanted = [of for of in ("text_boxes", "text_regions", *_CAPTIONS) if of in there]
        for batch in shard.read(path, wanted):
            for row in batch.to_pylist():
                supply.add(row)
    storage.write_bytes(
        str(kept), json.dumps(_as_json(supply, digest), ensure_ascii=False).encode()
    )
    return supply


def _whole(path: str) -> str:
    return path if storage.is_remote(path) else str(Path(path).absolute())


def _as_json(supply: Supply, digest: str) -> dict[str, Any]:
    counts = {name: _sorted(getattr(supply, name)) for name in _COUNTED}
    said = {name: _sorted(own) for name, own in sorted(supply.said.items())}
    return {
        "digest": digest,
        "images": supply.images,
        "captions": supply.captions,
        **counts,
        "said": said,
    }


def _of_json(known: Mapping[str, Any]) -> Supply:
    text = {name: Counter[str](dict(known[name])) for name in ("characters", "words")}
    numbers = {
        name: Counter[int]({int(n): of for n, of in known[name]}) for name in ("lengths", "lines")
    }
    said = {name: Counter({int(n): of for n, of in own}) for name, own in known["said"].items()}
    return Supply(known["images"], known["captions"], **text, **numbers, said=said)  # type: ignore[arg-type]


_COUNTED = ("characters", "lengths", "lines", "words")


def _sorted(counts: Mapping[Any, int]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda of: (-of[1], of[0]))


def few(supply: Supply, least: int, share: float) -> float:
    """In fewer images than that a character is rare."""
    return max(float(least), share * supply.median)


def rare(supply: Supply, characters: Iterable[str], bound: float) -> dict[str, int]:
    """Those of the characters that are rare, with how many images show them."""
    return {
        of: supply.characters[of]
        for of in dict.fromkeys(characters)
        if supply.characters[of] < bound
    }
