"""Units made when they are needed, and kept on disk: training without producers.

What was encoded once is not encoded again while it is kept, in whichever order later epochs show
it; what was not used for longest goes first.
"""

import os
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from train.data.batches import Shown
from train.producers import folder
from train.producers.counters import Counters
from train.producers.folder import UnitFolder
from train.producers.making import Keys, Maker
from train.producers.spans import Span
from train.producers.units import Unit, UnitError

_Place = tuple[str, int, int]  # unit, step, place
_OPEN = 8  # units


class Known:
    """Latents and features in the units of a folder, by their keys: numbers alone in memory."""

    def __init__(self, units_of: UnitFolder) -> None:
        self._folder = units_of
        self._places: dict[bytes, _Place] = {}
        self._open: OrderedDict[str, Unit] = OrderedDict()
        for name in units_of.names():
            with suppress(UnitError, OSError):  # a damaged one is met again, and told, when read
                self.add(name)

    def add(self, name: str) -> None:
        """What a unit holds can be had from now on."""
        for row in self._unit(name):
            place = (name, row["step"], row["place"])
            for key in (row["latents_key"], row["text_key"]):
                self._places[bytes.fromhex(key)] = place

    def forget(self, names: Collection[str]) -> None:
        """Some units are gone."""
        if names:
            kept = {key: place for key, place in self._places.items() if place[0] not in names}
            self._places = kept
            for name in names:
                self._open.pop(name, None)

    def get(self, keys: Keys) -> Shown | None:
        """A sample of latents and a caption with its features, if both are there and good."""
        latents, text = (self._places.get(bytes.fromhex(key)) for key in keys)
        if latents is None or text is None:
            return None
        try:
            shown, said = (self._unit(each[0]).shown(*each[1:]) for each in (latents, text))
        except (UnitError, OSError):
            return None
        return replace(shown, caption=said.caption, features=said.features)

    def _unit(self, name: str) -> Unit:
        if name not in self._open:
            self._open[name] = Unit(self._folder.unit(name))
        self._open.move_to_end(name)
        while len(self._open) > _OPEN:
            self._open.popitem(last=False)
        return self._open[name]


class Cache:
    """A store that makes what is not there, with at most ``most`` bytes of units."""

    def __init__(
        self, units_of: UnitFolder, maker: Maker, known: Known, most: int, counters: Counters
    ) -> None:
        self._folder, self._maker, self._known = units_of, maker, known
        self._most, self._counters = most, counters

    def get(self, span: Span) -> Path:
        """The unit, made now if it is not there. Raises ``OSError``, and as reading rows does."""
        path = self._folder.unit(span.name)
        with suppress(FileNotFoundError):
            os.utime(path)
            return path
        self._maker.publish(span, self._folder)
        self._counters.count("units_made")
        self._known.add(span.name)
        self._known.forget(folder.remove_oldest(self._folder, self._most, [span.name]))
        return path

    def remove(self, span: Span) -> None:
        """Take away a unit that is damaged."""
        self._folder.discard(span.name)
        self._known.forget([span.name])

    def tell_position(self, run: str, step: int) -> None:
        """Nobody else wants to know."""
