"""The page on which people vote: two images without names, beside what they are edits of, four
answers, votes to download.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from curation.picture import contact_sheet

_SIDE, _QUALITY = 640, 90  # pixels: the longer side on the page; of JPEG


@dataclass(frozen=True)
class Shown:
    """A duel as its voters see it; ``inputs`` are what was to be edited."""

    id: str
    prompt: str
    left: Image.Image
    right: Image.Image
    inputs: Sequence[Image.Image] | None = None


def render(duels: Sequence[Shown]) -> str:
    """The page as HTML: all is inside, nothing is loaded, no model is named."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where it is needed

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [
        {
            "id": duel.id,
            "prompt": duel.prompt,
            "inputs": [_address(each) for each in duel.inputs or ()],
            "left": _address(duel.left),
            "right": _address(duel.right),
        }
        for duel in duels
    ]
    return environment.get_template("page.html").render(duels=shown)


def _address(image: Image.Image) -> str:
    stream = BytesIO()
    contact_sheet.fit(image, _SIDE).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"
