"""From what a user asks for to the parts that carry it out: source, tools and folder."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from curation.strict_yaml import expected_one_of
from infer import checkpoints, scoring
from infer.evaluation.benchmark import Benchmark
from infer.generating import asked_size
from infer.generating import check as check_numbers
from infer.harness import generated, served
from infer.harness.cache import Cache
from infer.harness.judges import Judge
from infer.harness.measuring import Tools
from infer.harness.readers import NAMES, JudgeReader, RapidOcr, Reader
from infer.harness.reconstructed import Reconstructions
from infer.harness.sources import Folder, Source


@dataclass(frozen=True)
class Asked:
    """The arguments of the command, None where one was not given."""

    name: str | None
    checkpoint: Path | None = None
    images: Path | None = None
    endpoint: str | None = None
    model: str | None = None
    data: str | None = None
    out: Path | None = None
    steps: int | None = None
    guidance: float | None = None
    negative: str | None = None
    size: str | None = None
    batch_size: int | None = None
    device: str = "auto"
    sample: int | None = None
    sample_seed: int = 0
    reader: str = "rapidocr"
    judge: str | None = None
    judge_model: str | None = None
    at_once: int = 8
    trained_on: tuple[str, ...] = ()

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Asked":
        """Those of a function that takes them all, by name; its others are left out."""
        own = {each.name: arguments[each.name] for each in fields(cls)}
        return cls(**own | {"trained_on": tuple(own["trained_on"] or ())})

    @property
    def chosen(self) -> scoring.Sample | None:
        """The sample of the prompts; None: all of them."""
        return None if self.sample is None else scoring.Sample(self.sample, self.sample_seed)


def carry_out(asked: Asked) -> tuple[dict[str, Any], Path]:
    """The result, and the folder where all of it is. Raises as ``scoring.run``."""
    if asked.name is None:
        raise UsageError(f"which benchmark? expected one of {', '.join(scoring.names())}")
    kind = scoring.benchmark(asked.name)
    check(asked, kind)
    checkpoint = _checkpoint(asked, kind)
    chosen = kind(checkpoint, asked.data)
    out = asked.out or _folder(asked, checkpoint)
    source = _source(asked, chosen, checkpoint, out)
    used = tools(asked, chosen, Cache(out / "cache"))
    result = scoring.run(
        asked.name,
        chosen,
        source,
        used,
        out,
        sample=asked.chosen,
        trained_on=asked.trained_on,
    )
    return result, out


def check(asked: Asked, kind: type[Benchmark]) -> None:
    """Raise ``UsageError`` for what cannot be carried out, before any work."""
    if kind.reconstructs and asked.endpoint:
        raise UsageError(f"{asked.name}: judges an autoencoder; expected --checkpoint or --images")
    if asked.images and asked.endpoint:
        raise UsageError("--images and --endpoint: expected one of them")
    if asked.endpoint and not asked.model:
        raise UsageError("--endpoint: expected --model, the name that the server knows it by")
    if asked.endpoint and not asked.out:
        raise UsageError("--endpoint: expected --out, a folder for its images and figures")
    check_numbers(asked.steps, asked.guidance)
    if asked.reader not in NAMES:
        raise UsageError(f"--reader {asked.reader!r}: {expected_one_of(asked.reader, NAMES)}")
    if asked.judge and not asked.judge_model:
        raise UsageError("--judge: expected --judge-model, which figures are named after")
    if not asked.judge and (kind.asks or (kind.reads and asked.reader == "judge")):
        judge = "expected --judge URL and --judge-model NAME, a server of chat completions"
        missing = [*_missing_data(asked, kind), f"{judge} with a vision-language model"]
        raise UsageError(f"{asked.name}: {'; and '.join(missing)}")


def _missing_data(asked: Asked, kind: type[Benchmark]) -> list[str]:
    """What a benchmark says that it is made of and is not there, so that both are asked for."""
    try:
        kind(None, asked.data).requests()
    except UsageError as error:
        return [str(error)]
    return []


def _checkpoint(asked: Asked, kind: type[Benchmark]) -> Path | None:
    """The checkpoint's folder; that of somebody else's images is asked for where a benchmark needs
    one.
    """
    if asked.checkpoint is None and (asked.images or asked.endpoint):
        return None
    return checkpoints.find(asked.checkpoint, generates=not kind.reconstructs)


def _folder(asked: Asked, checkpoint: Path | None) -> Path:
    """``evaluation`` beside the images or the checkpoint."""
    of = asked.images or checkpoint
    if of is None:
        raise UsageError("expected --out")
    of = of.resolve()
    return of.parent / "evaluation" / of.name / str(asked.name)


def _source(asked: Asked, chosen: Benchmark, checkpoint: Path | None, out: Path) -> Source:
    size = asked_size(asked.size) if asked.size else None
    if asked.images:
        return Folder(asked.images, size or served.SIZE)
    steps = chosen.steps if asked.steps is None else asked.steps
    guidance = chosen.guidance if asked.guidance is None else asked.guidance
    negative = chosen.negative if asked.negative is None else asked.negative
    if asked.endpoint:
        return served.Endpoint(
            asked.endpoint,
            str(asked.model),
            out / "images",
            size=size,
            steps=steps,
            guidance=guidance,
            negative=negative,
            concurrency=asked.at_once,
        )
    if checkpoint is None:
        raise UsageError("expected --checkpoint, --images or --endpoint")
    from infer.engine.request import Settings
    from train.producers import fingerprints

    if chosen.reconstructs:
        return Reconstructions(
            checkpoint, fingerprints.of_checkpoint(checkpoint), asked.device, out / "images"
        )
    usual = checkpoints.defaults(checkpoint)
    width, height = size or (usual.width, usual.height)
    checkpoints.check_size(width, height, checkpoints.size_unit(checkpoint))
    settings = Settings(
        width,
        height,
        usual.steps if steps is None else steps,
        usual.guidance if guidance is None else guidance,
        negative or "",
    )
    digest = fingerprints.of_checkpoint(checkpoint)
    at_once = asked.batch_size or generated.at_once((width, height))
    return generated.Checkpoint(checkpoint, digest, settings, at_once, asked.device, out / "images")


def tools(asked: Asked, chosen: Benchmark, cache: Cache) -> Tools:
    """Only what the benchmark uses: what it does not is in no figure's name."""
    by_judge = chosen.reads and asked.reader == "judge"
    judge = None
    if asked.judge and (chosen.asks or by_judge):
        judge = Judge(asked.judge, str(asked.judge_model), cache, asked.at_once)
    reader: Reader | None = None
    if chosen.reads:
        reader = JudgeReader(judge, chosen.reading) if by_judge and judge else RapidOcr(cache)
    return Tools(reader, judge)
