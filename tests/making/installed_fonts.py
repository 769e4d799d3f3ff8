"""The faces that set-up installs (`.ci/system_packages`), by file: tests see these and no others.

What else a machine has would change what tests draw. Where a package is missing, as the optional
ones may be, its faces are, and the tests that need them skip.
"""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

_REGULAR_AND_BOLD = (
    "NotoKufiArabic",
    "NotoLoopedThai",
    "NotoNaskhArabic",
    "NotoSansArabic",
    "NotoSansDevanagari",
    "NotoSansDisplay",
    "NotoSansHebrew",
    "NotoSansThai",
    "NotoSerifDevanagari",
    "NotoSerifDisplay",
    "NotoSerifHebrew",
    "NotoSerifThai",
)
FILES: Mapping[str, tuple[str, ...]] = {
    "fonts-dejavu-core": (
        "DejaVuSans-Bold.ttf",
        "DejaVuSans.ttf",
        "DejaVuSansMono-Bold.ttf",
        "DejaVuSansMono.ttf",
        "DejaVuSerif-Bold.ttf",
        "DejaVuSerif.ttf",
    ),
    "fonts-wqy-microhei": ("wqy-microhei.ttc",),
    "fonts-noto-core": (
        *(f"{name}-{style}.ttf" for name in _REGULAR_AND_BOLD for style in ("Regular", "Bold")),
        "NotoSans-Bold.ttf",
        "NotoSans-BoldItalic.ttf",
        "NotoSans-Italic.ttf",
        "NotoSans-Regular.ttf",
        "NotoSansMath-Regular.ttf",
        "NotoSansSymbols-Regular.ttf",
        "NotoSansSymbols2-Regular.ttf",
        "NotoSerif-Bold.ttf",
        "NotoSerif-BoldItalic.ttf",
        "NotoSerif-Italic.ttf",
        "NotoSerif-Regular.ttf",
    ),
    "fonts-noto-cjk": (
        "NotoSansCJK-Bold.ttc",
        "NotoSansCJK-Regular.ttc",
        "NotoSerifCJK-Bold.ttc",
        "NotoSerifCJK-Regular.ttc",
    ),
    "fonts-noto-color-emoji": ("NotoColorEmoji.ttf",),
}
_PACKAGE_OF = {name: package for package, names in FILES.items() for name in names}
_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/faces</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


def show_only_these(folder: Path) -> None:
    """Let this process and those it starts see the faces that are installed of ``FILES`` alone.

    Fills ``folder``, which must last as long as they do.
    """
    (folder / "faces").mkdir()
    for path in sorted(_listed(), reverse=True):
        if path.name in _PACKAGE_OF:
            link = folder / "faces" / path.name
            link.unlink(missing_ok=True)
            link.symlink_to(path)
    configuration = folder / "fonts.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder))
    os.environ["FONTCONFIG_FILE"] = str(configuration)


def path_of(name: str) -> Path:
    """The file of one of ``FILES``; skips the test where its package is not installed."""
    package = _PACKAGE_OF[name]
    path = next((path for path in _shown() if path.name == name), None)
    if path is None:
        pytest.skip(f"{name} is not here: Debian package {package}")
    return path


@cache
def _shown() -> tuple[Path, ...]:
    return tuple(_listed())


def _listed() -> list[Path]:
    command = ["fc-list", "--format", "%{file}\n"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        return []
    return [Path(line) for line in told.splitlines()]
