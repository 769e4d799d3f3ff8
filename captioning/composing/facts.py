"""All that is known of an image before a word of its caption is chosen."""

from dataclasses import dataclass, field
from typing import Literal

from captioning.composing.legible import Text
from captioning.composing.looks import Looks
from captioning.composing.subject import Noun

Shape = Literal["wide", "tall", "square"]
Code = Literal["QR code", "barcode", "machine-readable code"]


@dataclass(frozen=True)
class Facts:
    """Its looks and shape, what it shows (``subject``), what it says, its codes (``codes`` of one
    sort, ``code``) and the texts of its watermarks.
    """

    looks: Looks = field(default_factory=Looks)
    shape: Shape = "square"
    subject: Noun | None = None
    text: Text = field(default_factory=Text)
    code: Code = "machine-readable code"
    codes: int = 0
    watermarks: tuple[str, ...] = ()
