"""What is seen of images, clean ones and ones with a hidden face."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.hidden_faces import sources
from benchmarks.hidden_faces.sources import Image
from curation.signals.hidden_faces import Place, PlaceFinder

NEAR = 0.5  # of a face's width: the middle of a place at it is no further away


@dataclass(frozen=True)
class Look:
    """An image and its places. Of a clean one ``how`` is empty; of one with a hidden face it is how
    that is hidden, ``strength`` how strongly; ``width`` is the face's and ``middle`` is where it
    is, in pixels.
    """

    name: str
    group: str
    places: Sequence[Place]
    how: str = ""
    strength: float = 0.0
    width: float = 0.0
    middle: tuple[float, float] = (0.0, 0.0)

    def at_face(self, place: Place) -> bool:
        """Whether a place is where the face is hidden, and of its size."""
        apart = (abs(of - at) for of, at in zip(place.head.middle, self.middle, strict=True))
        return max(apart) < NEAR * self.width and 0.5 < place.head.width / self.width < 2


def looks(images: Iterable[Image], seed: int) -> Iterator[Look]:
    """Of each image, and of it with each of its faces hidden in each way and strength."""
    finder = PlaceFinder()
    for image in images:
        yield Look(image.name, image.group, list(finder(image.rgb)))
        for made in sources.made(image, seed):
            left, top, right, bottom = made.box
            middle, width = ((left + right) / 2, (top + bottom) / 2), right - left
            places = list(finder(made.rgb))
            yield Look(image.name, image.group, places, made.how, made.strength, width, middle)
