"""Held-out strings: are all cells of an image, read by nearest template, what its caption says?

One font, fixed layout, unseen strings of seen glyphs, as `python -m train --preset demo` holds them
out. Another sampler than the trainer's own evaluation, without its attention kernel and batches.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen

if TYPE_CHECKING:
    from infer.harness.metrics import Metric
    from train.configuration import Configuration


class HeldOutStrings(Benchmark):
    """Reads ``data``, rendered strings, with the settings that the checkpoint was trained with: the
    same texts are held out of any shards.
    """

    held_out = "its prompts are those that the trainer holds out of these shards"
    legend = (
        "Each cell of an image is read by itself, as the nearest of the cells of training images, a"
        " character in a colour or blank. It is right where both are: the score is the share of"
        " cells that are, and a character that was asked for in another colour counts as wrong."
    )

    @property
    def facts(self) -> Mapping[str, Any]:
        """What it measures, and no more."""
        from train.string_reader import LABEL

        return {"label": LABEL}

    def requests(self) -> Sequence[Request]:
        """One for each distinct held-out caption, by the seeds of the trainer's evaluation."""
        from train import held_out
        from train.autoencoders.autoencoder import load_autoencoder
        from train.data import loading
        from train.quotations import quoted
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
        tasks = held_out.tasks(loaded, configuration.seed)
        self._tasks = {f"{number:05d}": task for number, task in enumerate(tasks)}
        factor = autoencoder.factor
        return [
            Request(
                id=name,
                prompt=task.example.captions[0],
                size=(task.cells[1] * factor, task.cells[0] * factor),
                seed=task.seed,
                texts=tuple(quoted(task.example.captions[0])),
            )
            for name, task in self._tasks.items()
        ]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Which cells are right, colour included."""
        import numpy as np

        from train import string_reader
        from train.pixels import scaled

        task, pixels = self._tasks[request.id], scaled(np.array(seen.image))
        if seen.image.size != request.size:
            raise UsageError(f"{request.file}: expected an image of {request.size} pixels")
        [right] = self._reader.right(pixels, [task.example])
        [keys] = self._reader.read(pixels)
        read = "".join(character or " " for character, _ in keys).strip()
        wanted = string_reader.expected(task.example, self._reader.cell, seen.image.size) or ()
        coloured = [
            each[0]
            for each, key in zip(wanted, keys, strict=False)
            if each[0] == key[0] and each[1] != key[1]
        ]
        if coloured:
            read += f"\nin another colour: {' '.join(coloured)}"
        return Measured(sum(right) / len(right), read, {"right": sum(right), "cells": len(right)})

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """The share of images in which all cells are right, and that of cells."""
        from infer.harness import metrics

        def is_exact(row: Row) -> bool:
            return bool(row.values["right"] == row.values["cells"])

        return [
            metrics.share("exact", rows, is_exact),
            metrics.pooled(
                "cells", rows, lambda row: row.values["right"], lambda row: row.values["cells"]
            ),
        ]

    def _configuration(self) -> "Configuration":
        from train.checkpoint import read_configuration

        if self.checkpoint is None:
            raise UsageError("expected --checkpoint: whose training held the strings out")
        configuration = read_configuration(self.checkpoint)
        if configuration is None:
            raise UsageError(f"{self.checkpoint}: not trained here, so that nothing was held out")
        # The shards are those of --data, whatever the phases of the training were shown.
        phases = configuration.phases[-1:]
        last = tuple(of.model_copy(update={"sources": (), "steps": None}) for of in phases)
        return configuration.model_copy(update={"phases": last})
