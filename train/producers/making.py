"""Making what a unit holds: rows are read, images encoded, each alone, captions alone or together.

Captions that a frozen encoder is given together are of one unit and about as long as each other:
the same ones whoever makes it, so that a unit is the same bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from train.data import features
from train.data.batches import Showing, Shown, looks
from train.packing.packed import Text
from train.producers import spans, units
from train.producers.folder import UnitFolder
from train.producers.plans import Plan, Planned
from train.producers.spans import Span
from train.text_encoders.text_encoder import TextEncoder

Keys = tuple[str, str]  # what latents and what features are of
Known = Callable[[Keys], Shown | None]


@dataclass(frozen=True)
class _Ready:
    """What is shown at a place of a step, with its caption after dropout, and not its features."""

    step: int
    place: int
    shown: Shown
    caption: str
    keys: Keys


@dataclass(frozen=True)
class _Wanted:
    """What the plan asks for, and what of it was made before."""

    showing: Showing
    keys: Keys
    known: Shown | None


class Maker:
    """Makes the units of a plan; ``known`` gives latents and features that were made before.
    ``at_once`` are the captions that a frozen encoder is given together, at most; with more than 1
    nothing may be known, on which it would depend which they are.
    """

    def __init__(
        self,
        plan: Plan,
        text_encoder: TextEncoder,
        seed: int,
        known: Known = lambda keys: None,
        at_once: int = 1,
    ) -> None:
        self._plan, self._encoder, self._seed, self._known = plan, text_encoder, seed, known
        self._at_once = at_once
        self._learnt = features.is_learnt(text_encoder)

    def publish(self, span: Span, folder: UnitFolder) -> tuple[int, bool]:
        """Make a unit in a folder; how many samples it has, and whether it was not there yet.

        Raises ``OSError``, and as reading rows does.
        """
        entries, about = self.entries(span), self.about(span)
        is_first = folder.publish(span.name, lambda stream: units.write(stream, entries, about))
        return len(entries), is_first

    def entries(self, span: Span) -> list[dict[str, Any]]:
        """The entries of a unit, in the order of steps and places. Raises as reading rows does."""
        planned = self._plan.at(span.first)
        every: dict[int, list[_Wanted]] = {}
        for step, places in span.places.items():
            showings = planned.batches.planned(step)
            every[step] = [
                self._wanted(planned, step, each) for each in showings if each.place in places
            ]
        fresh = {
            step: {each.showing.place for each in wanted if each.known is None}
            for step, wanted in every.items()
        }
        fresh = {step: places for step, places in fresh.items() if places}
        ready: list[_Ready] = []
        for step, wanted in every.items():
            read = dict(planned.batches.some(step, fresh)) if step in fresh else {}
            for each in wanted:
                shown = each.known or read.get(each.showing.place)
                if shown:  # else its stream has no good image
                    ready.append(self._ready(step, each, shown))
        return [
            units.entry(each.step, each.place, shown, each.caption, each.keys)
            for each, shown in zip(ready, self._with_features(ready), strict=True)
        ]

    def _wanted(self, planned: Planned, step: int, showing: Showing) -> _Wanted:
        """Keys are made without reading the row: by its number and that of its caption."""
        stream, manner = showing.stream, planned.batches.manner(step)
        row = [planned.spans.identity, stream.source, showing.row]
        dropout = 0.0 if stream.task == "i2i" else manner.caption_dropout
        random = features.chance(self._seed, step, showing.place)
        choice: Any = showing.choice % max(1, int(stream.index.captions[showing.row].sum()))
        if stream.task == "i2i" or features.is_dropped(dropout, random):
            choice = "instruction" if stream.task == "i2i" else "dropped"
        sees = stream.task == "ti2i" and manner.sees_latents
        text = [*row, choice, looks(stream.task, manner)]
        keys = spans.digest([*row, sees]), spans.digest(text)
        known = self._known(keys)
        if known:
            known = replace(
                known,
                task=stream.task,
                caption_dropout=dropout,
                source=stream.source,
                planned=showing.row,
            )
        return _Wanted(showing, keys, known)

    def _ready(self, step: int, wanted: _Wanted, shown: Shown) -> _Ready:
        place = wanted.showing.place
        caption = features.caption(shown, features.chance(self._seed, step, place))
        return _Ready(step, place, shown, caption, wanted.keys)

    def _with_features(self, ready: Sequence[_Ready]) -> list[Shown]:
        """The samples with the features of their captions, unless the model makes these."""
        if self._learnt:
            return [each.shown for each in ready]
        encoded: dict[int, Text] = {}
        for numbers in together(ready, self._at_once):
            own = [ready[number] for number in numbers]
            captions, shown = [each.caption for each in own], [each.shown for each in own]
            if len(own) > 1:
                texts = self._encoder.encode(captions)
            else:
                texts = features.encode(self._encoder, captions, shown)
            encoded |= zip(numbers, texts, strict=True)
        return [replace(each.shown, features=encoded[number]) for number, each in enumerate(ready)]

    def about(self, span: Span) -> dict[str, Any]:
        """What is written into the unit of itself: the same whoever makes it."""
        steps = [span.first, span.last]
        encoders = dict(self._plan.encoders.fingerprints)
        return {"name": span.name, "steps": steps, "encoders": encoders}


def together(ready: Sequence[_Ready], at_once: int) -> list[list[int]]:
    """The numbers of those whose captions are encoded together: at most so many, of about the same
    length, so that little is padded. Who shows the encoder images is alone.
    """
    order = sorted(range(len(ready)), key=lambda number: len(ready[number].caption.encode()))
    plain = [number for number in order if not ready[number].shown.images]
    chunks = [plain[start : start + at_once] for start in range(0, len(plain), at_once)]
    return [*chunks, *([number] for number in order if ready[number].shown.images)]
