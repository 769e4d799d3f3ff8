"""The plan cut into units: which showings each holds, and the name it has by what is in it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from train.phases import Phase
from train.producers.units import FORMAT, MOST_BYTES

_MOST_STEPS = 8  # of a unit: who waits for the first, waits for all of them


@dataclass(frozen=True)
class Span:
    """Unit ``name`` holds steps ``first`` to ``last``, places ``start`` to before ``end``."""

    first: int
    last: int
    start: int
    end: int
    name: str

    @property
    def places(self) -> dict[int, range]:
        """The places of every step."""
        return {step: range(self.start, self.end) for step in range(self.first, self.last + 1)}


@dataclass(frozen=True)
class Spans:
    """How the steps of ``phases`` are cut: ``largest`` are the bytes of a sample at most, by phase.

    ``identity`` stands for all that the content depends on beside steps and places.
    """

    phases: Sequence[Phase]
    largest: Sequence[int]
    identity: str

    def at(self, step: int) -> list[Span]:
        """The units of the 1-based ``step``, in the order of its places."""
        number = next(
            (place for place, phase in enumerate(self.phases) if step <= phase.last),
            len(self.phases) - 1,
        )
        phase = self.phases[number]
        samples = max(1, MOST_BYTES // self.largest[number])
        if samples < phase.batch:
            starts = range(0, phase.batch, samples)
            return [self._span(step, step, at, min(at + samples, phase.batch)) for at in starts]
        steps = min(_MOST_STEPS, samples // phase.batch)
        first = step - (step - phase.first) % steps
        last = first + steps - 1
        if number < len(self.phases) - 1:  # the last goes on, for as long as a run is extended
            last = min(last, phase.last)
        return [self._span(first, last, 0, phase.batch)]

    def between(self, first: int, last: int) -> Iterator[Span]:
        """The units of all these steps, each once, in order."""
        known: set[str] = set()
        for step in range(first, last + 1):
            for span in self.at(step):
                if span.name not in known:
                    known.add(span.name)
                    yield span

    def _span(self, first: int, last: int, start: int, end: int) -> Span:
        return Span(first, last, start, end, digest([self.identity, first, last, start, end]))


def digest(content: Any) -> str:
    """32 hexadecimal digits that stand for plain data."""
    text = json.dumps([FORMAT, content], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def of_phase(phase: Phase, encoders: Mapping[str, str]) -> dict[str, Any]:
    """What the content of a phase's units depends on: not where shards lie, nor how it is trained.

    The length of a phase shows in where the next begins.
    """
    elsewhere = {"units", "cache", "cache_bytes", "prefetch"}
    sources = [
        (source.share, source.data.model_dump(mode="json", exclude=elsewhere))
        for source in phase.sources
    ]
    data = phase.data.model_dump(mode="json", exclude=elsewhere)
    return {
        "first": phase.first,
        "batch": phase.batch,
        "sources": sources,
        "data": data,
        "encoders": dict(encoders),
    }
