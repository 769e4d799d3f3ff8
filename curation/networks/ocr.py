"""Text found and read in images by PP-OCRv6 small, whose weights ship inside ``rapidocr``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.failures.errors import UsageError

# What the model was trained for; its characters lack Hangul, Cyrillic, Greek, Arabic, ...
LANGUAGES = frozenset({"en", "zh", "zh-Hant", "ja", "fr", "de", "es", "vi", "pl"})
LINE_HEIGHT = 48  # pixels: of the lines that the recogniser was trained on
LINE_WIDTH = 320  # pixels: shorter ones it was shown with room after them
LARGEST_SIDE = 1600  # pixels: a page with a longer side is reduced before it is searched
_BLANK = "\N{REPLACEMENT CHARACTER}"
MOST = 300  # regions that are looked at: each costs a twentieth of a second


@dataclass(frozen=True)
class Region:
    """A line of text on a page: corners (4, 2) in pixels, clockwise from the top left of its text.

    ``score`` is how sure the recogniser is of ``text``, 0 to 1. A line that it reads nothing in has
    the text "" and the score 0.
    """

    corners: NDArray[np.float32]
    text: str
    score: float


class TextReader:
    """The detector and the recogniser, loaded once, on one thread: other processes have theirs.

    Nothing is left out for a low score: that is for the caller to judge. Lines are given room up to
    ``least_width`` pixels: reading one costs as much as it is wide.
    """

    def __init__(self, least_width: int = LINE_WIDTH) -> None:
        """Raises ``UsageError`` where a package is missing."""
        settings = {
            "Global.log_level": "critical",
            "Global.text_score": 0.0,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": LARGEST_SIDE,
            "Det.max_candidates": MOST,
            "Rec.rec_img_shape": [3, LINE_HEIGHT, least_width],
        }
        try:
            import onnxruntime  # noqa: F401 - rapidocr itself misses it only when it reads
            from rapidocr import RapidOCR
        except ImportError as error:
            raise UsageError(
                "reading text in images needs the packages rapidocr and onnxruntime"
                f" ({error.name or error} is missing): pip install 'inkstone[ocr]'"
            ) from None

        class Engine(RapidOCR):  # type: ignore[misc]
            """Marks the lines that nothing is read in; else they are left out."""

            def recognize_txt(self, *arguments: Any) -> Any:
                result = super().recognize_txt(*arguments)
                result.txts = tuple(text if text.strip() else _BLANK for text in result.txts or ())
                return result

        self._engine: Any = Engine(params=settings)

    def page(
        self, rgb: NDArray[np.uint8], enlarged: float = 1.0, *, blank: bool = False
    ) -> list[Region]:
        """The lines of text in an (H, W, 3) image, in no particular order; with ``blank`` also
        those that nothing is read in.

        It is searched ``enlarged`` (>= 1) times as large; the corners are those of ``rgb``.
        """
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if enlarged > 1:
            bgr = cv2.resize(bgr, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC)
        output = self._engine(bgr, use_det=True, use_cls=False, use_rec=True)
        if output.boxes is None:
            return []
        corners = [np.asarray(box, np.float32) / np.float32(enlarged) for box in output.boxes]
        texts: Sequence[str] = output.txts
        return [
            Region(place, "", 0.0) if said == _BLANK else Region(place, said, float(score))
            for place, said, score in zip(corners, texts, output.scores, strict=True)
            if blank or said != _BLANK
        ]

    def line(self, rgb: NDArray[np.uint8]) -> tuple[str, float]:
        """What an (H, W, 3) image of one line says, best ``LINE_HEIGHT`` high, and the score."""
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        output = self._engine(bgr, use_det=False, use_cls=False, use_rec=True)
        read = "".join(output.txts or ()).replace(_BLANK, "")
        return read, float(min(output.scores, default=0.0))
