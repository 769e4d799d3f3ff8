"""What every renderer is given alike: fonts, lines, paragraphs, background pictures, colours."""

import itertools
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from fontTools.ttLib import TTFont

from synthesis import corpus
from synthesis.fonts import files
from synthesis.fonts.files import FontFile

FACES = 6
_LINE = {"en": (20, 40), "zh": (10, 18)}  # characters
_PARAGRAPH = {"en": (260, 520), "zh": (90, 190)}
_SENTENCE = {"en": re.compile(r"(?<=[.!?])\s+"), "zh": re.compile(r"(?<=[。！？])")}
_CLAUSE = {"en": re.compile(r"(?<=[,;:.!?])\s+"), "zh": re.compile(r"(?<=[，；：。！？])")}
_SINGLE = (".ttf", ".otf")
_PICTURES, _PICTURE_SIZE = 6, (1024, 1280)
_COLOURS = 200


@dataclass(frozen=True)
class Materials:
    """Folders and files of one language; texts both as plain lines and as JSON lines."""

    fonts: Path
    lines: Path
    paragraphs: Path
    running: Path
    pictures: Path
    colours: Path

    @staticmethod
    def json_lines(plain: Path) -> Path:
        """The same texts as our own corpora are written."""
        return plain.with_suffix(".jsonl")


def make(folder: Path, language: str) -> Materials:
    """Write it all below the folder."""
    own = folder / language
    (own / "fonts").mkdir(parents=True)
    shipped = [paragraph.text for paragraph in corpus.load(language).paragraphs]
    texts = [" ".join(text.split("\n")) for text in shipped]
    lines, paragraphs = _lines(texts, language), _paragraphs(texts, language)
    made = Materials(
        own / "fonts",
        own / "lines.txt",
        own / "paragraphs.txt",
        own / "running.txt",
        folder / "pictures",
        folder / "colours.txt",
    )
    _write(made.lines, lines)
    _write(made.paragraphs, paragraphs)
    made.running.write_text("\n".join(texts), "utf-8")
    _fonts(made.fonts, language, "".join(texts))
    if not made.pictures.exists():
        _pictures(made.pictures)
        _colours(made.colours)
    return made


def _lines(texts: Sequence[str], language: str) -> list[str]:
    least, most = _LINE[language]
    clauses = [piece for text in texts for piece in _CLAUSE[language].split(text)]
    return sorted({clause.strip() for clause in clauses if least <= len(clause.strip()) <= most})


def _paragraphs(texts: Sequence[str], language: str) -> list[str]:
    """Paragraphs of about the same length, of sentences in their order."""
    least, most = _PARAGRAPH[language]
    made, held = [], ""
    sentences = itertools.chain.from_iterable(
        _SENTENCE[language].split(text) for text in texts if len(text) >= least // 4
    )
    for sentence in sentences:
        longer = f"{held} {sentence}".strip() if language == "en" else held + sentence
        if len(longer) > most:
            longer = sentence if len(sentence) <= most else ""
        if len(longer) >= least:
            made.append(longer)
            longer = ""
        held = longer
    return made


def _write(plain: Path, texts: Sequence[str]) -> None:
    plain.write_text("\n".join(texts) + "\n", "utf-8")
    rows = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    Materials.json_lines(plain).write_text("\n".join(rows) + "\n", "utf-8")


def _fonts(folder: Path, language: str, characters: str) -> None:
    """Faces that have every character, one of a family first; ``.txt`` is what SynthTIGER asks."""
    cased = {*characters, *characters.upper(), *characters.lower()} - {"\n"}
    fitting = [family for family in files.find(language) if files.covers(family, "".join(cased))]
    fitting.sort(
        key=lambda family: (not family.path.lower().endswith(_SINGLE), family.style != "Regular")
    )
    first = {family.family: family for family in reversed(fitting)}
    others = [family for family in fitting if family not in first.values()]
    chosen = [family for family in fitting if family in first.values()] + others
    for face in chosen[:FACES]:
        _write_face(face, folder)


def _write_face(face: FontFile, folder: Path) -> None:
    suffix = Path(face.path).suffix.lower()
    place = folder / f"{face.postscript}{suffix if suffix in _SINGLE else '.ttf'}"
    if suffix in _SINGLE:
        shutil.copyfile(face.path, place)
    else:
        TTFont(face.path, fontNumber=face.index).save(place)
    written = "".join(map(chr, sorted(files.characters(face))))
    place.with_suffix(".txt").write_text(written, "utf-8", errors="ignore")


def _pictures(folder: Path) -> None:
    """Photographs of nothing: soft coloured noise with some grain."""
    folder.mkdir(parents=True)
    chance = np.random.Generator(np.random.PCG64(1))
    for number in range(_PICTURES):
        coarse = chance.integers(60, 256, (8, 10, 3)).astype(np.float32)
        soft = cv2.resize(coarse, _PICTURE_SIZE[::-1], interpolation=cv2.INTER_CUBIC)
        grained = soft + chance.normal(0, 6, soft.shape)
        cv2.imwrite(str(folder / f"{number}.jpg"), np.clip(grained, 0, 255).astype(np.uint8))


def _colours(place: Path) -> None:
    """Grey levels of text and ground and their spread, as SynthTIGER's colour maps write them."""
    chance = np.random.Generator(np.random.PCG64(2))
    rows = []
    for count in (2, 3):
        for _ in range(_COLOURS):
            levels = np.linspace(40, 215, count) + chance.normal(0, 25, count)
            pairs = zip(levels.clip(0, 255), chance.uniform(6, 30, count), strict=True)
            rows.append("\t".join(f"{level:.3f}\t{spread:.3f}" for level, spread in pairs))
    place.write_text("\n".join(rows) + "\n")
