"""The plan of a run: which phases hold from which step on, cut into units; and what it was made of.

A plan begins with the phases of the configuration. Another version may be proposed while training
runs; it begins at a future step that the consumers agree on, and what was before stays as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from curation.failures.errors import UsageError
from train import phases
from train.autoencoders.autoencoder import Autoencoder
from train.configuration import Configuration, PhaseConfiguration
from train.data import loading
from train.data.batches import Batches
from train.data.loading import Data, Sources
from train.phases import Phase
from train.producers import spans
from train.producers.fingerprints import LEARNT
from train.producers.spans import Spans
from train.seeds import seed_for

_PATCH = 28  # pixels: what a token of a vision-language encoder stands for, in each direction
_OVERHEAD = 4096  # bytes of an entry beside its tensors
_MOST_REFERENCES = 3


@dataclass(frozen=True)
class Encoders:
    """What units are made with: ``fingerprints`` of "autoencoder" and "text_encoder", their
    ``channels``, ``factor`` and ``width``, and their ``lines`` for the index of a checkpoint.
    """

    fingerprints: Mapping[str, str]
    channels: int
    factor: int
    width: int
    lines: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain data, as ``of_plain`` takes it."""
        return asdict(self)


def of_plain(content: Mapping[str, Any]) -> Encoders:
    """The encoders that a plan names. Raises ``TypeError``, ``LookupError``."""
    lines = {
        part: {name: (str(own[0]), str(own[1])) for name, own in each.items()}
        for part, each in content["lines"].items()
    }
    return Encoders(**{**content, "lines": lines})


@dataclass(frozen=True)
class Version:
    """Phases that hold from step ``first`` on; ``number`` 1 are those of the configuration."""

    number: int
    first: int
    phases: tuple[PhaseConfiguration, ...]


@dataclass(frozen=True)
class Planned:
    """A version with everything settled: its phases, which rows a step shows, and its units."""

    version: Version
    phases: tuple[Phase, ...]
    batches: Batches
    spans: Spans


class Plan:
    """All versions of a run's plan so far; ``data`` is the loaded first."""

    def __init__(
        self, sources: Sources, configuration: Configuration, data: Data, encoders: Encoders
    ) -> None:
        self._sources, self._configuration = sources, configuration
        self._data, self.encoders = data, encoders
        if not isinstance(data.batches, Batches):
            raise TypeError("a plan is made of what was loaded")
        first = Version(1, 1, configuration.phases)
        self._planned = [self._cut(first, data.phases, data.batches, data.digest)]

    def at(self, step: int) -> Planned:
        """The version that holds at the 1-based ``step``."""
        return next(each for each in reversed(self._planned) if each.version.first <= step)

    @property
    def versions(self) -> list[Version]:
        """All but the first, which the configuration has."""
        return [each.version for each in self._planned[1:]]

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of all versions, each as long as it holds."""
        held: list[Phase] = []
        for number, each in enumerate(self._planned):
            following = self._planned[number + 1 :]
            last = following[0].version.first - 1 if following else each.phases[-1].last
            for phase in each.phases:
                if phase.first <= last:
                    ends = min(phase.last, last)
                    held.append(phase if ends == phase.last else replace(phase, last=ends))
        return tuple(held)

    def add(self, version: Version) -> None:
        """A further version holds from its step on. Raises ``UsageError`` as loading does."""
        self.extend(self.planned(version))

    def extend(self, planned: Planned) -> None:
        """What ``planned`` gave holds from its step on."""
        self._planned.append(planned)

    def planned(self, version: Version) -> Planned:
        """A version that may follow, settled. Raises ``UsageError`` as loading does."""
        if version.number != self._planned[-1].version.number + 1:
            raise UsageError(
                f"version {version.number} of the plan follows"
                f" {self._planned[-1].version.number}: expected the next number"
            )
        settled = settle(version, self._sources, self._configuration, self._data.autoencoder)
        return self._cut(version, *settled)

    def _cut(
        self, version: Version, curriculum: Sequence[Phase], batches: Batches, digest: str
    ) -> Planned:
        prints = self.encoders.fingerprints
        identity = spans.digest(
            [
                digest,
                self._configuration.seed,
                self._configuration.model.unit(self.encoders.factor),
                version.number,
                [spans.of_phase(phase, prints) for phase in curriculum],
            ]
        )
        largest = [self._largest(batches, number) for number in range(len(curriculum))]
        return Planned(
            version, tuple(curriculum), batches, Spans(tuple(curriculum), largest, identity)
        )

    def _largest(self, batches: Batches, number: int) -> int:
        """Bytes of a sample at most: latents and features in 32 bits."""
        encoders, longest = self.encoders, self._configuration.text_encoder.longest
        size = 0
        for stream in batches.stretches[number].streams:
            used = np.unique(stream.index.size[stream.rows]).tolist()
            pixels = max(
                width * height for width, height in map(stream.index.sizes.__getitem__, used)
            )
            images = 1 + _MOST_REFERENCES * (stream.task == "ti2i")
            latents = images * 4 * encoders.channels * pixels // encoders.factor**2
            looked_at = {"t2i": 0, "i2i": 1, "ti2i": _MOST_REFERENCES}[stream.task]
            tokens = longest + looked_at * (2 + pixels // _PATCH**2)
            learnt = encoders.fingerprints["text_encoder"] == LEARNT
            text = 0 if learnt else 4 * encoders.width * tokens
            size = max(size, latents + text + _OVERHEAD)
        return size


def settle(
    version: Version, sources: Sources, configuration: Configuration, autoencoder: Autoencoder
) -> tuple[tuple[Phase, ...], Batches, str]:
    """The phases of a version, their batches, and what identifies their rows. Raises ``UsageError``
    as loading does.

    All of them, also those that begin behind the last step of the ``configuration``: who proposes,
    makes and reads units may have different ones, and a run may be extended.
    """
    begins = version.first + sum(phase.steps or 0 for phase in version.phases[:-1])
    steps = max(configuration.steps, begins)
    changed = configuration.model_copy(update={"phases": version.phases, "steps": steps})
    curriculum = phases.of_run(changed, sources.pattern, version.first)
    loading.check_there(curriculum, None)
    seed = seed_for(configuration.seed, "plan", version.number)
    batches, digest = loading.replanned(sources, changed, curriculum, autoencoder, seed)
    return curriculum, batches, digest


def plain(version: Version) -> dict[str, Any]:
    """Plain data, as ``version_of_plain`` takes it."""
    phases = [phase.model_dump(mode="json") for phase in version.phases]
    return {"number": version.number, "first": version.first, "phases": phases}


def version_of_plain(content: Mapping[str, Any]) -> Version:
    """A version out of plain data. Raises ``ValueError``, ``LookupError``."""
    given = tuple(PhaseConfiguration.model_validate(each) for each in content["phases"])
    return Version(int(content["number"]), int(content["first"]), given)
