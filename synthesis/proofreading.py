"""``python -m synthesis.proofreading``: a share of the rendered texts read back by another program.

Accuracy is 1 - edit distance / length, in characters, spaces left out and widths, quotation marks
and dashes made one. Hanzi of level 3 are not asked of the reader, which does not know them: their
ink and geometry are checked where they are rendered. What it misreads is shown to it once more, set
in a common face, black on white and large: what it misreads there as well says nothing of the
image. Accuracy is told with and without such errors.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.networks.edit_distance import edits
from curation.storage import user_paths

if TYPE_CHECKING:
    from synthesis.reading import Line, Proofreader

EXAMPLE = "Example: python -m synthesis.proofreading DIR --share 0.05"
PAGES, SCENES = 0.998, 0.99  # least accuracy of pages as a whole, and of lines in scenes
WORST = 10  # samples of a mode whose keys are told
_ALIKE = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "―": "-", "‐": "-"}
    | dict.fromkeys("「」『』", '"')
    | {"一": "-", "°": "。"}  # nothing but their place tells them apart
    | {"−": "-", "・": "·", "•": "·", "‧": "·"}
)
_DOTS = re.compile(r"\.{2,}")
_DEGREES = re.compile(r"(?<=\d)[oO](?![a-z])")  # as the reader takes the sign after a number
_COLUMNS = ("key", "image", "annotation", "text_boxes")
app = commands.application()


@dataclass(frozen=True)
class Reading:
    """One sample: what was to be read, what was read, and the errors among ``length`` characters.

    ``by_lines`` says that a page was not read rightly as a whole, so line by line. ``blind`` of the
    errors the reader also makes where the same line is set plainly: they are its own.
    """

    key: str
    mode: str
    wanted: str
    read: str
    errors: int
    length: int
    by_lines: bool
    blind: int = 0


def misread(wanted: str, read: str) -> frozenset[int]:
    """The places of the characters of ``wanted`` that were not read."""
    matches = SequenceMatcher(None, wanted, read, autojunk=False).get_matching_blocks()
    right = {place for match in matches for place in range(match.a, match.a + match.size)}
    return frozenset(range(len(wanted))) - right


def normalised(text: str) -> str:
    """The text as it is compared: compatibility forms, no spaces, one kind of quotes and dashes,
    dots in a row as one sign, degrees as a full stop.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE)
    return _DEGREES.sub("。", _DOTS.sub("…", "".join(plain.split())))


def chosen(keys: Sequence[str], share: float) -> set[str]:
    """The keys of the smallest hashes, ``share`` of all and at least one."""
    ranked = sorted(keys, key=lambda key: hashlib.blake2b(key.encode(), digest_size=16).digest())
    return set(ranked[: max(1, round(len(keys) * share))])


def lines_of(boxes: Sequence[Mapping[str, Any]]) -> list["Line"]:
    """The lines of a row's boxes, each with the glyphs it holds."""
    from synthesis.reading import Line

    lines: list[Line] = []
    for box in boxes:
        if box["level"] == "line":
            lines.append(Line(box["text"], tuple(box["quad"]), ()))
        elif box["level"] == "glyph" and lines:
            last = lines[-1]
            lines[-1] = Line(last.text, last.quad, (*last.glyphs, tuple(box["quad"])))
    return lines


def proofread(row: Mapping[str, Any], reader: "Proofreader") -> Reading:
    """Read one row of a shard: a page as a whole, a scene line by line."""
    from curation.picture import decoding

    rgb = decoding.decode(row["image"]["bytes"], short_side=None).rgb
    lines = lines_of(row["text_boxes"])
    mode = mode_of(row)
    wanted = normalised("".join(line.text for line in lines))
    unasked = _unasked(wanted)
    asked = sum(character not in unasked for character in wanted)

    def reading(read: str, by_lines: bool) -> Reading:
        wrong = edits(wanted, normalised(read), unasked)
        return Reading(row["key"], mode, wanted, normalised(read), wrong, asked, by_lines)

    page = None if mode == "scene" else reading(reader.page(rgb, lines), by_lines=False)
    if page is not None and not page.errors:
        return page
    parts = reading("".join(reader.line(rgb, line) for line in lines), by_lines=True)
    best = parts if page is None or parts.errors < page.errors else page
    if not best.errors:
        return best
    language = row["key"].split("/")[1]
    plain = normalised("".join(reader.plainly(line, language) for line in lines))
    both = misread(wanted, best.read) & misread(wanted, plain)
    blind = sum(wanted[place] not in unasked for place in both)
    return replace(best, blind=min(blind, best.errors))


def _unasked(text: str) -> frozenset[str]:
    """The hanzi of level 3 in the text, which the reader does not know."""
    from synthesis.characters.table import level_of

    return frozenset(character for character in text if level_of().get(character) == 3)


def mode_of(row: Mapping[str, Any]) -> str:
    """The mode a row was rendered in; of a mix, as its annotation tells."""
    mode = str(row["key"]).split("/", 1)[0]
    if mode != "mix":
        return mode
    kind = json.loads(row["annotation"] or "{}").get("Image Type")
    return {"photograph": "scene", "graphic design": "template"}.get(kind, "pure")


def readings(shards: Sequence[str], wanted: Collection[str]) -> Iterator[Reading]:
    """The rows of those keys, read. Raises ``UsageError`` where the reader is missing."""
    from curation import shard
    from synthesis.reading import Proofreader

    reader = Proofreader()
    for path in shards:
        for batch in shard.read(path, columns=_COLUMNS):
            for row in batch.to_pylist():
                if row["key"] in wanted and row["text_boxes"]:
                    yield proofread(row, reader)


def keys_by_language(shards: Sequence[str]) -> dict[str, list[str]]:
    """The keys of all rows."""
    from curation import shard

    keys: dict[str, list[str]] = {}
    for path in shards:
        for batch in shard.read(path, columns=["key"]):
            for key in batch["key"].to_pylist():
                keys.setdefault(key.split("/")[1], []).append(key)
    return keys


def summary(read: Sequence[Reading]) -> dict[str, Any]:
    """Figures by mode, and whether every mode is as good as its bar."""
    by_mode: dict[str, list[Reading]] = {}
    for reading in read:
        by_mode.setdefault(reading.mode, []).append(reading)
    modes = {mode: _figures(mode, own) for mode, own in sorted(by_mode.items())}
    return {"passed": all(figures["passed"] for figures in modes.values()), "modes": modes}


def _figures(mode: str, read: Sequence[Reading]) -> dict[str, Any]:
    length = sum(reading.length for reading in read)
    wrong = sum(reading.errors for reading in read)
    blind = sum(reading.blind for reading in read)
    worst = [reading for reading in read if reading.errors > reading.blind]
    worst.sort(key=lambda reading: (reading.blind - reading.errors, reading.key))
    accuracy, bar = 1 - (wrong - blind) / max(1, length), SCENES if mode == "scene" else PAGES
    return {
        "samples": len(read),
        "characters": length,
        "errors": wrong,
        "blind": blind,
        "read": round(1 - wrong / max(1, length), 6),
        "accuracy": round(accuracy, 6),
        "bar": bar,
        "passed": accuracy >= bar,
        "by_lines": sum(reading.by_lines for reading in read),
        "worst": [asdict(reading) for reading in worst[:WORST]],
    }


@app.command(epilog=EXAMPLE)
def main(
    folder: Annotated[
        Path, typer.Argument(help="A folder of rendered shards.", parser=user_paths.path)
    ],
    share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the samples to read, 0 to 1.")
    ] = 0.01,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Read rendered texts back with rapidocr: pages as a whole, lines in scenes by our own quads.

    Exit code 3 when a mode is below its bar: 0.998 of the characters of pages, 0.99 of scenes.
    """
    from curation.networks.ocr import LANGUAGES

    shards = sorted(str(path) for path in folder.rglob("*.parquet"))
    if not shards:
        raise UsageError(f"{folder}: no shards there; name a folder of synthesis.render")
    keys = keys_by_language(shards)
    unread = {language: len(keys.pop(language)) for language in sorted({*keys} - LANGUAGES)}
    known = [key for several in keys.values() for key in several]
    figures = summary(list(readings(shards, chosen(known, share) if known else ())))
    figures["unread"] = unread
    print(json.dumps(figures, ensure_ascii=False, indent=1) if as_json else _as_text(figures))  # noqa: T201
    if not figures["passed"]:
        raise typer.Exit(3)


def _as_text(figures: Mapping[str, Any]) -> str:
    lines = []
    for mode, sums in figures["modes"].items():
        verdict = "passed" if sums["passed"] else "BELOW THE BAR"
        how = f"{sums['by_lines']} read by lines"
        lines.append(
            f"{mode}: {sums['accuracy']:.4f} of {sums['characters']:,} characters in "
            f"{sums['samples']} samples ({how}), bar {sums['bar']}: {verdict}; {sums['read']:.4f} "
            f"with the {sums['blind']} that are misread however plainly they are set"
        )
        for worst in sums["worst"]:
            lines.append(f"  {worst['errors'] - worst['blind']} errors in {worst['key']}")
            lines += [f"    rendered {worst['wanted']}", f"    read     {worst['read']}"]
    if figures["unread"]:
        each = ", ".join(f"{language} {count}" for language, count in figures["unread"].items())
        lines.append(f"not read, in languages the reader does not know: {each}")
    return "\n".join(lines) or "no text there"


if __name__ == "__main__":
    commands.main("synthesis.proofreading", app)
