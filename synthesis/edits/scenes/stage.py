"""A scene as edits find it and leave it: what it shows now, and all that it takes to go on."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from curation.picture.colours import RGB
from synthesis.edits.scenes import studio
from synthesis.edits.scenes.studio import Photo, Shot, Studio, Text
from synthesis.edits.steps import Scene
from synthesis.job import Job
from synthesis.raster import Pixels
from synthesis.sample import TextBox
from synthesis.scene import inscribed, legibility
from synthesis.scene.geometry import Surface
from synthesis.scene.inscribed import Blank
from synthesis.scene.media import all_media
from synthesis.scene.medium import Medium
from synthesis.unrenderable import UnrenderableError

_SPARE = 0.7  # of the strokes of the first text: as thin may be those of texts in its place


@dataclass(frozen=True)
class Stage(Scene):
    """A text on a sheet in a place that is photographed again and again by one camera, which keeps
    ``sharp`` so many pixels. ``drawn`` is the step whose random numbers made the sheet.
    """

    studio: Studio
    text: Text
    shot: Shot
    sharp: float
    drawn: str = "sheet"

    @cached_property
    def photo(self) -> Photo:
        """The photograph. Raises ``UnrenderableError`` where the text cannot be read."""
        return studio.photograph(self.studio, self.shot, self.sharp)

    @property
    def pixels(self) -> Pixels:
        """(H, W, 4) of the photograph."""
        return studio.opaque(self.photo.image)

    def boxes(self) -> tuple[TextBox, ...]:
        """The boxes of the text in the image."""
        return self.shot.boxes

    def font(self) -> str:
        """The PostScript name of the face of the text."""
        return self.text.block.faces[0].postscript

    @property
    def medium(self) -> Medium:
        """What the text stands on."""
        return self.studio.blank.medium

    @property
    def paint(self) -> RGB:
        """The colour that the text is laid in."""
        return self.shot.text.paint

    @property
    def surface(self) -> Surface:
        """The sheet in the image."""
        return self.shot.text.surface

    def rewritten(self, here: Studio, text: Text) -> "Stage":
        """Another text, set as ``here``, in the same ink."""
        shot = studio.shoot(here, text, self.surface, self.paint, before=self.shot)
        return replace(self, studio=here, text=text, shot=shot)

    def painted(self, paint: RGB) -> "Stage":
        """The text in another ink."""
        shot = studio.shoot(self.studio, self.text, self.surface, paint, before=self.shot)
        return replace(self, shot=shot)

    def unwritten(self) -> "Stage":
        """The sheet without the text."""
        seen = self.text, self.surface, self.paint
        shot = studio.shoot(self.studio, *seen, written=False, before=self.shot)
        return replace(self, shot=shot)

    def on(self, blank: Blank, drawn: str | None = None) -> "Stage":
        """The text in its ink on another sheet, or before other surroundings."""
        here = replace(self.studio, blank=blank)
        bent = Surface(self.surface.matrix, blank.sheet.bend)
        written, before = self.shot.written, self.shot
        shot = studio.shoot(here, self.text, bent, self.paint, written=written, before=before)
        return replace(self, studio=here, shot=shot, drawn=drawn or self.drawn)

    def with_room(self, text: Text) -> "Stage":
        """The same scene where another text is in sight, too, else one that is nearly the same."""
        here = self.studio
        with suppress(UnrenderableError):
            seen = text.block, text.flat, here.job.language, here.canvas
            inscribed.in_sight(self.surface, *seen)
            return self
        shot = studio.shoot(here, self.text, here.surface([self.text, text]), self.paint)
        return replace(self, shot=shot)


def begin(
    random: Random,
    job: Job,
    media: Callable[[Medium], bool] = lambda medium: True,
    suits: Callable[[str], bool] = lambda text: True,
    *,
    curved: bool = False,
    ruled: bool = True,
    paths: Sequence[str] = (),
) -> Stage:
    """A text of the job that ``suits`` on one of the ``media``, before an image at ``paths`` where
    there are any; ``curved`` and ``ruled`` as ``studio.set_up`` has them.

    Raises ``UnrenderableError``.
    """
    suited = [medium for medium in all_media() if media(medium)]
    here, paragraph = studio.set_up(random, job, suited, suits, curved=curved, ruled=ruled)
    text = here.text(paragraph.text)
    shot = studio.shoot(here, text, here.surface([text]), paths=tuple(paths))
    stem = legibility.stem(shot.coverage)
    legibility.check_stem(stem)
    return Stage(here, text, shot, _SPARE * stem)
