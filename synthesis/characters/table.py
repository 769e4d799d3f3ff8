"""The 8,105 characters of the Table of General Standard Chinese Characters (2013), by level.

Level 1 (3,500) is for everyday use, level 2 (3,000) for publishing, level 3 (1,605) for names of
people and places and for science.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

DATA = Path(__file__).with_name("tgh.txt")


@cache
def levels() -> tuple[str, str, str]:
    """The characters of levels 1, 2 and 3, each in the table's order."""
    lines = DATA.read_text(encoding="utf-8").splitlines()
    first, second, third = (line for line in lines if not line.startswith("#"))
    return first, second, third


@cache
def level_of() -> Mapping[str, int]:
    """The level (1, 2 or 3) of each character."""
    return {character: level for level, line in enumerate(levels(), start=1) for character in line}


@cache
def gb2312() -> str:
    """The 6,763 hanzi of GB 2312 (rows 16 to 87), from Python's codec."""
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 88) for cell in range(1, 95))
    return "".join(cell.decode("gb2312", errors="ignore") for cell in cells)
