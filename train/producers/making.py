"""Making what a unit holds: rows are read, images and captions encoded, each alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from train.data import features
from train.data.batches import Showing, Shown, looks
from train.producers import spans, units
from train.producers.folder import UnitFolder
from train.producers.plans import Plan, Planned
from train.producers.spans import Span
from train.text_encoders.text_encoder import TextEncoder

Keys = tuple[str, str]  # what latents and what features are of
Known = Callable[[Keys], Shown | None]


@dataclass(frozen=True)
class _Wanted:
    """What the plan asks for, and what of it was made before."""

    showing: Showing
    keys: Keys
    known: Shown | None


class Maker:
    """Makes the units of a plan; ``known`` gives latents and features that were made before."""

    def __init__(
        self,
        plan: Plan,
        text_encoder: TextEncoder,
        seed: int,
        known: Known = lambda keys: None,
    ) -> None:
        self._plan, self._encoder, self._seed, self._known = plan, text_encoder, seed, known
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
        made: list[dict[str, Any]] = []
        for step, wanted in every.items():
            read = dict(planned.batches.some(step, fresh)) if step in fresh else {}
            for each in wanted:
                shown = each.known or read.get(each.showing.place)
                if shown:  # else its stream has no good image
                    made.append(self._entry(step, each, shown))
        return made

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

    def _entry(self, step: int, wanted: _Wanted, shown: Shown) -> dict[str, Any]:
        place = wanted.showing.place
        caption = features.caption(shown, features.chance(self._seed, step, place))
        if not self._learnt:
            (text,) = features.encode(self._encoder, [caption], [shown])
            shown = replace(shown, features=text)
        return units.entry(step, place, shown, caption, wanted.keys)

    def about(self, span: Span) -> dict[str, Any]:
        """What is written into the unit of itself: the same whoever makes it."""
        steps = [span.first, span.last]
        encoders = dict(self._plan.encoders.fingerprints)
        return {"name": span.name, "steps": steps, "encoders": encoders}
