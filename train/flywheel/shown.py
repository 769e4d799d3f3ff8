"""Images and numbers as the page shows them."""

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image

from curation.picture import contact_sheet, decoding
from curation.picture.decoding import PictureError
from train.figures import interval

SIDE = 160  # pixels: the longer side of an image on the page
_SMALL = 80  # one that is smaller than this is enlarged by whole pixels


def address(path: str) -> str:
    """An image inside an address, as PNG; empty where it is none, or there is none."""
    if not path:
        return ""
    try:
        rgb = decoding.decode(Path(path).read_bytes()).rgb
    except (OSError, PictureError):
        return ""
    image = contact_sheet.fit(Image.fromarray(rgb), SIDE)
    by = max(1, _SMALL // max(image.size))
    if by > 1:
        image = image.resize((image.width * by, image.height * by), Image.Resampling.NEAREST)
    stream = BytesIO()
    image.save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def percent(right: int, of: int) -> str:
    """A share in percent with its 95 % interval."""
    low, high = interval(right, of)
    return f"{100 * right / max(1, of):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
