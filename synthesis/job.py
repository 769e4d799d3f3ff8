"""One rendering job: what is to be rendered, with which fonts and texts, and its fingerprint.

The fingerprint changes with everything that could change a pixel, so that a resumed run never
mixes two settings in one folder.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from typing import Literal

from synthesis.characters import need as needs
from synthesis.corpus import Paragraph
from synthesis.corpus.genres import Genre
from synthesis.corpus.translations import TextKind, Translation
from synthesis.fonts.files import FontFile
from synthesis.image_sizes import Size

Mode = Literal["pure", "scene", "template", "mix", "strings", "edit"]
RENDERING_VERSION = 8  # raise it whenever the same settings would give other pixels or captions
EDITS_VERSION = 5  # the same for what mode edit alone depends on
_LIBRARIES = ("skia-python", "uharfbuzz", "icu4py", "opencv-python-headless", "zlib-ng", "pyarrow")


@cache
def files_digest(paths: tuple[str, ...]) -> str:
    """BLAKE2b-128 of the contents of the files, in their order."""
    hashed = hashlib.blake2b(digest_size=16)
    for path in paths:
        with open(path, "rb") as stream:
            hashed.update(hashlib.file_digest(stream, "sha256").digest())
    return hashed.hexdigest()


@dataclass(frozen=True)
class Job:
    """Everything an image depends on beside its index.

    ``sizes`` are (width, height) in pixels, one of which an image gets; ``backgrounds`` and
    ``templates`` are the user's own files, empty for ours; ``pages`` are texts of many paragraphs.
    ``need`` are characters with how many images are to show each: then all images are for these.
    ``plain`` shows the paragraphs and nothing else: no turns of rare hanzi.
    ``kinds`` are operations of mode edit with their shares, ``other_fonts`` the faces of the
    language it translates into, and ``parallel`` texts in English and Chinese.
    """

    language: str
    mode: Mode
    seed: int
    sizes: tuple[Size, ...]
    fonts: tuple[FontFile, ...]
    paragraphs: tuple[Paragraph, ...]
    corpus_digest: str
    licence: str | None
    backgrounds: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    pages: tuple[Paragraph, ...] = ()
    need: tuple[tuple[str, int], ...] = ()
    plain: bool = False
    kinds: tuple[tuple[str, float], ...] = ()
    other_fonts: tuple[FontFile, ...] = ()
    parallel: tuple[Translation, ...] = ()

    @cached_property
    def needed(self) -> needs.Needed:
        """The turns of the characters in need."""
        if self.mode == "strings":
            return needs.alone(self.need, self.fonts)
        return needs.planned(self.need, [of.text for of in self.paragraphs], self.fonts)

    @cached_property
    def by_genre(self) -> Mapping[Genre | None, tuple[Paragraph, ...]]:
        """The paragraphs of each genre; those of none under ``None``."""
        genres: dict[Genre | None, list[Paragraph]] = {}
        for paragraph in self.paragraphs:
            genres.setdefault(paragraph.genre, []).append(paragraph)
        return {genre: tuple(those) for genre, those in genres.items()}

    @cached_property
    def translations(self) -> Mapping[TextKind | None, tuple[Translation, ...]]:
        """The texts in two languages by their kinds; those of no known kind under ``None``."""
        kinds: dict[TextKind | None, list[Translation]] = {}
        for translation in self.parallel:
            kinds.setdefault(translation.kind, []).append(translation)
        return {kind: tuple(those) for kind, those in kinds.items()}

    def settings(self) -> dict[str, str]:
        """What the images depend on, each as short text; fonts and corpus by their digests."""
        return {
            "lang": self.language,
            "mode": self.mode,
            "seed": str(self.seed),
            "size": " ".join(f"{width}x{height}" for width, height in self.sizes),
            "fonts": _digest([face.digest for face in self.fonts]),
            "corpus": self.corpus_digest,
            "backgrounds": files_digest(self.backgrounds),
            "templates": files_digest(self.templates),
            "licence": self.licence or "unknown",
            "drawing": str(RENDERING_VERSION),
            **({"need": needs.digest(self.need)} if self.need else {}),
            **({"plain": "yes"} if self.plain else {}),
            **(self._edits() if self.mode == "edit" else {}),
            **{name: version(name) for name in _LIBRARIES},
        }

    def _edits(self) -> dict[str, str]:
        """What edits alone depend on."""
        kinds = " ".join(f"{operation}={share:g}" for operation, share in self.kinds)
        return {
            "edits": str(EDITS_VERSION),
            "kinds": kinds,
            "other_fonts": _digest([face.digest for face in self.other_fonts]),
            "parallel": _digest(self.parallel),
        }

    def digest(self) -> str:
        """BLAKE2b-128 of the settings: equal where the images are."""
        return _digest(self.settings())

    def key(self, index: int) -> str:
        """The key of a sample: the settings a reader wants to see, then its index."""
        return f"{self.mode}/{self.language}/{self.seed}/{index:08d}"


def _digest(value: object) -> str:
    """BLAKE2b-128 of what JSON can say."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
