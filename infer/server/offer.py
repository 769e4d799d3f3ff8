"""What a checkpoint can be asked for, and what a request makes of it."""

import math
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from curation.picture import sizes
from infer import checkpoints
from infer.checkpoints import Defaults
from infer.engine import conditions
from infer.engine.conditions import INPAINT
from infer.server.asked import LARGEST_SEED, Asked, Following
from infer.server.fields import Fields
from infer.server.refusal import Refusal, wrong

MOST_IMAGES = 10  # of a request, as OpenAI has it
MOST_INPUTS = 3
LONGEST_PROMPT = 4000  # characters
MOST_GUIDANCE = 50.0
_LARGEST = 2**63 - 1
_MOST_SCALE = 10.0


@dataclass(frozen=True)
class Offer:
    """A checkpoint ``folder`` called ``name``; sizes are multiples of ``unit`` pixels, an image
    has at most ``pixels``, and takes at most ``steps``. ``controls`` are the kinds of conditions
    that its ControlNet follows.
    """

    name: str
    folder: Path
    unit: int
    usual: Defaults
    pixels: int = 4_194_304
    steps: int = 200
    controls: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path, pixels: int, steps: int, controlnet: str | None = None) -> "Offer":
        """Raises ``UsageError``."""
        usual = checkpoints.defaults(folder)
        checkpoints.schedule(folder)
        own = usual.width * usual.height
        unit = checkpoints.size_unit(folder)
        name, most = checkpoints.name(folder), (max(pixels, own), max(steps, usual.steps))
        controls = conditions.kinds(Path(controlnet)) if controlnet else ()
        return cls(name, folder, unit, usual, *most, controls)

    def wanted(
        self,
        fields: Fields,
        images: tuple[bytes, ...] = (),
        mask: bytes = b"",
        control_image: bytes = b"",
    ) -> "Wish":
        """What fields ask for. A mask is a hole to fill where there is a ControlNet for it, else
        where the result stays. Raises ``RefusalError``.
        """
        model = fields.text("model", self.name, 200)
        if model != self.name:
            message = f"there is no model {model[:60]!r}; this server has {self.name!r}"
            raise Refusal(404, "model_not_found", message, "model").error()
        prompt = fields.text("prompt", "", LONGEST_PROMPT)
        if not prompt.strip():
            raise wrong("prompt: expected a text", "prompt", "missing_required_parameter")
        usual = self.usual
        width, height = self._size(fields.text("size", "auto", 40), bool(images))
        seed = fields.integer("seed", 0, _LARGEST)
        steps = fields.integer("steps", 1, self.steps, "num_inference_steps")
        names = "true_cfg_scale", "guidance_scale"
        guidance = fields.number("guidance", 0, MOST_GUIDANCE, *names)
        fills = bool(mask) and INPAINT in self.controls
        control = self._control(fields, images[0] if fills else control_image, fills)
        asked = Asked(
            prompt,
            secrets.randbelow(LARGEST_SEED) if seed is None else seed,
            width,
            height,
            usual.steps if steps is None else steps,
            usual.guidance if guidance is None else guidance,
            fields.text("negative_prompt", "", LONGEST_PROMPT),
            () if fills else images,
            mask,
            control=control,
        )
        count = fields.integer("n", 1, MOST_IMAGES) or 1
        is_stream, enhances = fields.flag("stream"), fields.flag("enhance")
        _take_the_rest(fields)
        return Wish(asked, count, is_stream, self.beyond(asked), enhances)

    def beyond(self, asked: Asked) -> tuple[str, ...]:
        """What of it was never trained on, a sentence each."""
        usual = self.usual
        size = (asked.width or usual.width, asked.height or usual.height)
        is_edit = bool(asked.images)
        return tuple(checkpoints.beyond(self.folder, [asked.prompt], size, edits=is_edit))

    def _control(self, fields: Fields, image: bytes, fills: bool) -> Following | None:
        """What is to be followed, an ``image`` or around the hole that it ``fills``."""
        kind = INPAINT if fills else fields.text("control", "", 40)
        scale = fields.number("control_scale", 0, _MOST_SCALE, "controlnet_conditioning_scale")
        start = fields.number("control_start", 0, 1, "control_guidance_start")
        end = fields.number("control_end", 0, 1, "control_guidance_end")
        if not kind:
            if image or any(each is not None for each in (scale, start, end)):
                raise wrong(f"control: expected with it {self._kinds()}", "control")
            return None
        if not fills and (kind == INPAINT or kind not in self.controls):
            raise wrong(f"control is {kind!r}; expected {self._kinds()}", "control")
        if not image:
            raise wrong(f"control_image: expected a file with control={kind}", "control_image")
        span = 0.0 if start is None else start, 1.0 if end is None else end
        if span[0] > span[1]:
            message = f"control_start is {span[0]:g}; expected at most control_end, {span[1]:g}"
            raise wrong(message, "control_start")
        return Following(kind, 1.0 if scale is None else scale, *span, image)

    def _kinds(self) -> str:
        if INPAINT in self.controls:
            return "none: the ControlNet of this server fills masks at /v1/images/edits"
        return " or ".join(self.controls) or "none: this server has no ControlNet"

    def _size(self, text: str, is_edit: bool) -> tuple[int, int]:
        """(0, 0) where an image to edit decides."""
        if text == "auto":
            return (0, 0) if is_edit else (self.usual.width, self.usual.height)
        size = sizes.parse(text)
        if size is None:
            raise wrong(f"size is {text!r}; expected such as 1024x1024, or auto", "size")
        width, height = size
        if width * height > self.pixels:
            message = f"size {width}x{height}: {width * height:,} px; expected at most"
            raise wrong(f"{message} {self.pixels:,}", "size")
        try:
            checkpoints.check_size(width, height, self.unit)
        except UsageError as error:
            raise wrong(str(error), "size") from None
        return width, height

    def about(self) -> dict[str, Any]:
        """For the page: sizes of the nine ratios, what is usual, and what it was trained on."""
        usual, folder = self.usual, self.folder
        side = round(math.sqrt(usual.width * usual.height))
        listed = [(usual.width, usual.height)]
        for width, height in sizes.RATIOS:
            size = sizes.of_ratio(side, width / height, self.unit)
            listed += [size] if size not in listed else []
        trained = checkpoints.trained(folder)
        return {
            "model": self.name,
            "unit": self.unit,
            "pixels": self.pixels,
            "sizes": [f"{width}x{height}" for width, height in listed],
            "ratios": [f"{width}:{height}" for width, height in sizes.RATIOS],
            "controls": list(self.controls),
            "usual": {"steps": usual.steps, "guidance": usual.guidance},
            "most": {
                "steps": self.steps,
                "guidance": MOST_GUIDANCE,
                "images": MOST_IMAGES,
                "inputs": MOST_INPUTS,
                "prompt": LONGEST_PROMPT,
                "seed": LARGEST_SEED,
            },
            "notes": [each for each in (trained, checkpoints.unfinished(folder)) if each],
        }


@dataclass(frozen=True)
class Wish:
    """So many images as ``asked``, with what was never trained on; as a stream of events or not.
    ``enhances``: the prompt is to be written anew first.
    """

    asked: Asked
    count: int
    is_stream: bool
    warnings: tuple[str, ...]
    enhances: bool = False


def _take_the_rest(fields: Fields) -> None:
    """OpenAI's other fields. Raises ``RefusalError`` for what they ask for and is not there."""
    fields.only("response_format", ("b64_json",), "images are not kept at an address")
    fields.only("output_format", ("png",), "images are PNG")
    fields.only("quality", ("auto", "standard"), "use steps and guidance")
    fields.only("background", ("auto", "opaque"), "images are opaque")
    fields.only("moderation", ("auto",), "the server's owner decides")
    fields.ignore("user")
    fields.end()
