"""Rendered strings as a crawl would bring them: a stated share of them damaged, as shards.

``python -m examples.damaged_strings --strings demo/strings-en --out demo/strings-raw``

Every image keeps its caption, save those that get another's. The kind of damage is in its key, so
that whoever curates the shards can be asked what was caught.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from PIL import Image, ImageFilter

from curation import shard
from curation.failures import commands
from curation.storage import ownership, user_paths
from examples.damage import DAMAGE, jpeg

app = commands.application()
KIND = "damaged strings"
CLEAN, DUPLICATED, MISCAPTIONED = "clean", "duplicated", "miscaptioned"
WORDS = ("caption_raw", "caption_recaption", "caption_fused")
SHARES = {  # of all strings; a duplicated one is there twice
    "blurred": 0.08,
    "blown-out": 0.08,
    "noised": 0.08,
    "cropped": 0.08,
    "truncated": 0.04,
    DUPLICATED: 0.04,
    MISCAPTIONED: 0.06,
}


@app.command()
def main(
    strings: Annotated[
        Path, typer.Option(help="Rendered strings, a folder of shards.", parser=user_paths.path)
    ],
    out: Annotated[Path, typer.Option(help="Folder of shards to write.", parser=user_paths.path)],
) -> None:
    """Damage a share of rendered strings, the same ones every time.

    Example: python -m examples.damaged_strings --strings demo/strings-en --out demo/strings-raw
    """
    counts: Counter[str] = Counter()
    with ownership.held(str(out), KIND):
        listed = []
        for info in shard.read_manifest(str(strings)):
            batches = list(_batches(str(strings / info.file), counts))
            listed.append(shard.write(str(out / info.file), batches, shard.schema()))
        shard.write_manifest(str(out), listed)
    typer.echo(json.dumps(dict(counts)))


def _batches(path: str, counts: Counter[str]) -> Iterator[pa.RecordBatch]:
    for batch in shard.read(path):
        rows: list[dict[str, Any]] = []
        strings = batch.to_pylist()
        for place, row in enumerate(strings):
            kind = damage_of(row["key"])
            counts[kind] += 1
            rows.append(damaged(row, kind, strings[place:] + strings[:place]))
            if kind == DUPLICATED:
                rows.append(row)
        yield from pa.Table.from_pylist(rows, schema=shard.schema()).to_batches()


def damage_of(key: str) -> str:
    """The kind of damage done to the string with this key, or ``CLEAN``."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    for kind, share in SHARES.items():
        if place < share:
            return kind
        place -= share
    return CLEAN


def damaged(
    row: dict[str, Any], kind: str, strings: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """A row of a shard after damage of this kind. Its words stay, unless it is miscaptioned: then
    they are those of the first of ``strings`` that shows another text.

    Raises ``StopIteration`` where none does.
    """
    if kind == CLEAN:
        return row
    data = row["image"]["bytes"]
    if kind == MISCAPTIONED:
        other = next(of for of in strings if _text(of) != _text(row))
        return row | {name: other[name] for name in WORDS} | {"key": f"{row['key']}-{kind}"}
    if kind != DUPLICATED:
        data = _damage(Image.open(BytesIO(data)), kind)
    changed: dict[str, Any] = {
        "image": {"bytes": data, "path": None},
        "id": shard.content_id(data),
        "key": f"{row['key']}-{kind}",
    }
    if kind not in (DUPLICATED, "truncated"):
        with Image.open(BytesIO(data)) as image:
            changed |= {"format": image.format, "width": image.width, "height": image.height}
    return row | changed


def _text(row: dict[str, Any]) -> str:
    return str(row["text_boxes"][0]["text"])


def _damage(image: Image.Image, kind: str) -> bytes:
    image = image.convert("RGB")
    if kind == "blurred":
        return jpeg(image.filter(ImageFilter.BoxBlur(image.height // 8)))
    if kind == "cropped":  # to the middle, where a string is cut in two
        width, height = image.width * 5 // 8, image.height * 5 // 8
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return jpeg(image.crop((left, top, left + width, top + height)))
    return DAMAGE[kind](image)


def caught(output: Path) -> dict[str, Counter[str]]:
    """For each kind of damage, what `beam run` did with how many: kept, or the rule or reason."""
    rules: dict[str, Counter[str]] = {kind: Counter() for kind in (CLEAN, *SHARES)}
    for path in sorted((output / "ledger").glob("*.parquet")):
        table = pq.read_table(path, columns=["key", "verdict", "rule"])
        for row in table.to_pylist():
            kind = next((name for name in SHARES if row["key"].endswith(f"-{name}")), CLEAN)
            rules[kind][row["rule"] or row["verdict"]] += 1
    return rules


def table(by_kind: dict[str, Counter[str]]) -> str:
    """A line for each kind of damage: how many there were, how many stayed, what took the rest."""
    lines = [f"{'damage':<13}{'strings':>8}{'kept':>7}"]
    for kind, counts in by_kind.items():
        rules = ", ".join(f"{rule} {n}" for rule, n in counts.most_common() if rule != "kept")
        lines.append(f"{kind:<13}{counts.total():>8,}{counts['kept']:>7,}  {rules}")
    return "\n".join(lines)


if __name__ == "__main__":
    commands.main("damaged_strings", app)
