"""Colours by name, and how well two of them can be told apart.

Contrast is the WCAG 2.2 contrast ratio, (L1 + 0.05) / (L2 + 0.05) with L the relative luminance,
1 (none) to 21 (black on white).
"""

from dataclasses import dataclass

RGB = tuple[int, int, int]
STRINGS_CONTRAST = 3.0  # WCAG 2.2, 1.4.3, large text: the least contrast of style "strings"
PARAGRAPH_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, body text: the least contrast of style "paragraph"


@dataclass(frozen=True)
class Colour:
    """A named colour: sRGB 0..255 and its name as captions say it."""

    english: str
    chinese: str
    rgb: RGB

    def name(self, language: str) -> str:
        """The colour's name in ``en`` or ``zh``."""
        return self.chinese if language == "zh" else self.english


def _linear(value: int) -> float:
    scaled = value / 255
    return scaled / 12.92 if scaled <= 0.04045 else float(((scaled + 0.055) / 1.055) ** 2.4)


def relative_luminance(rgb: RGB) -> float:
    """WCAG relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = map(_linear, rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_ratio(one: RGB, other: RGB) -> float:
    """WCAG contrast ratio of two colours, 1 to 21, whichever is the lighter."""
    lighter, darker = sorted((relative_luminance(one), relative_luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


WHITE = Colour("white", "白色", (255, 255, 255))
STRINGS_INKS = (
    Colour("red", "红色", (204, 24, 32)),
    Colour("green", "绿色", (0, 128, 48)),
    Colour("blue", "蓝色", (24, 72, 208)),
    Colour("black", "黑色", (16, 16, 16)),
    Colour("orange", "橙色", (224, 108, 0)),
    Colour("purple", "紫色", (128, 32, 160)),
)
