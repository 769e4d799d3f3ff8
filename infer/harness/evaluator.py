"""A benchmark as an evaluator of the training loop: a fixed slice of it, at every evaluation.

    evaluation:
      evaluators:
        - held_out_strings
        - {name: infer.harness.evaluator, benchmark: longtext_bench_en, data: prompts/, sample: 1}

Prompts, seeds, figures and their names are those of ``python -m infer.evaluation``. Images are made
by the trainer's own sampler, in its batches, and are kept nowhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from curation.failures.errors import IncompleteError, UsageError
from train.evaluators.evaluator import Evaluation, Evaluator

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.rows import Request
    from train.configuration import Configuration
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator, Inputs

_Count = Annotated[int, Field(ge=1)]


class HarnessSlice(Evaluator):
    """``sample`` prompts of each group of a ``benchmark``, chosen by ``sample_seed``; ``data`` is
    what it is made of. ``size`` ("WIDTHxHEIGHT") is that of images whose benchmark leaves it open,
    the run's commonest where it is not given; ``steps`` and ``guidance`` those of the run's
    evaluations. A ``judge`` is asked only where one is given, with its ``judge_model``.
    """

    benchmark: str
    data: str = ""
    sample: _Count = 4
    sample_seed: Annotated[int, Field(ge=0)] = 0
    size: str = ""
    steps: _Count | None = None
    guidance: Annotated[float, Field(ge=1)] | None = None
    reader: str = "rapidocr"
    judge: str = ""
    judge_model: str = ""
    at_once: _Count = 8

    def begin(self) -> Evaluation:
        """As ``Evaluator``. Raises ``UsageError`` for what cannot be asked of a run."""
        return _Slice(self)


class _Slice(Evaluation):
    def __init__(self, settings: HarnessSlice) -> None:
        from infer import scoring
        from infer.generating import asked_size
        from infer.harness import asking, cache, sources

        self._settings, self._name = settings, settings.benchmark
        kind = scoring.benchmark(self._name)
        if kind.reconstructs:
            raise UsageError(
                f"{self._name}: judges an autoencoder, which training leaves as it is: python -m"
                f" infer.evaluation {self._name}"
            )
        asked = asking.Asked(
            name=self._name,
            data=settings.data or None,
            reader=settings.reader,
            judge=settings.judge or None,
            judge_model=settings.judge_model or None,
            at_once=settings.at_once,
        )
        asking.check(asked, kind)
        self._chosen = kind(None, settings.data or None)
        everything = [each for each in self._chosen.requests() if each.edits is None]
        sources.check(self._name, everything)
        sample = scoring.Sample(settings.sample, settings.sample_seed)
        self._requests = scoring.sampled(everything, sample)
        self._tools = asking.tools(asked, self._chosen, cache.Nothing())
        self._size = asked_size(settings.size) if settings.size else None
        self._seen: dict[str, tuple[tuple[int, int], Inputs]] = {}

    def prepare(self, data: "Data", configuration: "Configuration") -> None:
        """Settle sizes, and encode the images to edit. Raises ``UsageError`` for a size that the
        network cannot make.
        """
        unit = configuration.model.unit(data.autoencoder.factor)
        usual = self._size or next(iter(data.counts))
        for request in self._requests:
            size, seen = self._inputs(request, data, configuration, unit)
            size = request.size or size or usual
            if any(side % unit for side in size):
                raise UsageError(
                    f"evaluators: {self._name}: {request.id}: {size[0]}x{size[1]} px; expected"
                    f" sides that are multiples of {unit}"
                )
            self._seen[request.file] = size, seen

    def _inputs(
        self, request: "Request", data: "Data", configuration: "Configuration", unit: int
    ) -> "tuple[tuple[int, int] | None, Inputs]":
        """What is seen of a request's images to edit, and the size of the result."""
        from infer import inputs
        from train.data import latents
        from train.generating import Inputs
        from train.text_encoders import text_encoder

        if not request.inputs:
            return None, Inputs()
        named = [(f"{request.id}, input {n}", each) for n, each in enumerate(request.inputs, 1)]
        cut = inputs.as_trained(named, data.phases[-1].data, unit)
        looks = text_encoder.sees_images(configuration.text_encoder)
        references = tuple(latents.encode(data.autoencoder, each) for each in cut.encoded)
        return cut.size, Inputs(references, cut.looked_at if looks else ())

    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        """The same slice every time, also at the end. What cannot be judged ends no run: it is
        said, and there are no figures.
        """
        from infer import scoring
        from infer.harness import measuring
        from train.figures import Figures

        made = self._images(generator)
        if not generator.world.is_first:
            return Figures()
        chosen, tools = self._chosen, self._tools

        def opened(request: "Request") -> "Image.Image":
            return made[request.file]

        try:
            rows = measuring.rows(self._name, chosen, self._requests, opened, tools)
        except (IncompleteError, UsageError) as error:
            return Figures({}, f"{self._name}: no figures: {error}")
        figures = {scoring.full_name(each, tools.names): each for each in chosen.score(rows)}
        values = {f"{self._name}/{name}": metric.value for name, metric in figures.items()}
        name, first = next(iter(figures.items()))
        low, high = first.interval()
        said = f"{name} {first.value:.4f} [{low:.4f}, {high:.4f}] (n = {len(first.prompts)})"
        return Figures(values, f"{self._name}: {said}")

    def _images(self, generator: "Generator") -> "dict[str, Image.Image]":
        """By file name."""
        from infer.harness.rows import seed_of
        from train.pixels import as_image

        asked = {"steps": self._settings.steps, "guidance": self._settings.guidance}
        changes = {name: value for name, value in asked.items() if value is not None}
        settings = generator.configuration.evaluation.model_copy(update=changes)
        configuration = generator.configuration.model_copy(update={"evaluation": settings})
        generator = replace(generator, configuration=configuration)
        by_size: dict[tuple[int, int], list[Request]] = {}
        for request in self._requests:
            by_size.setdefault(self._seen[request.file][0], []).append(request)
        images: dict[str, Image.Image] = {}
        factor = generator.autoencoder.factor
        for (width, height), same in by_size.items():
            for start in range(0, len(same), settings.batch):
                part: Sequence[Request] = same[start : start + settings.batch]
                made = generator.generate(
                    [each.prompt for each in part],
                    (height // factor, width // factor),
                    [seed_of(self._name, each) for each in part],
                    [self._seen[each.file][1] for each in part],
                )
                images |= {each.file: as_image(of) for each, of in zip(part, made, strict=True)}
        return images
