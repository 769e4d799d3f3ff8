"""Where fonts come from: the system's through fontconfig, ``--fonts DIR|FILE``, or a font pack.

Only names, weights and character coverage are read here; rendering with a font is ``face.py``.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from curation.failures.errors import UsageError
from synthesis.fonts import families, fontconfig, packs
from synthesis.fonts.font_file import Entry, FontFile
from synthesis.fonts.index import SUFFIXES, entries
from synthesis.fonts.languages import HAN, LANGUAGES, LOCALES, SIMPLIFIED, Language, home, locale

__all__ = ["FontFile", "characters", "covers", "fallbacks", "find", "is_handwriting", "listed"]

LIGHTEST_WEIGHT = 300  # OS/2 usWeightClass: thinner faces vanish at small sizes
PROBE = {language: row.probe for language, row in LANGUAGES.items()}
_MOST_INKLESS = 0.02  # of a language's probe
_UPRIGHT = frozenset({"Regular", "Book", "Roman", "Medium"})


def find(language: str, where: str | None = None) -> tuple[FontFile, ...]:
    """The faces that can each write ``language``, in an order that does not depend on their paths.

    ``where`` is a font file, a folder of them, or names of packs; ``None`` asks fontconfig. Of the
    system's, thin faces are left out, and where there are others faces made for hanzi or for
    another country's forms. Raises ``UsageError`` when none is left.
    """
    if where is None:
        known = _system(lambda row: _row(language).fontconfig in row.languages)
        fitting = [
            entry for entry in known if _is_sturdy(entry.file) and _can_write(entry, language)
        ]
        fitting = _at_home(fitting, language)
    else:
        known = _in(where)
        fitting = [entry for entry in known if _can_write(entry, language)]
    if not fitting:
        raise UsageError(_nothing_found(language, where, known))
    return _ordered(_one_locale((entry.file for entry in fitting), language))


def fallbacks(language: str, where: str | None = None) -> tuple[FontFile, ...]:
    """Faces to write what ``language``'s own cannot (names, signs, emoji), best first.

    All are upright and of regular weight: first those of ``where`` that ``find`` does not give,
    then the system's by the list of families. Empty where the system has none.
    """
    own = set(find(language, where))
    faces = [] if where is None else list(_ordered(entry.file for entry in _in(where)))
    with suppress(UsageError):  # a system without fontconfig still has the user's own fonts
        helpers = _system(lambda row: not row.families.isdisjoint(families.HELPERS))
        for family in families.HELPERS:
            faces += _ordered(entry.file for entry in helpers if entry.file.family == family)
    helping = (face for face in faces if face not in own and face.style in _UPRIGHT)
    return tuple({face.digest: face for face in helping}.values())


def listed(where: str | None = None) -> tuple[FontFile, ...]:
    """Every face there is: the system's by default, else those of ``where``."""
    known = _system(lambda row: True) if where is None else _in(where)
    return _ordered(entry.file for entry in known)


def entry(face: FontFile) -> Entry:
    """What is known of a face's characters."""
    return next(entry for entry in entries(face.path) if entry.file.index == face.index)


def is_handwriting(face: FontFile) -> bool:
    """Whether the face looks written by hand: brush, pen or marker."""
    return families.is_handwritten(face.family)


@cache
def characters(face: FontFile) -> frozenset[int]:
    """The code points in the face's character map, without marks that it sets badly."""
    return entry(face).characters


def covers(face: FontFile, text: str) -> bool:
    """Whether the face has every character of ``text``."""
    return characters(face).issuperset(map(ord, text))


def _system(wanted: Callable[[fontconfig.Row], bool]) -> list[Entry]:
    paths = sorted({row.path for row in fontconfig.rows() if wanted(row)})
    known: list[Entry] = []
    for path in paths:
        with suppress(UsageError):  # a broken system font is not this user's mistake
            known += entries(path)
    return known


def _in(where: str) -> list[Entry]:
    return [entry for path in _below(where) for entry in entries(path)]


def _below(where: str) -> list[str]:
    root = Path(where)
    if root.is_file():
        return [str(root)]
    if root.is_dir():
        return sorted(str(path) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return packs.files(where)


def _row(language: str) -> Language:
    if language not in LANGUAGES:
        raise UsageError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def _nothing_found(language: str, where: str | None, known: Iterable[Entry]) -> str:
    package, probe = _row(language).package, {*map(ord, _row(language).probe)}
    refused = {
        entry.file.family for entry in known if entry.ill_set and probe <= entry.mapped_characters
    }
    place = "fontconfig knows no font" if where is None else f"--fonts {where}: no font there"
    advice = f"install one, e.g. `apt-get install {package}`, or name your own with --fonts DIR"
    reason = f" ({', '.join(sorted(refused))}: marks run into each other)" if refused else ""
    return f"{place} that covers language {language!r}{reason}; {advice}"


def _is_sturdy(face: FontFile) -> bool:
    return face.weight >= LIGHTEST_WEIGHT


def _can_write(entry: Entry, language: str) -> bool:
    """Whether all of the language's probe is mapped, and nearly all of it to ink.

    A single empty glyph costs a few texts, but SetoFont-ex maps all of Latin and kana to nothing.
    """
    probe = frozenset(map(ord, _row(language).probe))
    return probe <= entry.characters and len(probe - entry.renderable) <= _MOST_INKLESS * len(probe)


def _at_home(fitting: list[Entry], language: str) -> list[Entry]:
    """Without the faces made for another script or country, where there are others."""
    kept = [entry for entry in fitting if home(entry.file.family) in {language, None}]
    if _row(language).script not in HAN:
        kept = [entry for entry in kept if not _can_write(entry, "zh")]
    return kept or fitting


def _ordered(faces: Iterable[FontFile]) -> tuple[FontFile, ...]:
    chosen = {face.digest: face for face in faces}
    return tuple(sorted(chosen.values(), key=lambda face: (face.postscript, face.digest)))


def _one_locale(faces: Iterable[FontFile], language: str) -> list[FontFile]:
    """Of a collection's faces that differ only in locale keep the one ``language`` would have.

    They share one character map, but render some hanzi in another country's form.
    """
    preferred = LOCALES.get(language, SIMPLIFIED)
    kept: dict[tuple[str, str, str], tuple[int, FontFile]] = {}
    for face in faces:
        stem, mark = locale(face.family)
        rank = preferred.index(mark) if mark in preferred else len(preferred)
        key = (face.path, stem, face.style)
        if key not in kept or rank < kept[key][0]:
            kept[key] = rank, face
    return [face for _, face in kept.values()]
