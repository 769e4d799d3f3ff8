"""Colours of an image by what they are for, and the ink that can be read on what is under it."""

from dataclasses import dataclass, field
from functools import lru_cache

from curation.picture.colours import RGB, contrast_ratio, relative_luminance
from synthesis.template.models import Palette

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, body text
LEAST_CONTRAST_LARGE = 3.0  # WCAG 2.2, 1.4.3, large text
_WHITE, _BLACK = (255, 255, 255), (17, 17, 17)
_SHARES = {"soft": 0.14, "softer": 0.07, "line": 0.16}


def from_hex(text: str) -> RGB:
    """sRGB of ``#rrggbb``."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mixed(colour: RGB, other: RGB, share: float) -> RGB:
    """``share`` of ``colour`` and the rest of ``other``."""
    red, green, blue = (
        round(a * share + b * (1 - share)) for a, b in zip(colour, other, strict=True)
    )
    return red, green, blue


@dataclass(frozen=True)
class Colours:
    """A palette as sRGB, and the colours mixed from it."""

    roles: dict[str, RGB] = field(hash=False)

    @classmethod
    def of(cls, palette: Palette) -> "Colours":
        """The palette's own roles and those mixed from them."""
        own = {name: from_hex(value) for name, value in palette.model_dump().items()}
        ends = sorted((own["background"], own["text"], own["primary"]), key=relative_luminance)
        own |= {"white": _WHITE, "black": _BLACK, "dark": ends[0], "light": ends[-1]}
        own["deep"] = mixed(own["primary"], _BLACK, 0.78)
        return cls(own)

    @property
    def is_dark(self) -> bool:
        """Whether the background is dark."""
        return relative_luminance(self.roles["background"]) < 0.18

    def of_role(self, role: str, ground: RGB, index: int = 0) -> RGB:
        """The colour of a role on ``ground``; ``index`` tells the members of a series apart."""
        if role.startswith("#"):
            return from_hex(role)
        if role == "series":
            return self.series()[index % 6]
        if role in _SHARES:
            return mixed(self.roles["text" if role == "line" else "primary"], ground, _SHARES[role])
        return self.roles[role]

    def series(self) -> tuple[RGB, ...]:
        """Six colours that can be told apart, for charts."""
        primary, accent, ground = (self.roles[role] for role in ("primary", "accent", "background"))
        return (
            primary,
            accent,
            mixed(primary, accent, 0.5),
            mixed(primary, ground, 0.55),
            mixed(accent, ground, 0.55),
            self.roles["muted"],
        )

    def ink(self, role: str, grounds: tuple[RGB, ...], least: float, index: int = 0) -> RGB:
        """The role's colour where it can be read on all the grounds, else the best that can."""
        wanted = self.of_role(role, grounds[0], index)
        if least_contrast(wanted, grounds) >= least:
            return wanted
        others = [self.roles[role] for role in ("text", "background", "dark", "light")]
        readable = [
            colour
            for colour in others
            if least_contrast(colour, grounds) >= max(least, LEAST_CONTRAST)
        ]
        if readable:
            return readable[0]
        return max((_WHITE, _BLACK), key=lambda colour: least_contrast(colour, grounds))


@lru_cache(maxsize=1 << 13)
def least_contrast(ink: RGB, grounds: tuple[RGB, ...]) -> float:
    """The least WCAG contrast of the ink with any of the grounds."""
    return min(contrast_ratio(ink, ground) for ground in grounds)
