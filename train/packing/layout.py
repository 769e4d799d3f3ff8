"""Where every token of a packed batch belongs.

A sample is a sequence of spans, of text or of an image's tokens, in the order in which its family
attends to them. A batch holds the text tokens of all samples behind one another, and likewise the
image tokens; joined, every sample's spans follow one another in their order.

Shapes: N samples, T text tokens, S image tokens, J = T + S joined tokens, of all samples; A target
tokens (of the images that are generated), A <= S.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TextSpan:
    """``tokens`` (at least 1) of text."""

    tokens: int


@dataclass(frozen=True)
class ImageSpan:
    """An image of ``height`` x ``width`` tokens in raster order.

    A ``target`` is noised, generated, and has a loss; any other is a reference, seen as it is.
    """

    height: int
    width: int
    target: bool

    @property
    def tokens(self) -> int:
        """Image tokens."""
        return self.height * self.width


Span = TextSpan | ImageSpan
Sample = tuple[Span, ...]


@dataclass(frozen=True)
class Layout:
    """The samples of a batch; all else follows from them, and is worked out once, on the host."""

    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        for number, sample in enumerate(self.samples):
            if any(span.tokens < 1 for span in sample):
                raise ValueError(f"sample {number}: a span without tokens: {sample}")
            if not any(isinstance(span, ImageSpan) and span.target for span in sample):
                raise ValueError(f"sample {number}: no target image: {sample}")

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """(N,) joined tokens of each sample."""
        return tuple(sum(span.tokens for span in sample) for sample in self.samples)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """(N + 1,) where each sample begins among the joined tokens, and where the last ends."""
        return tuple(accumulate(self.lengths, initial=0))

    @cached_property
    def text_lengths(self) -> tuple[int, ...]:
        """(N,) text tokens of each sample."""
        return tuple(
            sum(s.tokens for s in sample if isinstance(s, TextSpan)) for sample in self.samples
        )

    @cached_property
    def target_lengths(self) -> tuple[int, ...]:
        """(N,) target tokens of each sample."""
        return tuple(
            sum(s.tokens for s in sample if isinstance(s, ImageSpan) and s.target)
            for sample in self.samples
        )

    @property
    def tokens(self) -> int:
        """J, the joined tokens."""
        return self.starts[-1]

    def spans(self) -> Iterator[tuple[int, int, Span]]:
        """(sample, place of its first joined token, span) of every span, in joined order."""
        place = 0
        for number, sample in enumerate(self.samples):
            for span in sample:
                yield number, place, span
                place += span.tokens

    @cached_property
    def text_places(self) -> Integers:
        """(T,) the place of each text token among the joined ones."""
        return _places((place, s.tokens) for _, place, s in self.spans() if isinstance(s, TextSpan))

    @cached_property
    def image_places(self) -> Integers:
        """(S,) the place of each image token among the joined ones."""
        return _places(
            (place, s.tokens) for _, place, s in self.spans() if isinstance(s, ImageSpan)
        )

    @cached_property
    def text_sample(self) -> Integers:
        """(T,) the sample of each text token."""
        return np.repeat(np.arange(len(self.samples)), self.text_lengths)

    @cached_property
    def image_sample(self) -> Integers:
        """(S,) the sample of each image token."""
        counts = [
            length - text for length, text in zip(self.lengths, self.text_lengths, strict=True)
        ]
        return np.repeat(np.arange(len(self.samples)), counts)

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """(S,) whether an image token is of a target."""
        return np.concatenate(
            [np.full(s.tokens, s.target) for _, _, s in self.spans() if isinstance(s, ImageSpan)]
        )

    @cached_property
    def target_places(self) -> Integers:
        """(A,) the place of each target token among the image tokens."""
        return np.flatnonzero(self.is_target)

    @cached_property
    def target_sample(self) -> Integers:
        """(A,) the sample of each target token."""
        return self.image_sample[self.is_target]


def _places(runs: Iterator[tuple[int, int]]) -> Integers:
    parts: Sequence[Integers] = [np.arange(start, start + count) for start, count in runs]
    return np.concatenate([np.empty(0, np.int64), *parts])
