"""``python -m taxonomy.build``: WordNet's nouns and their Chinese names, as one Parquet file.

From Debian's packages ``wordnet-base`` and ``wordnet-sense-index`` (WordNet 3.0), the Chinese Open
Wordnet and the ImageNet-12k list that ``timm`` ships. Run once by who changes the file; everybody
else reads ``taxonomy/data/wordnet.parquet``. Format of the sources: wndb(5WN), senseidx(5WN).
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer

HYPERNYMS = ("@", "@i")  # of a kind, of an instance
SCHEMA = pa.schema(
    [
        pa.field("offset", pa.int32(), nullable=False),  # of data.noun: WordNet's number
        pa.field("parents", pa.list_(pa.int32())),  # offsets, WordNet's order
        pa.field("lexfile", pa.int8()),  # lexicographer file: 5 is animals, 6 artifacts, ...
        pa.field("instance", pa.bool_()),  # a named person or place
        pa.field("visual", pa.bool_()),  # in ImageNet-12k, or above something that is
        pa.field("lemmas", pa.list_(pa.string())),  # as written; spaces between words
        pa.field("senses", pa.list_(pa.int8())),  # of each lemma: 1 where this is its first sense
        pa.field("tags", pa.list_(pa.int16())),  # how often it was this sense in SemCor
        pa.field("plurals", pa.list_(pa.list_(pa.string()))),  # of each lemma: irregular ones
        pa.field("chinese", pa.list_(pa.string())),
    ]
)
_HANZI = re.compile(r"[\u3400-\u9fff]+")


@dataclass
class Synset:
    """A noun's meaning, as a line of ``data.noun`` says it."""

    lexfile: int
    lemmas: list[str]
    parents: list[int] = field(default_factory=list)
    instance: bool = False


def synsets(lines: Iterator[str]) -> dict[int, Synset]:
    """The lines of ``data.noun`` by offset."""
    of: dict[int, Synset] = {}
    for line in lines:
        if line.startswith("  "):
            continue  # the licence
        words = line.partition("|")[0].split()
        count = int(words[3], 16)
        entry = Synset(int(words[1]), [word.replace("_", " ") for word in words[4::2][:count]])
        pointers = words[5 + 2 * count :]
        for place in range(0, len(pointers) - 3, 4):
            symbol, target, part = pointers[place : place + 3]
            if symbol in HYPERNYMS and part == "n":
                entry.parents.append(int(target))
                entry.instance |= symbol == "@i"
        of[int(words[0])] = entry
    return of


def sense_order(lines: Iterator[str]) -> dict[tuple[str, int], int]:
    """By lemma in lower case and offset, the number of the sense: ``index.noun``."""
    order: dict[tuple[str, int], int] = {}
    for line in lines:
        if line.startswith("  "):
            continue
        words = line.split()
        count = int(words[2])
        for number, offset in enumerate(words[-count:], start=1):
            order[words[0].replace("_", " "), int(offset)] = number
    return order


def tag_counts(lines: Iterator[str]) -> dict[tuple[str, int], int]:
    """By lemma in lower case and offset, how often SemCor has it in this sense: ``index.sense``."""
    of: dict[tuple[str, int], int] = {}
    for line in lines:
        key, offset, _, count = line.split()
        lemma, _, rest = key.partition("%")
        if rest.startswith("1:"):
            of[lemma.replace("_", " "), int(offset)] = int(count)
    return of


def irregular(lines: Iterator[str]) -> dict[str, list[str]]:
    """By lemma its irregular plurals: ``noun.exc``."""
    of = defaultdict(list)
    for line in lines:
        plural, *lemmas = (word.replace("_", " ") for word in line.split())
        for lemma in lemmas:
            of[lemma].append(plural)
    return of


def chinese(path: Path) -> dict[int, list[str]]:
    """By offset the Chinese lemmas: of a JSON file, or of the Open Multilingual Wordnet's tab."""
    text = path.read_text(encoding="utf-8")
    of: dict[int, list[str]] = defaultdict(list)
    if path.suffix == ".json":
        pairs = [(key, lemma) for key, lemmas in json.loads(text).items() for lemma in lemmas]
    else:
        rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
        pairs = [(row[0], row[2].replace("+", "")) for row in rows if row[1].endswith("lemma")]
    for key, lemma in pairs:
        offset, _, part = key.partition("-")
        clean = lemma.strip("；;，,。. ")
        if part == "n" and _HANZI.fullmatch(clean) and clean not in of[int(offset)]:
            of[int(offset)].append(clean)
    return of


def above(offsets: Iterable[int], parents: Mapping[int, Sequence[int]]) -> set[int]:
    """The nouns and all above them."""
    closed: set[int] = set()
    waiting = list(offsets)
    while waiting:
        offset = waiting.pop()
        if offset not in closed:
            closed.add(offset)
            waiting += parents[offset]
    return closed


def table(wordnet: Path, chinese_names: Mapping[int, list[str]], listed: set[int]) -> pa.Table:
    """The rows of ``SCHEMA``, by offset. Raises ``OSError``."""
    of = synsets(_lines(wordnet / "data.noun"))
    order = sense_order(_lines(wordnet / "index.noun"))
    tags = tag_counts(_lines(wordnet / "index.sense"))
    plurals = irregular(_lines(wordnet / "noun.exc"))
    visual = above(listed, {offset: entry.parents for offset, entry in of.items()})
    rows = []
    for offset, entry in sorted(of.items()):
        keys = [(lemma.lower(), offset) for lemma in entry.lemmas]
        rows.append(
            {
                "offset": offset,
                "parents": entry.parents,
                "lexfile": entry.lexfile,
                "instance": entry.instance,
                "visual": offset in visual,
                "lemmas": entry.lemmas,
                "senses": [order[key] for key in keys],
                "tags": [tags.get(key, 0) for key in keys],
                "plurals": [plurals.get(lemma, []) for lemma, _ in keys],
                "chinese": chinese_names.get(offset, []),
            }
        )
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def main(
    chinese_file: Annotated[Path, typer.Option("--chinese", help="wn-data-cmn.tab, or as JSON")],
    wordnet: Annotated[Path, typer.Option(help="WordNet 3.0")] = Path("/usr/share/wordnet"),
    output: Annotated[Path, typer.Option()] = Path(__file__).parent / "data" / "wordnet.parquet",
) -> None:
    """Build the table. Example: python -m taxonomy.build --chinese wn-data-cmn.tab"""
    from timm.data import ImageNetInfo  # type: ignore[attr-defined]

    lists = ("imagenet-12k", "imagenet-1k")  # 7 nouns of the second the first lacks
    infos: list[Any] = [ImageNetInfo(name) for name in lists]
    listed = {int(name[1:]) for info in infos for name in info.label_names()}
    made = table(wordnet, chinese(chinese_file), listed)
    pq.write_table(made, output, compression="zstd", compression_level=19, use_dictionary=False)


if __name__ == "__main__":
    typer.run(main)
