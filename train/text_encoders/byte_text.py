"""The smallest text encoder that works: bytes of what is quoted, hashed words of the rest.

A checkpoint takes a copy of this file along, so that diffusers can load it where Inkstone is not
installed: nothing of ours is imported here.

Shapes: t tokens of a prompt, T those of all, D feature width.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

_CONFIGURATION = "config.json"
_WEIGHTS = "text_encoder.safetensors"
_PIECES = re.compile(
    '"(?P<straight>[^"]*)"|“(?P<curly>[^”]*)”|「(?P<corner>[^」]*)」'  # what is to be written
    r"|(?P<word>[㐀-鿿豈-﫿]|[^\W㐀-鿿豈-﫿]+|[^\w\s])"  # else words; a hanzi is a word
)


class ByteTextEncoder(nn.Module):
    """Learnt embeddings: one token per UTF-8 byte inside quotation marks, one per word outside.

    Text to be written must be spelled, hence bytes with their place in the quotation; the rest of
    a caption is only meant, hence one hashed token per word: a caption of 45 bytes becomes about
    15 tokens and a training step costs half. Words share ``words`` buckets by BLAKE2; anything
    beyond ``longest`` tokens is cut off.
    """

    def __init__(self, width: int, words: int = 4096, places: int = 64, longest: int = 512) -> None:
        super().__init__()
        self.width, self.words, self.places, self.longest = width, words, places, longest
        self.token = nn.Embedding(257 + words, width)  # 0 begin, 1..256 bytes, then words
        self.place = nn.Embedding(places + 1, width)  # 0 outside, then the character's index + 1
        self.offset = nn.Embedding(5, width)  # 0 outside, then the byte's index in its character
        for table in (self.token, self.place, self.offset):
            nn.init.normal_(table.weight, std=1.0)

    def tokens(self, prompt: str) -> list[tuple[int, int, int]]:
        """(token, place, offset) indices of a prompt, the begin token first."""
        tokens = [(0, 0, 0)]
        for match in _PIECES.finditer(prompt):
            word = match["word"]
            if word is not None:
                tokens.append((257 + _bucket(word.casefold(), self.words), 0, 0))
                continue
            quoted = match["straight"] or match["curly"] or match["corner"] or ""
            for index, character in enumerate(quoted):
                place = min(index, self.places - 1) + 1
                for offset, byte in enumerate(character.encode("utf-8", "replace")):
                    tokens.append((1 + byte, place, 1 + offset))
        return tokens[: self.longest]

    def encode(self, prompts: Sequence[str], images: object = None) -> list[tuple[Tensor, ...]]:
        """Features of each prompt, (t, D) float32; of ``images`` it sees nothing.

        Raises ``ValueError`` for no prompt.
        """
        if not prompts:
            raise ValueError("no prompts to encode")
        rows = [self.tokens(prompt) for prompt in prompts]
        device = self.token.weight.device
        token, place, offset = torch.tensor(
            [token for row in rows for token in row], device=device
        ).unbind(1)
        features = self.token(token) + self.place(place) + self.offset(offset)
        return [(each,) for each in features.split([len(row) for row in rows])]

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
        encoder = cls(content["width"], content["words"], content["places"], content["longest"])
        encoder.load_state_dict(load_file(str(folder / _WEIGHTS)))
        return encoder


def _bucket(word: str, buckets: int) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % buckets
