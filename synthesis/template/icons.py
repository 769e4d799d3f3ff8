"""Small pictograms on a square of 24 by 24, drawn with strokes and simple fills."""

import math
import re
from collections.abc import Callable
from random import Random

import skia

from curation.picture.colours import RGB
from synthesis.template.boxes import Box

_GRID = 24.0
_STROKE = 1.9
Draw = Callable[[skia.Canvas, skia.Paint, skia.Paint], None]
_PATHS = {  # SVG path data of our own: strokes unless the name ends in "!"
    "check": "M5 13 L10 18 L19 7",
    "cross": "M6 6 L18 18 M18 6 L6 18",
    "plus": "M12 5 V19 M5 12 H19",
    "back": "M15 5 L8 12 L15 19",
    "next": "M9 5 L16 12 L9 19",
    "arrow": "M4 12 H20 M14 6 L20 12 L14 18",
    "menu": "M4 7 H20 M4 12 H20 M4 17 H20",
    "search": "M10.5 4.5 A6 6 0 1 1 10.49 4.5 Z M15 15 L20 20",
    "home": "M4 11 L12 4 L20 11 M6 10 V20 H18 V10 M10 20 V14 H14 V20",
    "user": "M12 4 A4 4 0 1 1 11.99 4 Z M4.5 20.5 C5 15.5 8 14 12 14 C16 14 19 15.5 19.5 20.5",
    "bell": "M6 17 V11 C6 7 8.5 5 12 5 C15.5 5 18 7 18 11 V17 Z M4 17 H20 M10.5 20 H13.5",
    "chat": "M4 5 H20 V16 H11 L7 20 V16 H4 Z",
    "mail": "M3.5 6 H20.5 V18 H3.5 Z M3.5 7 L12 13.5 L20.5 7",
    "clock": "M12 3.5 A8.5 8.5 0 1 1 11.99 3.5 Z M12 7.5 V12 L15.5 14",
    "calendar": "M4 6 H20 V20 H4 Z M4 10.5 H20 M8.5 3.5 V7.5 M15.5 3.5 V7.5",
    "pin": "M12 21 C7 15.5 5.5 12.8 5.5 10 A6.5 6.5 0 0 1 18.5 10 C18.5 12.8 17 15.5 12 21 Z "
    "M12 7.8 A2.2 2.2 0 1 1 11.99 7.8 Z",
    "phone": "M7 3.5 H17 V20.5 H7 Z M10.5 17.5 H13.5",
    "lock": "M5.5 11 H18.5 V20.5 H5.5 Z M8 11 V8 A4 4 0 0 1 16 8 V11",
    "cart": "M3 5 H6 L8.5 15.5 H18 L20.5 8 H7 M9.5 19.5 H9.6 M17 19.5 H17.1",
    "book": "M12 6.5 C9.5 5 6.5 4.8 4 5.5 V18.5 C6.5 17.8 9.5 18 12 19.5 C14.5 18 17.5 17.8 "
    "20 18.5 "
    "V5.5 C17.5 4.8 14.5 5 12 6.5 Z M12 6.5 V19.5",
    "leaf": "M5 19 C4 10 10 4.5 20 4.5 C20 14.5 14.5 20 6.5 17.5 M5 19 L13 11",
    "flame": "M12 3.5 C13 8 17.5 9.5 17.5 14.5 A5.5 5.5 0 0 1 6.5 14.5 C6.5 12 8 11 8.5 9 C10 "
    "10 10.5 11 "
    "10.5 12 C12 10 12.5 7 12 3.5 Z",
    "drop": "M12 3.5 C15.5 8.5 18 11.5 18 14.8 A6 6 0 0 1 6 14.8 C6 11.5 8.5 8.5 12 3.5 Z",
    "bolt!": "M13 3 L5.5 13.5 H11 L10 21 L18.5 10 H12.5 Z",
    "heart!": "M12 20 C5 14.5 3.5 11.5 3.5 8.8 A4.4 4.4 0 0 1 12 7.3 A4.4 4.4 0 0 1 20.5 8.8 "
    "C20.5 11.5 19 14.5 12 20 Z",
    "play!": "M8 5 L19 12 L8 19 Z",
    "pause": "M9 6 V18 M15 6 V18",
    "camera": "M4 8 H8 L9.5 5.5 H14.5 L16 8 H20 V19 H4 Z M12 10 A3.4 3.4 0 1 1 11.99 10 Z",
    "music": "M9 17.5 V6 L19 4 V15.5 M6.6 15.2 A2.4 2.4 0 1 1 6.59 15.2 Z "
    "M16.6 13.2 A2.4 2.4 0 1 1 16.59 13.2 Z",
    "cup": "M5 8 H16 V14 A4.5 4.5 0 0 1 11.5 18.5 H9.5 A4.5 4.5 0 0 1 5 14 Z M16 9.5 H18 "
    "A2.3 2.3 0 0 1 "
    "18 14.5 H16 M4 21 H17",
    "train": "M7 4 H17 V16 H7 Z M7 10.5 H17 M9.5 16 L7 20.5 M14.5 16 L17 20.5 M10 13.2 H10.1 "
    "M14 13.2 H14.1",
    "plane": "M3 13 L21 5 L14.5 20 L11.5 14 Z M11.5 14 L21 5",
    "bus": "M5 5 H19 V17 H5 Z M5 11 H19 M8 17 V19.5 M16 17 V19.5 M8.5 14 H8.6 M15.5 14 H15.6",
    "bicycle": "M6.5 12.5 A3.8 3.8 0 1 1 6.49 12.5 Z M17.5 12.5 A3.8 3.8 0 1 1 17.49 12.5 Z "
    "M6.5 16.3 "
    "L10 9 H15.5 L17.5 16.3 M10 9 L12.5 16 L15.5 9 M14.5 6.5 H16",
    "sun": "M12 8 A4 4 0 1 1 11.99 8 Z M12 2.8 V4.6 M12 19.4 V21.2 M2.8 12 H4.6 M19.4 12 "
    "H21.2 M5.5 5.5 "
    "L6.8 6.8 M17.2 17.2 L18.5 18.5 M18.5 5.5 L17.2 6.8 M6.8 17.2 L5.5 18.5",
    "cloud": "M7 18.5 A4 4 0 0 1 7 10.5 A5.2 5.2 0 0 1 17 10 A4.2 4.2 0 0 1 17.3 18.5 Z",
    "rain": "M7 14.5 A3.6 3.6 0 0 1 7 7.5 A5 5 0 0 1 16.8 7 A3.8 3.8 0 0 1 17 14.5 Z M8.5 "
    "17.5 L7.5 20.5 "
    "M12.5 17.5 L11.5 20.5 M16.5 17.5 L15.5 20.5",
    "gear": "M12 8.5 A3.5 3.5 0 1 1 11.99 8.5 Z M12 3 V6 M12 18 V21 M3 12 H6 M18 12 H21 M5.6 "
    "5.6 L7.8 7.8 "
    "M16.2 16.2 L18.4 18.4 M18.4 5.6 L16.2 7.8 M7.8 16.2 L5.6 18.4",
    "globe": "M12 3.5 A8.5 8.5 0 1 1 11.99 3.5 Z M3.5 12 H20.5 M12 3.5 C7 8 7 16 12 20.5 C17 "
    "16 17 8 12 3.5",
    "chart": "M4 20 H20 M7 20 V13 M12 20 V6 M17 20 V10",
    "file": "M6 3.5 H14 L18.5 8 V20.5 H6 Z M14 3.5 V8 H18.5 M9 13 H15.5 M9 16.5 H15.5",
    "folder": "M3.5 6 H9.5 L11.5 8.5 H20.5 V19 H3.5 Z",
    "gift": "M4 9 H20 V13 H4 Z M5.5 13 V20.5 H18.5 V13 M12 9 V20.5 M12 9 C9 3.5 5.5 6 12 9 "
    "C15 3.5 18.5 6 12 9",
    "bulb": "M9 17 C9 14.5 6 13 6 9.5 A6 6 0 0 1 18 9.5 C18 13 15 14.5 15 17 Z M9.5 20.5 H14.5",
    "wifi": "M3.5 9.5 C8.5 5 15.5 5 20.5 9.5 M6.5 13 C10 10 14 10 17.5 13 M9.5 16.5 C11 15.2 "
    "13 15.2 14.5 "
    "16.5 M12 19.8 H12.1",
    "share": "M12 15 V4 M7.5 8 L12 3.5 L16.5 8 M6 12 V20.5 H18 V12",
    "wallet": "M4 7 H19 V19.5 H4 Z M4 7 L16 4 V7 M15 13 H19",
    "info": "M12 3.5 A8.5 8.5 0 1 1 11.99 3.5 Z M12 11 V16.5 M12 7.6 H12.1",
    "warning": "M12 4 L21 19.5 H3 Z M12 10 V14.5 M12 17 H12.1",
    "mountain": "M3 19 L9.5 7 L14 15 L16.5 11 L21 19 Z",
    "door": "M7 3.5 H17 V20.5 H7 Z M4 20.5 H20 M14 12 H14.1",
    "toilet": "M8 5 H8.1 M16 5 H16.1 M8 8.5 V20 M5.5 12 H10.5 M16 8.5 V14 M16 14 L14 20 M16 14 "
    "L18 20",
    "stairs": "M4 19 H8.5 V14.5 H13 V10 H17.5 V5.5 H21",
    "tag": "M4 4 H12 L20.5 12.5 L12.5 20.5 L4 12 Z M8 8 H8.1",
}  # fmt: skip
NAMES = tuple(sorted(name.removesuffix("!") for name in _PATHS))
_parsed: dict[str, tuple[skia.Path, bool]] = {}


def star(x: float, y: float, radius: float) -> skia.Path:
    """A five-pointed star around (x, y)."""
    path = skia.Path()
    for number in range(10):
        reach = radius if number % 2 == 0 else radius * 0.44
        angle = math.pi * number / 5 - math.pi / 2
        point = (x + reach * math.cos(angle), y + reach * math.sin(angle))
        path.lineTo(*point) if number else path.moveTo(*point)
    path.close()
    return path


def chosen(seed: int, name: str) -> str:
    """Which pictogram a seed means: that of the name, or any one for the empty name."""
    return name or Random(seed).choice(_PLAIN)


def bounds(name: str, box: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what ``draw`` paints, in pixels."""
    path, filled = _path(name)
    rect = path.computeTightBounds()
    reach = 0.0 if filled else _STROKE / 2
    rect.outset(reach, reach)
    side = min(box.width, box.height)
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    edges = (rect.left(), rect.top(), rect.right(), rect.bottom())
    x0, y0, x1, y1 = (edge * side / _GRID for edge in edges)
    return left + x0, top + y0, left + x1, top + y1


def draw(canvas: skia.Canvas, name: str, box: Box, ink: RGB) -> None:
    """The pictogram ``name`` as large as the box allows."""
    path, filled = _path(name)
    side = min(box.width, box.height)
    canvas.save()
    canvas.translate(box.left + (box.width - side) / 2, box.top + (box.height - side) / 2)
    canvas.scale(side / _GRID, side / _GRID)
    paint = skia.Paint(Color=skia.Color(*ink), AntiAlias=True)
    if not filled:
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(_STROKE)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
    canvas.drawPath(path, paint)
    canvas.restore()


_PLAIN = (
    *("home", "user", "bell", "chat", "mail", "clock", "calendar", "pin", "book", "leaf", "bulb"),
    *("camera", "music", "cup", "globe", "chart", "file", "gift", "heart", "bolt", "gear"),
    *("share", "tag", "sun"),
)


def _path(name: str) -> tuple[skia.Path, bool]:
    if name not in _parsed:
        filled = f"{name}!" in _PATHS
        data = _PATHS[f"{name}!" if filled else name]
        _parsed[name] = (_of_data(data), filled)
    return _parsed[name]


def _of_data(data: str) -> skia.Path:
    """The path of SVG path data with absolute M, L, H, V, C, A and Z."""
    path = skia.Path()
    at = (0.0, 0.0)
    for command, numbers in re.findall(r"([MLHVCAZ])([^MLHVCAZ]*)", data):
        values = [float(number) for number in numbers.split()]
        step = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "A": 7}.get(command, 1)
        for place in range(0, len(values), step):
            some = values[place : place + step]
            at = (
                (some[0], at[1])
                if command == "H"
                else (at[0], some[0])
                if command == "V"
                else (some[-2], some[-1])
            )
            if command == "M":
                path.moveTo(*at)
            elif command == "C":
                path.cubicTo(*some)
            elif command == "A":
                large = skia.Path.kLarge_ArcSize if some[3] else skia.Path.kSmall_ArcSize
                turn = skia.PathDirection.kCW if some[4] else skia.PathDirection.kCCW
                path.arcTo(some[0], some[1], some[2], large, turn, *at)
            else:
                path.lineTo(*at)
        if command == "Z":
            path.close()
    return path
