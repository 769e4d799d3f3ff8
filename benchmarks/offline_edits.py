"""Instructions of the offline back end on contact sheets of pairs, to be judged by eye.

Pairs are made of photographs of a folder by edits in turn, such that the back end knows and such
that it does not, and read from shards of rendered pairs. Sheets show input, result, and below them
what was done and what is said; ``edits.txt`` counts.

    python -m benchmarks.offline_edits ../shared/data/photos_open --count 60 --seed 1 \\
        --out sheets --shards pairs
"""

import argparse
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

import pyarrow.parquet as pq
from PIL import Image

from benchmarks import edited
from captioning.edit_instruction import edit_instruction
from captioning.settings import EditInstructionSettings
from curation.picture import contact_sheet, decoding
from curation.signals import text
from curation.signals.row import Row
from curation.signals.signal import ready

ON_A_SHEET = 12
SIDE = 300  # pixels of an image's height on a sheet


class Pair(NamedTuple):
    """Files of an input and a result, and what was done."""

    name: str
    done: str
    before: bytes
    after: bytes


def made(folder: Path, seed: int) -> Iterator[Pair]:
    """Pairs of photographs, edit by edit in turn."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    Random(seed).shuffle(paths)
    for number, path in enumerate(paths):
        try:
            rgb = decoding.decode(path.read_bytes(), 512).rgb
        except decoding.PictureError:
            continue
        other = decoding.decode(paths[number - 1].read_bytes(), 512).rgb
        done, before, after = edited.edit(rgb, other, number, Random(seed + number))
        yield Pair(path.name, done, before, after)


def rendered(folder: Path) -> Iterator[Pair]:
    """Pairs of a rendering."""
    for path in sorted(folder.glob("*.parquet")):
        for row in pq.read_table(path).to_pylist():
            said = " / ".join(of["text"] for of in row["caption_instruction"])
            done = f"{row['edit_operation']}: {said}"
            yield Pair(row["key"], done, row["inputs"][0]["bytes"], row["image"]["bytes"])


def instruction(pair: Pair, language: str) -> str:
    """What is said of a pair, or why nothing is."""
    read = ready(text.text)
    regions = [read([Row("", of, {}, {})])[0]["text_regions"] for of in (pair.before, pair.after)]
    columns = {"text_regions": regions[1], "inputs.text_regions": [regions[0]]}
    settings = EditInstructionSettings.model_validate({"languages": {language: 1}})
    row = Row(pair.name, pair.after, {}, columns, [pair.before])
    [values] = edit_instruction.function(settings)([row])
    said = values["caption_instruction"]
    return said[0]["text"] if said else f"({values['instruction_problem']})"


def side_by_side(pair: Pair) -> Image.Image:
    """Both images, one beside the other."""
    images = [Image.open(io.BytesIO(of)).convert("RGB") for of in (pair.before, pair.after)]
    small = [of.resize((max(1, of.width * SIDE // of.height), SIDE)) for of in images]
    sheet = Image.new("RGB", (sum(of.width for of in small) + 8, SIDE), "white")
    sheet.paste(small[0], (0, 0))
    sheet.paste(small[1], (small[0].width + 8, 0))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=Path, action="append", default=[])
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sources = [made(options.folder, options.seed), *map(rendered, options.shards)]
    pairs: list[Pair] = []
    for source in sources:
        share = options.count // len(sources)
        pairs += [pair for _, pair in zip(range(share), source, strict=False)]
    lines, problems = [], Counter[str]()
    for number, pair in enumerate(pairs, 1):
        said = instruction(pair, "zh" if number % 2 else "en")
        problems[said if said.startswith("(") else "said"] += 1
        lines.append(f"[{number}] {pair.done} | {said}")
        print(lines[-1], flush=True)
    for start in range(0, len(pairs), ON_A_SHEET):
        part = pairs[start : start + ON_A_SHEET]
        images = [side_by_side(pair) for pair in part]
        sheet = contact_sheet.compose(images, lines[start : start + ON_A_SHEET], 3)
        sheet.image.save(options.out / f"sheet-{start // ON_A_SHEET + 1}.png")
    lines.append(", ".join(f"{of}: {count}" for of, count in problems.most_common()))
    (options.out / "edits.txt").write_text("\n".join(lines) + "\n", "utf-8")
    print(lines[-1])


if __name__ == "__main__":
    main()
