"""What kind of text a caption is by its words: a linear classifier over hashed n-grams.

What the patterns of ``caption_validity`` do not name is told by this. Runs of one to three words,
or Han characters, and pairs of the next but one are hashed (CRC-32) into ``SIZE`` places, and each
kind is a sum of weights, held against valid captions: P(kind) = exp(s) / (1 + sum of all exp(s)).
Weights are data, ``caption_words.npz``, fitted by ``benchmarks.fitting.caption_words``.
"""

import re
import zlib
from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FILE = "caption_words.npz"
KINDS = ("refusal", "prompt", "boilerplate")
SIZE = 1 << 18
LONGEST = 60  # tokens that are looked at
SHOWN = 3  # n-grams that are said as evidence
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[a-z]+|0+|[{_WIDE}]|[^\w\s]|[^\W{_WIDE}]+")
_DIGIT = re.compile(r"\d")
_WIDE_ONLY = re.compile(rf"[{_WIDE}]+")


class Judged(NamedTuple):
    """How likely a text is no caption (0 to 1), as which kind, and the n-grams that say so."""

    probability: float
    kind: str
    evidence: tuple[str, ...]


def ngrams(text: str) -> list[str]:
    """The distinct n-grams of a text in lower case; digits are all the same."""
    text = text.strip().rstrip(".\u3002!\uff01")  # a full stop says nothing
    tokens = ["^", *_TOKEN.findall(_DIGIT.sub("0", text))[:LONGEST], "$"]
    runs = [
        " ".join(tokens[start : start + length])
        for length in (1, 2, 3)
        for start in range(len(tokens) - length + 1)
    ]
    return list(
        dict.fromkeys(runs + [f"{a} _ {b}" for a, b in zip(tokens, tokens[2:], strict=False)])
    )


def places(of: Sequence[str]) -> NDArray[np.int64]:
    """Where n-grams lie among the weights, (N,)."""
    return np.array([zlib.crc32(run.encode("utf-8", "replace")) % SIZE for run in of], np.int64)


class Words:
    """The classifier as shipped."""

    def __init__(self) -> None:
        with resources.files("curation.signals").joinpath(FILE).open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            self._weights = stored["weights"].astype(np.float32) * stored["scale"]
            self._bias = stored["bias"]

    def judge(self, text: str) -> Judged:
        """What a text, in lower case and without what it quotes, is by its words."""
        runs = ngrams(text)
        weights = self._weights[places(runs)] / np.sqrt(len(runs))
        scores = np.exp(weights.sum(axis=0) + self._bias)
        best = int(scores.argmax())
        order = np.argsort(-weights[:, best], kind="stable")
        probability = float(scores.sum() / (1 + scores.sum()))
        return Judged(probability, KINDS[best], tuple(_shown(runs, order.tolist())))


def _shown(runs: Sequence[str], order: Sequence[int]) -> list[str]:
    """Those n-grams that say most, none inside another, as they may be read."""
    chosen: list[str] = []
    for number in order:
        run = runs[number].replace("^", "").replace("$", "").replace(" _ ", " \u2026 ").strip()
        if len(chosen) < SHOWN and any(map(str.isalnum, run)) and not any(run in c for c in chosen):
            chosen.append(run.replace(" ", "") if _WIDE_ONLY.match(run) else run)
    return chosen
