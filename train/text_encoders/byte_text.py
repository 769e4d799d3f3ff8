"""The smallest text encoder that works: bytes of what is quoted, hashed words of the rest.

A checkpoint takes a copy of this file along, so that diffusers can load it where Inkstone is not
installed: nothing of ours is imported here.

Shapes: t tokens of a prompt, T those of all, D feature width; H W pixels, v cells of a view.
"""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

Images = Sequence[NDArray[np.uint8]]

_CONFIGURATION = "config.json"
_WEIGHTS = "text_encoder.safetensors"
_CELL = 8  # pixels of a view that become one token, a side
_PLACES = 64  # rows and columns of a view's cells that are told apart
_IMAGES = 3  # that are told apart
_LAST_BYTE = 0x7F  # the last code point that is a single byte
_PIECES = re.compile(
    '"(?P<straight>[^"]*)"|“(?P<curly>[^”]*)”|「(?P<corner>[^」]*)」'  # what is to be written
    r"|(?P<word>[㐀-鿿豈-﫿]|[^\W㐀-鿿豈-﫿]+|[^\w\s])"  # else words; a hanzi is a word
)


class ByteTextEncoder(nn.Module):
    """Learnt embeddings: one token per UTF-8 byte inside quotation marks, one per word outside.

    Text to be written must be spelled, hence bytes with their place in the quotation; the rest of
    a caption is only meant, hence one hashed token per word: a caption of 45 bytes becomes about
    15 tokens and a training step costs half. Words share ``words`` buckets by BLAKE2; anything
    beyond ``longest`` tokens is cut off, which ``cut`` counts by prompts.

    With ``characters`` a quoted character of several bytes is one token instead, of a table of so
    many rows, by its code point modulo that: 20992 keep all hanzi of Unicode's main block apart.

    Of images it sees a ``view`` of about that many pixels squared, in cells that are one token
    each, before the prompt: the least of what a vision-language model sees. 0: it sees none.
    """

    def __init__(
        self,
        width: int,
        words: int = 4096,
        places: int = 64,
        longest: int = 1024,
        view: int = 0,
        characters: int = 0,
    ) -> None:
        super().__init__()
        self.width, self.words, self.places, self.longest = width, words, places, longest
        self.view, self.characters, self.cut = view, characters, 0
        # 0 begin, 1..256 bytes, then words, then characters
        self.token = nn.Embedding(257 + words + characters, width)
        self.place = nn.Embedding(places + 1, width)  # 0 outside, then the character's index + 1
        self.offset = nn.Embedding(5, width)  # 0 outside, then the byte's index in its character
        tables = [self.token, self.place, self.offset]
        if view:
            self.cell = nn.Linear(3 * _CELL * _CELL, width)
            self.row = nn.Embedding(_PLACES, width)
            self.column = nn.Embedding(_PLACES, width)
            self.image = nn.Embedding(_IMAGES, width)
            tables += [self.row, self.column, self.image]
        for table in tables:
            nn.init.normal_(table.weight, std=1.0)

    @property
    def sees_images(self) -> bool:
        """Whether features depend on images."""
        return bool(self.view)

    def tokens(self, prompt: str) -> list[tuple[int, int, int]]:
        """(token, place, offset) indices of a prompt, the begin token first, nothing cut."""
        tokens = [(0, 0, 0)]
        for match in _PIECES.finditer(prompt):
            word = match["word"]
            if word is not None:
                tokens.append((257 + _bucket(word.casefold(), self.words), 0, 0))
                continue
            quoted = match["straight"] or match["curly"] or match["corner"] or ""
            for index, character in enumerate(quoted):
                place = min(index, self.places - 1) + 1
                if self.characters and ord(character) > _LAST_BYTE:
                    row = ord(character) % self.characters
                    tokens.append((257 + self.words + row, place, 1))
                    continue
                for offset, byte in enumerate(character.encode("utf-8", "replace")):
                    tokens.append((1 + byte, place, 1 + offset))
        return tokens

    def encode(
        self, prompts: Sequence[str], images: Sequence[Images] | None = None
    ) -> list[tuple[Tensor, ...]]:
        """Features of each prompt, (t, D) float32, behind those of its ``images`` (H, W, 3).

        Raises ``ValueError`` for no prompt, or images for another number of prompts.
        """
        images = images or [()] * len(prompts)
        if not prompts:
            raise ValueError("no prompts to encode")
        if len(prompts) != len(images):
            raise ValueError(f"{len(prompts)} prompts with images for {len(images)}")
        spelled = [self.tokens(prompt) for prompt in prompts]
        self.cut += sum(len(row) > self.longest for row in spelled)
        rows = [row[: self.longest] for row in spelled]
        device = self.token.weight.device
        token, place, offset = torch.tensor(
            [token for row in rows for token in row], device=device
        ).unbind(1)
        features = self.token(token) + self.place(place) + self.offset(offset)
        texts = features.split([len(row) for row in rows])
        if not self.view:
            return [(text,) for text in texts]
        return [(self._with(own, text),) for own, text in zip(images, texts, strict=True)]

    def _with(self, images: Images, text: Tensor) -> Tensor:
        """(t, D): what is seen of images, then the text."""
        return torch.cat([*(self._seen(each, n) for n, each in enumerate(images)), text])

    def _seen(self, pixels: NDArray[np.uint8], number: int) -> Tensor:
        """(v, D): the cells of one image, row by row."""
        ratio = pixels.shape[1] / pixels.shape[0]
        columns, rows = (
            min(_PLACES, max(1, round(self.view * side / _CELL)))
            for side in (math.sqrt(ratio), 1 / math.sqrt(ratio))
        )
        weight = self.cell.weight
        image = torch.from_numpy(pixels).to(weight.device).permute(2, 0, 1) / 127.5 - 1
        small = adaptive_avg_pool2d(image.to(weight.dtype), (rows * _CELL, columns * _CELL))
        grid = small.reshape(3, rows, _CELL, columns, _CELL)
        cells: Tensor = self.cell(grid.permute(1, 3, 0, 2, 4).reshape(rows * columns, -1))
        place = torch.arange(rows * columns, device=weight.device)
        of_image = torch.full_like(place, min(number, _IMAGES - 1))
        position = self.row(place // columns) + self.column(place % columns)
        seen: Tensor = cells + position + self.image(of_image)
        return seen

    def save(self, directory: Path) -> dict[str, tuple[str, str]]:
        """Write ``directory/text_encoder``, this file too; return its line for the index."""
        folder = directory / "text_encoder"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(__file__, folder / Path(__file__).name)
        content = {
            "_class_name": "ByteTextEncoder",
            "width": self.width,
            "words": self.words,
            "places": self.places,
            "longest": self.longest,
            "view": self.view,
            "characters": self.characters,
        }
        (folder / _CONFIGURATION).write_text(json.dumps(content, indent=2) + "\n")
        save_file(
            {name: value.contiguous() for name, value in self.state_dict().items()},
            str(folder / _WEIGHTS),
        )
        return {"text_encoder": (Path(__file__).stem, "ByteTextEncoder")}

    @classmethod
    def from_pretrained(cls, folder: str | Path, **_options: object) -> "ByteTextEncoder":
        """Read the folder ``save`` wrote; diffusers calls it with options that do not matter."""
        folder = Path(folder)
        content = json.loads((folder / _CONFIGURATION).read_text())
        names = ("width", "words", "places", "longest", "view", "characters")
        encoder = cls(**{name: content[name] for name in names if name in content})
        encoder.load_state_dict(load_file(str(folder / _WEIGHTS)))
        return encoder


def _bucket(word: str, buckets: int) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % buckets
