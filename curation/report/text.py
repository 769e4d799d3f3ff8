"""Strangers' strings and our numbers, made fit to be shown.

Escaping is jinja2's (autoescape). This module takes out what escaping leaves in: control
characters, bidirectional overrides that make a name read backwards, lone surrogates, and length.
"""

import math
import re
from typing import Any

from curation.progress import three_digits

REPLACEMENT = "\ufffd"
NAME_LENGTH = 80
_SPACE = re.compile(r"[\t\n\v\f\r \u00a0\u2028\u2029]+")
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(value: str) -> str:
    """The string with every control, direction-changing or lone surrogate character as U+FFFD."""
    return _HOSTILE.sub(REPLACEMENT, value)


def decode(value: bytes | None) -> str | None:
    """Stored UTF-8, tolerating what was never valid (a lone surrogate stays one)."""
    if value is None:
        return None
    try:
        return value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return value.decode("utf-8", "replace")


def name(value: str | None, limit: int = NAME_LENGTH) -> str:
    """A key or path on one line, shortened in its MIDDLE: the end tells files apart."""
    if value is None:
        return "(none)"
    half = limit // 2
    if len(value) > limit:
        value = f"{value[: limit - half - 1]}…{value[-half:]}"
    return clean(_SPACE.sub(" ", value)) or "(empty)"


def prose(value: str | None, limit: int = 160) -> str:
    """A caption or message on one line, shortened at its END."""
    line = _SPACE.sub(" ", (value or "")[: 4 * limit]).strip()
    shortened = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return clean(shortened)


def count(number: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{number:,}"


def share(part: int, total: int) -> str:
    """A percentage that never rounds something to nothing nor nearly all to all."""
    if total == 0 or part == 0:
        return "0 %"
    percent = 100 * part / total
    if percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent >= 99.95 else f"{percent:.1f} %"


def size(number: float) -> str:
    """Bytes in decimal units (1 kB = 1000 bytes), exact below 10 kB, where bounds are small."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(number) >= 0.9995 * factor and abs(number) >= 1e4:
            return f"{three_digits(number / factor)} {unit}"
    return f"{number:,.0f} B"


def seconds(number: float) -> str:
    """A duration: seconds below a minute, else minutes or hours with seconds or minutes."""
    if number < 59.95:
        return f"{number:.2f} s" if number < 9.995 else f"{number:.1f} s"
    rounded = round(number)
    if rounded < 3600:
        return f"{rounded // 60} min {rounded % 60:02d} s"
    return f"{rounded // 3600} h {rounded % 3600 // 60:02d} min"


def figure(number: float | None, unit: str = "") -> str:
    """A measured value with four significant digits; bytes in kB, MB, GB."""
    if number is None:
        return "not measured"
    if unit.startswith("byte"):
        return size(number)
    return _significant(number)


def _significant(number: float) -> str:
    if not math.isfinite(number):
        return str(number)
    if float(number).is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    if abs(number) < 1e-4:
        return f"{number:.2e}"
    return f"{number:.4g}"


def yaml_lines(value: Any, room: int = 600) -> list[str]:
    """A configuration as indented lines, at most ``room`` of them, long scalars shortened."""
    lines = _yaml(value, "", 0)
    return lines if len(lines) <= room else [*lines[:room], "…"]


def _yaml(value: Any, indent: str, depth: int) -> list[str]:
    if depth > 12:
        return [f"{indent}…"]
    if isinstance(value, dict):
        entries = [(f"{indent}{name(str(key))}:", child) for key, child in value.items()]
    elif isinstance(value, list):
        entries = [(f"{indent}-", child) for child in value]
    else:
        return [indent + _scalar(value)]
    lines: list[str] = []
    for head, child in entries:
        inline = _inline(child)
        if inline is None:
            lines += [head, *_yaml(child, indent + "  ", depth + 1)]
        else:
            lines.append(f"{head} {inline}")
    return lines


def _inline(value: Any) -> str | None:
    """A scalar, or a short flat list or mapping, on one line."""
    if not isinstance(value, dict | list):
        return _scalar(value)
    children = list(value.values()) if isinstance(value, dict) else value
    if len(children) > 4 or any(isinstance(child, dict | list) for child in children):
        return None
    if isinstance(value, list):
        return f"[{', '.join(_scalar(child) for child in value)}]"
    pairs = ", ".join(f"{name(str(key))}: {_scalar(child)}" for key, child in value.items())
    return f"{{{pairs}}}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return prose(value, 300) if isinstance(value, str) else name(str(value))
