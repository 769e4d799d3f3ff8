"""Pairs of images of which one is better, from a file: what DPO learns of where nothing is
generated.

- lines of picks of two images, as ``beam serve`` writes them (``curation.shard.picks``): ids of
  rows that are trained on, of which both must have the same caption;
- JSON lines {"prompt": "..", "chosen": "a.png", "rejected": "b.png"}, images beside the file;
- Parquet with the columns ``prompt``, ``chosen`` and ``rejected``, the images' bytes, or structs
  that have them as ``bytes``.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from pyarrow import ArrowException
from torch import Tensor

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from curation.shard import picks
from train import phases
from train.data import examples, latents
from train.data.batches import Shown
from train.data.latents import Latents
from train.parts import Parts
from train.quotations import quoted
from train.seeds import seed_for

_KEYS = ("prompt", "chosen", "rejected")
_EXPECTED = (
    'expected {"prompt": .., "chosen": "a.png", "rejected": "b.png"} with images beside the file,'
    " or lines of beam serve"
)


@dataclass(frozen=True)
class Pair:
    """Two images of a ``prompt``: files or bytes, or without a prompt ids of rows; ``named`` says
    where that stands.
    """

    prompt: str
    chosen: Path | bytes | str
    rejected: Path | bytes | str
    named: str


def read(path: str) -> list[Pair]:
    """All pairs of a file. Raises ``UsageError`` for what is none, or a file without any."""
    pairs = list(_parquet(path) if path.endswith(".parquet") else _lines(path))
    if not pairs:
        raise UsageError(f"objective dpo: file {path}: there is no pair in it")
    if same := next((pair for pair in pairs if pair.chosen == pair.rejected), None):
        raise UsageError(
            f"objective dpo: {same.named}: both images are the same: expected one that is better"
        )
    return pairs


def digest(path: str) -> str:
    """What tells a file of pairs from another: its bytes, and the sizes of the images beside it.
    Raises ``UsageError``.
    """
    try:
        hashed = hashlib.blake2b(Path(path).read_bytes(), digest_size=16)
        for pair in read(path):
            for image in (pair.chosen, pair.rejected):
                if isinstance(image, Path):
                    hashed.update(f"{image.stat().st_size},".encode())
    except OSError as error:
        raise UsageError(f"objective dpo: file {path}: {error}") from error
    return hashed.hexdigest()


def _parquet(path: str) -> Iterator[Pair]:
    try:
        table = pq.read_table(path)
    except (OSError, ArrowException) as error:
        raise UsageError(f"objective dpo: file {path}: {error}") from error
    if missing := [name for name in _KEYS if name not in table.column_names]:
        raise UsageError(f"objective dpo: file {path}: no column {', '.join(missing)}")
    for number, row in enumerate(table.select(list(_KEYS)).to_pylist(), 1):
        named = f"{path}, row {number}"
        chosen, rejected = (_bytes(row[name]) for name in _KEYS[1:])
        if not isinstance(row["prompt"], str) or not (chosen and rejected):
            raise UsageError(f"objective dpo: {named}: expected a prompt, and bytes of two images")
        yield Pair(row["prompt"], chosen, rejected, named)


def _bytes(value: Any) -> bytes:
    data = value.get("bytes") if isinstance(value, dict) else value
    return data if isinstance(data, bytes) else b""


def _lines(path: str) -> Iterator[Pair]:
    try:
        lines = Path(path).read_text("utf-8").split("\n")  # others end no line of JSON
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"objective dpo: file {path}: {error}") from error
    if _is_of_picks(next(filter(str.strip, lines), "")):
        for number, each in enumerate(picks.read(path).preferences, 1):
            yield Pair("", each.chosen, each.rejected, f"{path}, preference {number}")
        return
    folder = Path(path).parent
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            values = [row[name] for name in _KEYS]
        except (ValueError, LookupError, TypeError):
            values = [None]
        if not all(isinstance(value, str) for value in values):
            raise UsageError(f"objective dpo: {path}:{number}: {_EXPECTED}")
        prompt, *names = values
        named = f"{path}:{number}"
        chosen, rejected = (_inside(folder, name, named) for name in names)
        yield Pair(prompt, chosen, rejected, named)


def _is_of_picks(line: str) -> bool:
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and "prompt" not in row and ("images" in row or "id" in row)


def _inside(folder: Path, name: str, named: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts or not (folder / name).is_file():
        raise UsageError(f"objective dpo: {named}: no image {name!r} below {folder}")
    return folder / name


class Pairs:
    """The pairs of a file as a run is shown them, in an order by its seed, again and again."""

    def __init__(self, path: str, parts: Parts) -> None:
        """Pairs of texts that are held out are left out. Raises ``UsageError`` where none stays, or
        not one pair of ids is among the rows trained on.
        """
        self._parts, share = parts, parts.configuration.data.held_out
        every = read(path)
        self.pairs = [pair for pair in every if not _is_held_out(pair.prompt, share)]
        self._held_out = len(every) - len(self.pairs)
        self._rows: dict[str, tuple[Latents, int]] = {}
        self._unlike = 0  # all so far, -1 since one was alike
        self._named = f"objective dpo: file {path}"
        wanted = {each for pair in self.pairs for each in _ids(pair)}
        if wanted:
            self._rows = dict(_places(parts, wanted))
            self.pairs = [pair for pair in self.pairs if all(map(self._rows.get, _ids(pair)))]
        if not self.pairs:
            raise UsageError(
                f"objective dpo: file {path}: of no pair both images are among the rows that are"
                " trained on: are they of another run, or held out?"
            )

    def figures(self, unlike: int) -> dict[str, Tensor]:
        """How many pairs of the file are left out, and of a step, where some are."""
        counts = {"held_out_pairs": self._held_out, "unlike_pairs": unlike}
        return {name: torch.tensor([float(n)]) for name, n in counts.items() if n}

    def at(self, step: int) -> tuple[list[tuple[int, Shown, Shown]], int]:
        """Those of the 1-based ``step``, by place in the batch, the chosen image first; and how
        many are left out, as their images have not one size and caption. Raises ``UsageError`` for
        images that are bad, or where none of the file is alike.
        """
        batch = phases.at(self._parts.data.phases, step).batch
        seed, count = self._parts.configuration.seed, len(self.pairs)
        pairs = []
        for place in range(batch):
            again, number = divmod((step - 1) * batch + place, count)
            order = np.random.default_rng(seed_for(seed, "pairs", again)).permutation(count)
            if both := self._shown(self.pairs[order[number]]):
                pairs.append((place, *both))
        self._unlike = self._unlike + batch if not pairs and self._unlike >= 0 else -1
        if self._unlike >= 2 * count:  # a resumed run may begin within an order of them
            raise UsageError(
                f"{self._named}: no pair has images of one size and caption: expected two images"
                " of the same prompt, such as of one model with two seeds"
            )
        return pairs, batch - len(pairs)

    def _shown(self, pair: Pair) -> tuple[Shown, Shown] | None:
        """None where they are not of one size and caption."""
        if _ids(pair):
            chosen, rejected = (self._of_row(str(each), pair) for each in _ids(pair))
        else:
            chosen, rejected = (self._of_file(each, pair) for each in (pair.chosen, pair.rejected))
        alike = chosen.latents.shape == rejected.latents.shape
        return (chosen, rejected) if alike and chosen.caption == rejected.caption else None

    def _of_row(self, identity: str, pair: Pair) -> Shown:
        rows, number = self._rows[identity]
        row = rows.get(number)
        if row is None:
            raise UsageError(f"objective dpo: {pair.named}: {identity} cannot be read")
        dropout = self._parts.configuration.data.caption_dropout
        return Shown(row.latents, row.captions[0], dropout, "t2i", 0, id=row.id)

    def _of_file(self, image: Path | bytes | str, pair: Pair) -> Shown:
        parts, data = self._parts, self._parts.configuration.data
        content = image.read_bytes() if isinstance(image, Path) else image
        assert isinstance(content, bytes)
        try:
            header = decoding.read_header(content)
            unit = parts.family.unit(parts.data.autoencoder.factor)
            size = examples.target_size(header.width, header.height, unit, data)
            if not all(size):
                raise PictureError("unsupported", f"{header.width}x{header.height} px")
            row = {"image": {"bytes": content}, "width": header.width, "height": header.height}
            pixels = examples.decode(row, size, data)
        except (OSError, PictureError) as error:
            raise UsageError(f"objective dpo: {pair.named}: {error}") from None
        own = latents.encode(parts.data.autoencoder, pixels)
        return Shown(own, pair.prompt, data.caption_dropout, "t2i", 0)


def _is_held_out(prompt: str, share: float) -> bool:
    """Whether a prompt of a file's own, or what it quotes, is a text that nothing is trained on."""
    texts = {prompt, "\n".join(quoted(prompt))} - {""}
    return any(examples.is_held_out(text, share) for text in texts)


def _ids(pair: Pair) -> Sequence[str]:
    """Of the rows of a pair; none where it has images of its own."""
    both = (pair.chosen, pair.rejected)
    return [each for each in both if isinstance(each, str)]


def _places(parts: Parts, wanted: set[str]) -> Iterator[tuple[str, tuple[Latents, int]]]:
    """Where rows of these ids are, by source and number, of those that are trained on."""
    batches: Any = parts.data.batches
    for rows in batches.latents.values():
        index = rows.index
        numbers = {
            (int(group), int(row)): number
            for number, (group, row) in enumerate(zip(index.group, index.row, strict=True))
        }
        for place, group in enumerate(index.groups):
            start = 0
            for batch in shard.read(group.path, ["id"], [group.number]):
                for row, identity in enumerate(batch.column("id").to_pylist(), start):
                    if identity in wanted and (place, row) in numbers:
                        yield identity, (rows, numbers[place, row])
                start += batch.num_rows
