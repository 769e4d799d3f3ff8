"""Held-out strings: are all cells of an image, read by nearest template, what its caption says?

One font, fixed layout, unseen strings of seen glyphs, as `python -m train --preset demo` holds them
out. Another sampler than the trainer's own evaluation, without its attention kernel and batches.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Request

if TYPE_CHECKING:
    from PIL import Image

    from train.configuration import Configuration
    from train.figures import Figures


class HeldOutStrings(Benchmark):
    """Reads ``data``, rendered strings, with the settings that the checkpoint was trained with: the
    same texts are held out of any shards.
    """

    def requests(self) -> Sequence[Request]:
        """One for each distinct held-out caption."""
        from train import held_out
        from train.autoencoders.autoencoder import load_autoencoder
        from train.data import loading
        from train.string_reader import Templates

        configuration = self._configuration()
        if self.data is None:
            raise UsageError("expected --data: shards of rendered strings, such as were trained on")
        templates = Templates()
        autoencoder = load_autoencoder(str(self.checkpoint))
        loaded = loading.load(
            loading.Sources(self.data, autoencoder, watch=templates.watch), configuration
        )
        reader = templates.reader()
        if reader is None or not loaded.held_out:
            raise UsageError(
                f"--data {self.data}: expected strings on a grid of cells, some of them held out;"
                " `python -m synthesis.render --mode strings` makes them"
            )
        self._reader = reader
        self._tasks = held_out.tasks(loaded, configuration.seed)
        factor = autoencoder.factor
        return [
            Request(
                task.example.captions[0],
                task.cells[1] * factor,
                task.cells[0] * factor,
                task.seed,
            )
            for task in self._tasks
        ]

    def score(self, images: Sequence["Image.Image"]) -> "Figures":
        """The share of images in which all cells are right, colour included."""
        import numpy as np

        from train import string_reader
        from train.figures import Figures, Rate
        from train.pixels import scaled

        right = [
            self._reader.right(scaled(np.array(image.convert("RGB"))), [task.example])[0]
            for task, image in zip(self._tasks, images, strict=True)
        ]
        accuracy = string_reader.judge(right)
        exact = Rate(accuracy.exact, accuracy.images)
        cells = Rate(accuracy.cells, accuracy.all_cells)
        sentence = f"held-out strings exact: {exact}, cells {cells} [{string_reader.LABEL}]"
        values = {"exact": exact.values(), "cells": cells.values(), "label": string_reader.LABEL}
        return Figures(values, sentence)

    def _configuration(self) -> "Configuration":
        from train.checkpoint import read_configuration

        configuration = read_configuration(self.checkpoint)
        if configuration is None:
            raise UsageError(f"{self.checkpoint}: not trained here, so that nothing was held out")
        return configuration
