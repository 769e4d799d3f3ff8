"""The page on which people vote: two images without names, four answers, votes to download."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image

from curation.picture import contact_sheet

_SIDE, _QUALITY = 640, 90  # pixels: the longer side on the page; of JPEG


def render(duels: Sequence[tuple[str, str, Image.Image, Image.Image]]) -> str:
    """HTML of (id, prompt, left, right): all is inside, nothing is loaded, no model is named."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # only where it is needed

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = [
        {"id": name, "prompt": prompt, "left": _address(left), "right": _address(right)}
        for name, prompt, left, right in duels
    ]
    return environment.get_template("page.html").render(duels=shown)


def _address(image: Image.Image) -> str:
    stream = BytesIO()
    contact_sheet.fit(image, _SIDE).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(stream.getvalue()).decode()}"
