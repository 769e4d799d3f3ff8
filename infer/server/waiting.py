"""Images that wait for a worker, in the order in which they were asked for.

A batch begins with the image that waits longest, so that none starves; others join it in their
order, with as many steps, up to what one pass may hold.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from infer.server.asked import Asked
from infer.server.refusal import Refusal

TRIES = 2  # an image whose worker ended is tried so often


@dataclass(frozen=True)
class Made:
    """A signed PNG, with what it was made from."""

    png: bytes
    seed: int
    size: tuple[int, int]


@dataclass(eq=False)
class Wanted:
    """An image that somebody waits for; ``cost`` is in pixels, ``watch`` is called with steps."""

    asked: Asked
    cost: int
    watch: Callable[[int, int], None] = lambda _step, _of: None
    answer: "asyncio.Future[Made]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    tries: int = 0
    alone: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it is answered, or nobody waits for it."""
        return self.answer.done()

    def give(self, made: Made) -> None:
        """Answer it; a second answer is dropped."""
        if not self.is_over:
            self.answer.set_result(made)

    def refuse(self, refusal: Refusal) -> None:
        """Answer that there is no image."""
        if not self.is_over:
            self.answer.set_exception(refusal.error())
            self.answer.exception()  # taken note of, should nobody wait any more


class Waiting:
    """At most ``most`` images and about ``most_pixels`` in all."""

    def __init__(self, most: int, most_pixels: int) -> None:
        self._most, self._most_pixels = most, most_pixels
        self._listed: list[Wanted] = []

    def __len__(self) -> int:
        return len(self._listed)

    @property
    def pixels(self) -> int:
        """What all that wait cost."""
        return sum(each.cost for each in self._listed)

    def has_room(self, wanted: Iterable[Wanted]) -> bool:
        """Whether so many more may wait; what fits into an empty queue by count always may then."""
        costs = [each.cost for each in wanted]
        fits = self.pixels + sum(costs) <= self._most_pixels or not self._listed
        return fits and len(self) + len(costs) <= self._most

    def add(self, wanted: Iterable[Wanted]) -> None:
        """At the end."""
        self._listed += wanted

    def again(self, wanted: Iterable[Wanted]) -> None:
        """Back to the front."""
        self._listed[:0] = wanted

    def forget(self) -> None:
        """Leave out those that nobody waits for."""
        self._listed = [each for each in self._listed if not each.is_over]

    def take(self, most: int, most_cost: int) -> list[Wanted]:
        """The next batch, of at most so many images and that cost; the first may cost more."""
        self.forget()
        batch: list[Wanted] = []
        left = most_cost
        for each in self._listed:
            if batch and (each.alone or each.asked.steps != batch[0].asked.steps):
                continue
            if batch and each.cost > left:
                continue
            batch.append(each)
            left -= each.cost
            if each.alone or len(batch) == most:
                break
        self._listed = [each for each in self._listed if each not in batch]
        return batch

    def refuse(self, refusal: Refusal) -> None:
        """All of them."""
        for each in self._listed:
            each.refuse(refusal)
        self._listed = []


def plain(batch: Iterable[Wanted]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """Heads and blobs of a frame."""
    heads, blobs = [], list[bytes]()
    for each in batch:
        head, own = each.asked.plain()
        heads.append(head)
        blobs += own
    return heads, blobs
