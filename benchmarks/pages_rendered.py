"""Pages that a small model learns free text from: our renderer's mode ``pure``, 128x128 px.

Texts are one to four hanzi, chosen at random among the commonest of the shipped corpus. Size,
place, rows or columns, colours and backgrounds are what the renderer chooses. A text is held out by
its hash: no page that is trained on shows it.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from curation import shard
from curation.failures.errors import UsageError
from curation.picture import decoding
from synthesis.corpus import load
from synthesis.fonts import files
from train.data.examples import is_held_out

SIDE = 128  # pixels
LONGEST = 4  # hanzi in a text
HELD_OUT = 0.1  # of all texts
FACES = (
    "NotoSansCJKsc-Regular",
    "NotoSerifCJKsc-Regular",
    "NotoSansCJKsc-Bold",
    "NotoSerifCJKsc-Bold",
    "WenQuanYiMicroHei",
)
_HANZI = ("一", "鿿")


@dataclass(frozen=True)
class Page:
    """A held-out page: (H, W, 3) pixels, the text on it and its caption."""

    pixels: NDArray[np.uint8]
    text: str
    caption: str


def hanzi(count: int) -> str:
    """The commonest of the shipped corpus. Raises ``UsageError`` where it has fewer."""
    seen: Counter[str] = Counter()
    for paragraph in load("zh").paragraphs:
        seen.update(each for each in paragraph.text if _HANZI[0] <= each <= _HANZI[1])
    if len(seen) < count:
        raise UsageError(f"{count} hanzi: the shipped corpus has {len(seen)}")
    return "".join(each for each, _ in seen.most_common(count))


def texts(characters: str, seed: int, *, held_out: bool) -> Iterator[str]:
    """Texts without repeats, without end where there are enough of them."""
    random, seen = Random(f"{seed}:{held_out}"), set[str]()
    while True:
        text = "".join(random.choices(characters, k=random.randint(1, LONGEST)))
        if text not in seen and is_held_out(text, HELD_OUT) == held_out:
            seen.add(text)
            yield text


def render(out: Path, characters: str, fonts: int, pages: int, seed: int, *, held_out: bool) -> str:
    """Pages by the public command, of the first ``fonts`` of ``FACES``; the glob of their shards.

    What was rendered before by the same settings is kept. Raises ``UsageError`` for a missing font.
    """
    out.mkdir(parents=True, exist_ok=True)
    corpus = out / "texts.jsonl"
    chosen = islice(texts(characters, seed, held_out=held_out), pages)
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in chosen), "utf-8")
    command = [sys.executable, "-m", "synthesis.render", "--lang", "zh", "--mode", "pure"]
    command += ["--size", f"{SIDE}x{SIDE}", "--n", str(pages), "--seed", str(seed)]
    command += ["--corpus", str(corpus), "--corpus-only", "--out", str(out / "pages")]
    command += ["--fonts", str(_folder(out / "fonts", fonts))]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(out / "pages" / "part-*.parquet")


def _folder(folder: Path, fonts: int) -> Path:
    """A folder of links to font files. A collection's monospaced face has the same hanzi."""
    known = {face.postscript: face.path for face in files.find("zh")}
    folder.mkdir(exist_ok=True)
    for name in FACES[:fonts]:
        if name not in known:
            raise UsageError(f"no font {name} here; apt-get install fonts-noto-cjk and -wqy")
        link = folder / Path(known[name]).name
        if not link.is_symlink():
            link.symlink_to(known[name])
    return folder


def read(folder: Path) -> list[Page]:
    """The pages that ``render`` left in its ``out``."""
    pages: list[Page] = []
    for path in sorted((folder / "pages").glob("part-*.parquet")):
        for batch in shard.read(str(path), columns=("image", "caption_recaption", "text_boxes")):
            for row in batch.to_pylist():
                glyphs = [box["text"] for box in row["text_boxes"] if box["level"] == "glyph"]
                pixels = decoding.decode(row["image"]["bytes"], short_side=None).rgb
                pages.append(Page(pixels, "".join(glyphs), row["caption_recaption"][0]["text"]))
    return pages
