"""A benchmark carried out: its images generated, and scored."""

from dataclasses import replace
from typing import Any

from curation import progress
from curation.failures.errors import UsageError
from curation.strict_yaml import defined
from infer import checkpoints
from infer.evaluation.benchmark import Benchmark, Request
from infer.prompts import Prompt
from train.figures import Figures

PACKAGE = "infer.evaluation"


def benchmark(name: str) -> type[Benchmark]:
    """The benchmark of a name: a file in ``infer/evaluation``, or an import path.

    Raises ``UsageError``, with the nearest name.
    """
    base: type = Benchmark  # abstract, which mypy takes for a mistake
    try:
        kind: type[Benchmark] = defined(name, base, PACKAGE)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return kind


def run(
    chosen: Benchmark, steps: int | None, guidance: float | None, batch: int, device: str
) -> tuple[Figures, dict[str, Any]]:
    """Generate what is asked for and score it; the figures, and how the images were made.

    Raises ``UsageError``, ``OSError``.
    """
    from infer import sampling

    requests = chosen.requests()
    usual = checkpoints.defaults(chosen.checkpoint)
    settings = sampling.Settings(
        usual.width,
        usual.height,
        usual.steps if steps is None else steps,
        usual.guidance if guidance is None else guidance,
        batch_size=batch,
    )
    generator = sampling.load(chosen.checkpoint, device)
    images: dict[Request, Any] = {}
    with progress.watch("", "images", lambda: (len(requests), len(images))):
        for size in dict.fromkeys((request.width, request.height) for request in requests):
            same = [each for each in requests if (each.width, each.height) == size]
            prompts = [Prompt(each.prompt, each.seed) for each in same]
            sized = replace(settings, width=size[0], height=size[1])
            for request, image in zip(
                same, sampling.generate(generator, prompts, sized), strict=True
            ):
                images[request] = image
    figures = chosen.score([images[request] for request in requests])
    made = {"images": len(requests), "steps": settings.steps, "guidance": settings.guidance}
    return figures, {"checkpoint": str(chosen.checkpoint), **made}
