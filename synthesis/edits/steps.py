"""A step from one scene to the next: painted twice, it is an edit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from synthesis.edits import masks
from synthesis.edits.edit import Change, Edit, Mask
from synthesis.fonts.face import Extents
from synthesis.raster import Pixels
from synthesis.sample import TextBox


class Scene(Protocol):
    """What can be painted, and knows its boxes."""

    @property
    def pixels(self) -> Pixels:
        """The pixels, (H, W, 4) uint8 RGBA, painted once."""

    def boxes(self) -> tuple[TextBox, ...]:
        """The boxes of all texts, in reading order."""

    def font(self) -> str:
        """The PostScript name of the face with the most glyphs."""


SceneT = TypeVar("SceneT", bound=Scene)


@dataclass(frozen=True)
class Step(Generic[SceneT]):
    """A scene before and after a change.

    ``areas`` (left, top, right, bottom in pixels) are what the change names, or the ``mask`` says
    where the two may differ; without both it is the ground, wherever it shows.
    """

    before: SceneT
    after: SceneT
    change: Change
    areas: Sequence[Extents] = ()
    mask: Mask | None = None


def painted(step: Step[SceneT]) -> Edit:
    """The step as an edit.

    Raises ``UnrenderableError`` where nothing changes, or anything beside what is named.
    """
    source, target = step.before.pixels, step.after.pixels
    height, width = target.shape[:2]
    if step.mask is not None:
        mask = step.mask
    elif step.areas:
        mask = masks.of_areas(step.areas, (height, width))
    else:
        mask = masks.of_ground(source, target)
    masks.check(source, target, mask)
    return Edit(
        source,
        target,
        mask,
        step.before.boxes(),
        step.after.boxes(),
        step.change,
        step.after.font(),
    )
