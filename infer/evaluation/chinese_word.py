"""Chinese characters: an image of each of the 8,105 of the Table of General Standard Chinese
Characters, or of a sample of each level. Is it the right one?

The prompts are ours: those of ChineseWord (Qwen-Image's report) are not published. Read by
``--reader``, and by a second one that knows these characters alone: the nearest glyph template.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness.glyphs import Glyphs
from synthesis.characters import table

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

TEMPLATES = (
    'A sheet of white paper with the Chinese character "{}", large and black, in the middle.',
    'A blackboard on which the Chinese character "{}" is written large in white chalk.',
    'A plain red background with one large golden Chinese character: "{}".',
    'A blue sign that shows only the Chinese character "{}" in white.',
    "一张白纸，正中只写着一个大大的黑色汉字“{}”。",
    "黑板上用白色粉笔写着一个大字“{}”，没有其他文字。",
    "纯红色背景，中间是一个金色的大字“{}”。",
    "蓝色的牌子上只有一个白色的汉字“{}”。",
)
NEAREST = "nearest glyph template"
_PAGE = 256  # pixels: of a perfect image
_DESIGN = "design"  # in the ``info`` of perfect images: of the face, whose templates are left out


class ChineseWord(Benchmark):
    """Shares of characters that are right, by level and weighted by how many each level has."""

    reads = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        """Raises ``UsageError`` where the system has no Chinese font."""
        super().__init__(checkpoint, data)
        self._glyphs = Glyphs("".join(table.levels()))

    @property
    def facts(self) -> Mapping[str, Any]:
        """The fonts of the templates; those of a design are left out where it is read itself."""
        faces = [f"{face.family} {face.style}" for face in self._glyphs.faces]
        return {"templates": self._glyphs.digest, "fonts": faces, "prompts": list(TEMPLATES)}

    def requests(self) -> Sequence[Request]:
        """One for each character; the prompts take turns."""
        return [
            Request(
                id=f"{level}-{ord(character):05x}",
                prompt=TEMPLATES[number % len(TEMPLATES)].format(character),
                group=f"level {level}",
                texts=(character,),
            )
            for level, characters in enumerate(table.levels(), 1)
            for number, character in enumerate(characters)
        ]

    def perfect(self, request: Request) -> "Image.Image | None":
        """A page of the character in the fonts of the templates by turns; the second reader is
        asked without that design, as it does not know a model's own.
        """
        rendered = self._glyphs.render(request.texts[0], _PAGE)
        if rendered is None:
            return None
        image, design = rendered
        image.info[_DESIGN] = design
        return image

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Right is the character and nothing beside it; by templates the nearest."""
        read = "".join(seen.text.split())
        boxes = [line.box for line in seen.lines if line.box]
        without = seen.image.info.get(_DESIGN, "")
        nearest = "" if seen.is_missing else self._glyphs.read(seen.image, boxes, without)
        wanted = request.texts[0]
        values = {"read": read == wanted, "nearest": nearest == wanted}
        score = sum(values.values()) / 2
        return Measured(score, f"{read} / {nearest}", {**values, "glyphs": self._glyphs.digest})

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """For each reader the levels, and all of them."""
        glyphs = next((row.values["glyphs"] for row in rows), "")
        return [
            *_figures(rows, "{}", lambda row: bool(row.values["read"]), None),
            *_figures(
                rows, f"{{}} ({NEAREST} {glyphs})", lambda row: bool(row.values["nearest"]), ()
            ),
        ]


def _figures(
    rows: Sequence[Row], name: str, right: Callable[[Row], bool], by: tuple[str, ...] | None
) -> "list[Metric]":
    from infer.harness import metrics

    sizes = np.array([len(characters) for characters in table.levels()], np.float64)
    groups = [f"level {level}" for level in range(1, len(sizes) + 1)]

    def terms(row: Row) -> metrics.Floats:
        own = np.zeros((len(groups), 2))
        own[groups.index(row.group)] = float(right(row)), 1.0
        return own.ravel()

    def overall(sums: metrics.Floats) -> metrics.Floats:
        rates = metrics.ratio(sums.reshape(*sums.shape[:-1], len(groups), 2))
        return np.asarray(rates @ (sizes / sizes.sum()))

    levels = [
        metrics.share(name.format(group), [row for row in rows if row.group == group], right, by=by)
        for group in groups
    ]
    return [
        *levels,
        metrics.formula(name.format("overall"), rows, terms, overall, by_group=True, by=by),
    ]
