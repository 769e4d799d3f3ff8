"""The curriculum: which stretch of training a step is of, and what that is trained on."""

from dataclasses import dataclass
from typing import Any

from curation.failures.errors import UsageError
from train.configuration import (
    Configuration,
    DataConfiguration,
    PhaseConfiguration,
    SourceConfiguration,
)

_OF_SOURCE = ("stage", "where", "weight", "picks", "rating", "best")


@dataclass(frozen=True)
class Source:
    """The shards of ``pattern``, as ``data`` says; ``share`` of all that a phase shows. ``named``
    is what a sentence about them begins with.
    """

    pattern: str
    share: float
    data: DataConfiguration
    named: str


@dataclass(frozen=True)
class Phase:
    """Steps ``first`` to ``last`` (1-based, both included), with everything settled; ``named`` is
    what sentences about it begin with.
    """

    named: str
    first: int
    last: int
    batch: int
    learning_rate: float
    frozen: tuple[str, ...]
    tread: float
    repa: bool
    sources: tuple[Source, ...]
    data: DataConfiguration

    def sentence(self) -> str:
        """Which steps it is, and of what."""
        sides = " and ".join(map(str, self.data.resolutions))
        sizes = f" of {sides} px" if sides else ""
        shares = [f"{share:g} {task}" for task, share in self.data.tasks.items()]
        tasks = f", {' : '.join(shares)}" if len(shares) > 1 else ""
        steps = f"steps {self.first:,} to {self.last:,}"
        return f"{self.named}: {steps}, {self.batch} samples each{sizes}{tasks}"


def of_run(configuration: Configuration, pattern: str, first: int = 1) -> tuple[Phase, ...]:
    """The phases of a run on the shards of ``pattern`` from step ``first`` on; one where none are
    named.

    A run of fewer steps than they have ends before the last of them. Raises ``UsageError`` where
    one says nothing of its steps, or a source has no shards.
    """
    given = configuration.phases or (PhaseConfiguration(),)
    phases: list[Phase] = []
    for number, each in enumerate(given):
        key, first = f"phases[{number}]", phases[-1].last + 1 if phases else first
        last = configuration.steps
        if number < len(given) - 1:
            if each.steps is None:
                raise UsageError(f"{key}: expected steps; only the last phase goes on to the end")
            last = min(last, first - 1 + each.steps)
        if first <= configuration.steps:
            named = f"phase {each.label or f'{number + 1} of {len(given)}'}"
            phases.append(_phase(configuration, each, pattern, (key, named), (first, last)))
    labels = [each.label for each in given if each.label]
    if again := next((label for label in labels if labels.count(label) > 1), ""):
        raise UsageError(f"phases: two have the label {again}; give each its own")
    return tuple(phases)


def _phase(
    configuration: Configuration,
    given: PhaseConfiguration,
    pattern: str,
    names: tuple[str, str],
    steps: tuple[int, int],
) -> Phase:
    key, called = names
    changes = ("resolution", "captions", "languages", "caption_dropout", "tasks")
    data = _changed(configuration.data, {name: getattr(given, name) for name in changes})
    sources = []
    for number, source in enumerate(given.sources or (SourceConfiguration(),)):
        own, place = source.data or pattern, f"{key}.sources[{number}]"
        if not own:
            raise UsageError(f"{place}: expected data, or --data on the command line")
        settings = {name: getattr(source, name) for name in _OF_SOURCE}
        named = f"--data {own}"
        if given.sources:
            named = f"{place}.data {own}" if source.data else f"{place}: {named}"
        if given.label and given.sources:
            named = f"{called}: {named}"
        sources.append(Source(own, source.share, _changed(data, settings), named))
    if given.tread and not configuration.model.middle:
        raise UsageError(
            f"{key}.tread: model {configuration.model.name} of this size has no middle blocks that"
            " tokens could go around; those of Qwen-Image need 6 layers"
        )
    layers = getattr(configuration.model, "layers", 0)
    if given.repa and not 0 < configuration.repa.block <= layers:
        raise UsageError(
            f"{key}.repa: repa.block is {configuration.repa.block}; model"
            f" {configuration.model.name} has {layers} blocks"
        )
    if given.repa and given.tread and configuration.repa.block - 1 in configuration.model.middle:
        raise UsageError(
            f"{key}: with tread not all tokens are in block {configuration.repa.block}, which repa"
            " aligns: set repa.block to 1 or 2, or use them in different phases"
        )
    rate = configuration.optimiser.learning_rate
    return Phase(
        called,
        *steps,
        given.batch or configuration.batch,
        given.learning_rate or rate,
        given.frozen,
        given.tread,
        given.repa,
        tuple(sources),
        data,
    )


def _changed(data: DataConfiguration, changes: dict[str, Any]) -> DataConfiguration:
    return data.model_copy(
        update={name: value for name, value in changes.items() if value is not None}
    )


def at(phases: tuple[Phase, ...], step: int) -> Phase:
    """The phase of the 1-based ``step``."""
    return next(phase for phase in phases if step <= phase.last)
