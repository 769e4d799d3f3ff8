"""One rendering job: what is to be drawn, with which fonts and texts, and its fingerprint.

The fingerprint changes with everything that could change a pixel, so that a resumed run never
mixes two settings in one folder.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from synthesis.corpus import Paragraph
from synthesis.font_files import FontFile

Style = Literal["paragraph", "strings"]
DRAWING_VERSION = 1  # raise it whenever the same settings would give other pixels or captions
_LIBRARIES = ("skia-python", "uharfbuzz", "uniseg", "opencv-python-headless", "pyarrow")


@dataclass(frozen=True)
class Job:
    """Everything a picture depends on beside its index. ``size`` is (width, height) in pixels."""

    language: str
    style: Style
    seed: int
    size: tuple[int, int]
    fonts: tuple[FontFile, ...]
    paragraphs: tuple[Paragraph, ...]
    corpus_digest: str
    licence: str | None

    def settings(self) -> dict[str, str]:
        """What the pictures depend on, each as short text; fonts and corpus by their digests."""
        faces = json.dumps([face.digest for face in self.fonts])
        return {
            "lang": self.language,
            "style": self.style,
            "seed": str(self.seed),
            "size": f"{self.size[0]}x{self.size[1]}",
            "fonts": hashlib.blake2b(faces.encode(), digest_size=16).hexdigest(),
            "corpus": self.corpus_digest,
            "licence": self.licence or "unknown",
            "drawing": str(DRAWING_VERSION),
            **{name: version(name) for name in _LIBRARIES},
        }

    def key(self, index: int) -> str:
        """The key of a sample: the settings a reader wants to see, then its index."""
        return f"{self.style}/{self.language}/{self.seed}/{index:08d}"
