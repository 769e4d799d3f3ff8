"""What a worker does with what was asked: images to edit read, generated, looked at, signed.

Shapes: H W pixels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer import generating
from infer.engine import conditions
from infer.engine.conditions import INPAINT, Condition
from infer.engine.request import Request
from infer.prompts import Prompt
from infer.provenance import marks
from infer.server.asked import Asked, Following

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from infer.inputs import Inputs

Pixels = NDArray[np.uint8]
Watch = Callable[[int, int], None]
_HALF = 0.5  # of a pixel in the mask: it is to be filled


class Generator(Protocol):
    """What of ``infer.engine.engine.Engine`` is used."""

    @property
    def folder(self) -> Path:
        """Of the checkpoint."""

    @property
    def unit(self) -> int:
        """Sides are multiples of so many pixels."""

    def check(self, request: Request) -> None:
        """Raise ``UsageError`` for what cannot be generated."""

    def generate(
        self, requests: Sequence[Request], at_once: int = 1, watch: Watch | None = None
    ) -> Iterator[Image.Image]:
        """The images, in order."""


class FlaggedError(Exception):
    """The output check does not let an image through."""


@dataclass(frozen=True)
class Prepared:
    """A request that can be generated, with the ``facts`` of its image alone; ``base`` (H, W, 3) is
    what stays outside of ``inside`` (H, W, 1), 0 to 1.
    """

    request: Request
    facts: Mapping[str, Any] = field(default_factory=dict)
    base: Pixels | None = None
    inside: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Studio:
    """A generator, the key that signs its images, and the probability that an image is sexual,
    which may not be above ``most``; None where outputs are not checked. ``facts`` are of every
    image; the folder ``controlnet`` is named in those of images that follow something.
    """

    generator: Generator
    key: "Ed25519PrivateKey"
    sexual: Callable[[Pixels], float] | None = None
    most: float = 0.5
    facts: Mapping[str, Any] = field(default_factory=dict)
    controlnet: Path | None = None

    def prepare(self, asked: Asked) -> Prepared:
        """Raises ``UsageError``, whose sentence is for who asked."""
        request, base, inside = asked.request(), None, None
        named = [(f"image {number}", data) for number, data in enumerate(asked.images, 1)]
        control = asked.control
        if control and control.kind == INPAINT:
            named = [("image", control.image)]
        if named:
            given = self.seen(named)
            if not asked.width:
                request = request.sized(*given.size)
            if asked.images:
                request = replace(request, inputs=given)
            if asked.mask:
                base, inside = self._kept(asked.mask, *named[-1], request)
        if control:
            request = replace(request, condition=_condition(control, request, base, inside))
        self.generator.check(request)
        return Prepared(request, _facts(asked, request, self.controlnet), base, inside)

    def seen(self, named: Sequence[tuple[str, bytes]]) -> "Inputs":
        """Files, each with its name in sentences, as the checkpoint sees images to edit."""
        from infer import inputs

        given = inputs.of_bytes(named, self.generator.folder, self.generator.unit)
        assert given is not None
        return given

    def _kept(
        self, mask: bytes, name: str, image: bytes, request: Request
    ) -> tuple[Pixels, NDArray[np.float32]]:
        """What stays outside of a mask, and its inside."""
        from infer import inputs

        where = self.generator.folder, self.generator.unit
        size = request.settings.width, request.settings.height
        base = inputs.under(name, image, *where, size)
        cut = inputs.under("mask", as_image(mask, image), *where, size)
        return base, cut[:, :, :1].astype(np.float32) / np.float32(255)

    def images(self, batch: Sequence[Prepared], watch: Watch) -> Iterator[Image.Image]:
        """RGB, in order, all in one pass of the network a step; what ``watch`` raises ends it."""
        requests = [each.request for each in batch]
        for each, image in zip(
            batch, self.generator.generate(requests, len(requests), watch), strict=True
        ):
            yield _composed(image, each)

    def finished(self, image: Image.Image, prepared: Prepared) -> bytes:
        """A signed PNG. Raises ``FlaggedError``."""
        if self.sexual and self.sexual(np.asarray(image)) > self.most:
            raise FlaggedError
        request = prepared.request
        prompt = Prompt(request.prompt, request.seed)
        facts: dict[str, Any] = generating.facts_of(prompt, request.settings, self.generator.folder)
        return marks.signed(image, {**facts, **prepared.facts, **self.facts}, self.key)


def _condition(
    control: Following,
    request: Request,
    base: Pixels | None,
    inside: NDArray[np.float32] | None,
) -> Condition:
    """What an image of a request follows: ``base`` with a hole ``inside``, or what is made of its
    own file.
    """
    span = control.scale, control.start, control.end
    if base is not None and inside is not None:
        return Condition(base, inside[:, :, 0] >= _HALF, *span)
    size = request.settings.width, request.settings.height
    pixels = conditions.of_bytes(control.kind, control.image, "control_image", size)
    return Condition(pixels, None, *span)


def _facts(asked: Asked, request: Request, controlnet: Path | None) -> dict[str, str]:
    facts = {"prompt_given": asked.given, "enhanced_by": asked.writer} if asked.given else {}
    if asked.images:
        kept = ", outside of the mask unchanged" if asked.mask else ""
        facts["inputs"] = f"{len(asked.images)} given{kept}"
    if asked.control and request.condition:
        facts["control"] = asked.control.kind
        facts |= generating.following_of(request.condition, controlnet)
    if asked.control and asked.mask:
        facts["inputs"] = "1 given, outside of the mask unchanged"
    return facts


def as_image(mask: bytes, image: bytes) -> bytes:
    """A PNG that is white where the mask is transparent, else black, to be cut as the image is."""
    try:
        header, clear = decoding.read_header(image), decoding.transparency(mask)
    except PictureError as error:
        raise UsageError(f"mask: {error.reason}: {error.detail}") from error
    if clear is None or not clear.any():
        raise UsageError("mask: has no transparent pixels; those say where to edit")
    if clear.shape != (header.height, header.width):
        raise UsageError(
            f"mask: {clear.shape[1]}x{clear.shape[0]} px; expected those of the image,"
            f" {header.width}x{header.height}"
        )
    stream = BytesIO()
    Image.fromarray(clear).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def _composed(image: Image.Image, prepared: Prepared) -> Image.Image:
    """The image inside of the mask, what was given outside of it."""
    if prepared.base is None or prepared.inside is None:
        return image
    mixed = np.asarray(image) * prepared.inside + prepared.base * (1 - prepared.inside)
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))
