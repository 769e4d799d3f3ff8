"""Where in the image something is, in the words of a three by three grid."""

from collections.abc import Sequence

from synthesis.description import Words

LINE = 0.02  # of the image's height: texts nearer than that stand beside each other
Cell = tuple[int, int]  # row and column, each 0 to 2
_THIRDS = (1 / 3, 2 / 3)
PLACES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("at the top left", "at the top", "at the top right"),
        ("on the left", "in the centre", "on the right"),
        ("at the bottom left", "at the bottom", "at the bottom right"),
    ),
    "zh": (
        ("左上角", "上方", "右上角"),
        ("左侧", "中央", "右侧"),
        ("左下角", "下方", "右下角"),
    ),
}
ROWS = {
    "en": ("across the top", "across the middle", "across the bottom"),
    "zh": ("上部", "中部", "下部"),
}
COLUMNS = {
    "en": ("down the left side", "down the middle", "down the right side"),
    "zh": ("左半边", "中间", "右半边"),
}

BELOW = {"en": ("below it", "below them"), "zh": ("其下方", "其下方")}  # one text, several
BESIDE = {"en": "beside it", "zh": "其旁边"}


def cell(words: Words) -> Cell:
    """The cell of the grid the middle of the words is in."""
    row = sum(words.down >= bound for bound in _THIRDS)
    return row, sum(words.across >= bound for bound in _THIRDS)


def place(language: str, group: Sequence[Words]) -> str | None:
    """Where the words are: a cell, else the row or the column they share, else ``None``."""
    cells = [cell(words) for words in group]
    row, column = cells[0]
    one_row = all(other == row for other, _ in cells)
    one_column = all(other == column for _, other in cells)
    if one_row and one_column:
        return PLACES[language][row][column]
    if one_row:
        return ROWS[language][row]
    return COLUMNS[language][column] if one_column else None


def beside(language: str, before: Sequence[Words], words: Words) -> str | None:
    """Where the words stand to those before them; ``None`` where neither below nor beside."""
    last = before[-1]
    if cell(last) != cell(words):
        return None
    if words.down > last.down + LINE:
        return BELOW[language][len(before) > 1]
    is_level = len(before) == 1 and abs(words.down - last.down) <= LINE
    return BESIDE[language] if is_level else None
