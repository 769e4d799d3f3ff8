"""Captions of the offline back end on contact sheets, to be judged by eye.

Draws images of a folder, measures the columns that the back end reads (kept in ``columns.jsonl``,
so that a second run only composes), and writes sheets with both captions below each image, and
``captions.txt`` with the answers as they are.

    python -m benchmarks.offline_captions ../shared/data --count 100 --seed 1 --out sheets \\
        --kinds photos,photos_open,captioned,edits,watermark,text,quality,codes
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from captioning import prompting
from captioning.backends.backend import Question
from captioning.backends.offline import annotation
from curation.picture import contact_sheet, decoding
from curation.picture.opening import PictureError
from curation.signals import classes, codes, mosaics, text, watermarks
from curation.signals.row import Row
from curation.signals.signal import ready

SIGNALS = (classes.classes, text.text, codes.codes, mosaics.mosaics, watermarks.watermarks)
ON_A_SHEET = 20
SIDE = 1024  # pixels of the short side that the back end sees


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    return value


def measured(data: bytes) -> dict[str, Any]:
    """The columns of an image."""
    columns: dict[str, Any] = {}
    for entry in SIGNALS:
        columns |= ready(entry)([Row("", data, {}, columns)])[0]
    header = decoding.read_header(data)
    return plain(columns) | {"width": header.width, "height": header.height}


def drawn(folder: Path, kinds: Sequence[str], seed: int) -> Iterator[Path]:
    """All files of the ``kinds`` of folders below, one of each in turn as long as it has any."""
    of_kind = [
        sorted(path for path in (folder / kind).rglob("*") if path.is_file()) for kind in kinds
    ]
    for paths in of_kind:
        Random(seed).shuffle(paths)
    for place in range(max(map(len, of_kind))):
        yield from (paths[place] for paths in of_kind if place < len(paths))


def columns_of(path: Path, name: str, kept: dict[str, Any], file: Path) -> dict[str, Any]:
    """As kept, else measured and kept."""
    if name not in kept:
        kept[name] = measured(path.read_bytes())
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"file": name, "columns": kept[name]}, ensure_ascii=False) + "\n")
    return dict(kept[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", default=".", help="folders in it, with commas between")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--after", type=int, default=0, help="leave out so many: they were judged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "columns.jsonl"
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    kept = {of["file"]: of["columns"] for of in map(json.loads, lines)}
    rows: list[tuple[str, Image.Image, list[str]]] = []
    said: list[str] = []
    every = drawn(options.folder, options.kinds.split(","), options.seed)
    for path in islice(every, options.after, options.after + options.count):
        name = str(path.relative_to(options.folder))
        try:
            columns = columns_of(path, name, kept, file)
            rgb = decoding.decode(path.read_bytes(), SIDE).rgb
        except PictureError as error:
            print(f"{name}: {error}")
            continue
        answers = []
        for language in ("en", "zh"):
            turn = prompting.turn(prompting.prompt("annotate", language))
            answers.append(annotation(Question(name, [rgb], turn, language, columns)))
        rows.append((name, Image.fromarray(rgb), [of.caption for of in answers]))
        said.append(f"{len(rows)} {name}\n" + "".join(f"  {of.as_json()}\n" for of in answers))
    for start in range(0, len(rows), ON_A_SHEET):
        part = rows[start : start + ON_A_SHEET]
        captions = [f"[{start + n + 1}] {of[2][0]} {of[2][1]}" for n, of in enumerate(part)]
        sheet = contact_sheet.compose([of[1] for of in part], captions, 5)
        sheet.image.save(options.out / f"sheet-{start // ON_A_SHEET + 1}.png")
    (options.out / "captions.txt").write_text("".join(said), "utf-8")
    print(f"{len(rows)} images, {2 * len(rows)} captions in {options.out}")


if __name__ == "__main__":
    main()
