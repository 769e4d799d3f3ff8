"""Where text and images of Qwen-Image-2.1 stand (``QwenImage21Rope`` of diffusers, without the ends
of its tables).

Text and images of a sample share a running position. A text token stands at it on all three axes
and moves it on by 1. An image stands at it on the first axis (frame), is centred on the others, an
odd side with the larger half on the negative side, and moves it on by its longer side.
"""

import numpy as np

from train.packing.layout import ImageSpan, Integers, Layout, Sample


def positions(layout: Layout) -> Integers:
    """(J, 3) frame, row and column of the joined tokens."""
    return np.concatenate([_of_sample(sample) for sample in layout.samples])


def _of_sample(sample: Sample) -> Integers:
    parts, running = [], 0
    for span in sample:
        if isinstance(span, ImageSpan):
            sides = (span.height, span.width)
            rows, columns = (np.arange(side) - (side - side // 2) for side in sides)
            grid = np.meshgrid([running], rows, columns, indexing="ij")
            parts.append(np.stack(grid, axis=-1).reshape(-1, 3))
            running += max(sides)
        else:
            along = np.arange(running, running + span.tokens)
            parts.append(np.repeat(along[:, None], 3, axis=1))
            running += span.tokens
    return np.concatenate(parts)
