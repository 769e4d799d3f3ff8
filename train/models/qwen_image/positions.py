"""MSRoPE: where text and images stand (arXiv 2508.02324, 3.2; checked against diffusers).

A sample is its text, then its images, targets first. Image k is frame k; its rows and columns are
centred, an odd side with the larger half on the negative side. Text goes on along the diagonal
behind the largest image of the sample.
"""

import numpy as np

from train.packing.layout import ImageSpan, Integers, Layout, Sample, TextSpan


def positions(layout: Layout, layered: bool = False) -> Integers:
    """(J, 3) frame, row and column of the joined tokens.

    ``layered``: the last image of each sample, the picture that the layers are of, is frame -1.
    Raises ``ValueError`` for a sample in another order.
    """
    return np.concatenate([_of_sample(sample, layered) for sample in layout.samples])


def _of_sample(sample: Sample, layered: bool) -> Integers:
    images = [span for span in sample if isinstance(span, ImageSpan)]
    targets = [span.target for span in images]
    text = sum(span.tokens for span in sample if isinstance(span, TextSpan))
    if any(isinstance(s, TextSpan) for s in sample[-len(images) :]) or targets != sorted(
        targets, reverse=True
    ):
        raise ValueError(f"a sample of Qwen-Image is [text, target, references], not {sample}")
    first = max(max(span.height // 2, span.width // 2) for span in images)
    frames = list(range(len(images)))
    if layered:
        first = max(first, len(images) - 1)
        frames[-1] = -1
    along = np.repeat(np.arange(first, first + text)[:, None], 3, axis=1)
    return np.concatenate(
        [along, *(_of_image(span, k) for span, k in zip(images, frames, strict=True))]
    )


def _of_image(span: ImageSpan, frame: int) -> Integers:
    """(height x width, 3)."""
    rows, columns = (np.arange(side) - (side - side // 2) for side in (span.height, span.width))
    grid = np.meshgrid([frame], rows, columns, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 3)
