"""One image that was asked for, as server and worker hand it on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from infer.engine.request import Request, Settings
from infer.prompts import image_seed

LARGEST_SEED = 2**53 - 1  # what a number in JavaScript still tells apart


@dataclass(frozen=True)
class Following:
    """What an image is to follow, as a ``Condition`` of the engine: of which ``kind``, made of the
    file ``image``.
    """

    kind: str
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0
    image: bytes = b""


@dataclass(frozen=True)
class Asked:
    """``width`` and ``height`` in pixels, 0 for those of the last image to edit; ``images`` are
    files to edit and ``mask`` one whose transparent pixels say where, empty for everywhere.
    ``given`` and ``writer`` are as of a ``Prompt``. Where ``control`` fills holes, the image is
    its own, and the ``mask`` says where.
    """

    prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    negative: str = ""
    images: tuple[bytes, ...] = ()
    mask: bytes = b""
    given: str = ""
    writer: str = ""
    control: Following | None = None

    def several(self, count: int) -> "list[Asked]":
        """As many, each with a seed of its own that makes it again alone."""
        others = [image_seed(self.seed, number) & LARGEST_SEED for number in range(1, count)]
        return [replace(self, seed=seed) for seed in (self.seed, *others)]

    def cost(self, usual: int) -> int:
        """How many pixels the network has to look at in a step; ``usual`` are those of an image
        whose size is not known.
        """
        own = self.width * self.height or usual
        seen = 1 + len(self.images) + (self.control is not None)
        return own * seen * (2 if self.guidance > 1 else 1)

    def plain(self) -> tuple[dict[str, Any], list[bytes]]:
        """As a head and blobs of a frame; ``files`` in the head counts these."""
        following = replace(self.control, image=b"") if self.control else None
        head = asdict(replace(self, images=(), mask=b"", control=following))
        del head["images"], head["mask"]
        blobs = [*self.images, *([self.mask] if self.mask else [])]
        if self.control:
            del head["control"]["image"]
            blobs.append(self.control.image)
        return {**head, "has_mask": bool(self.mask), "files": len(blobs)}, blobs

    @classmethod
    def of_plain(cls, head: dict[str, Any], blobs: Sequence[bytes]) -> "Asked":
        """From what ``plain`` gave."""
        own, left = dict(head), list(blobs)
        del own["files"]
        if own["control"]:
            own["control"] = Following(**own["control"], image=left.pop())
        mask = left.pop() if own.pop("has_mask") else b""
        return cls(**own, images=tuple(left), mask=mask)

    def request(self) -> Request:
        """For the engine, without images to edit."""
        settings = Settings(self.width, self.height, self.steps, self.guidance, self.negative)
        return Request(self.prompt, self.seed, settings)
