"""Facts of an image as a Chinese caption: a phrase, a sentence, or a few."""

from collections.abc import Mapping, Sequence

from captioning.composing.facts import Code, Facts, Shape
from captioning.composing.legible import Place

NOUNS = {"photograph": "照片", "graphic": "图形", "image": "图像"}
_PLACES: Mapping[Place, str] = {"top": "上方", "middle": "中部", "bottom": "下方"}
_SHAPES: Mapping[Shape, str] = {"wide": "横幅", "tall": "竖幅", "square": "方形"}
_CODES: Mapping[Code, str] = {
    "QR code": "二维码",
    "barcode": "条形码",
    "machine-readable code": "机器可读码",
}


class Chinese:
    """Wordings of the facts; ``wording`` is any number from 0."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._looks = facts, facts.looks

    def phrase(self, wording: int) -> str:
        """The medium with the first that is known, without a full stop."""
        if self._facts.subject:
            return self._medium(f"{self._facts.subject.chinese_bare}的")
        details = self._details() or [self._shape()]
        return f"{self._medium()}，{details[wording % len(details)]}"

    def sentence(self, wording: int) -> str:
        """All in one."""
        details = self._details() or ([] if self._facts.subject else [self._shape()])
        return "，".join([self._opening(wording), *details]) + "。"

    def sentences(self, wording: int) -> str:
        """One for each thing that is known."""
        details = self._details()
        if self._facts.watermarks:
            details.append("画面上叠有水印")
        if not details and not self._facts.subject:
            details = [self._shape()]
        return "".join(f"{part}。" for part in [self._opening(wording), *details])

    def _opening(self, wording: int) -> str:
        subject, noun = self._facts.subject, NOUNS[self._looks.medium]
        if subject is None:
            return f"这是{self._medium()}"
        grey = "黑白" if self._looks.is_grey else ""
        several = (
            f"{grey}{noun}中有{subject.chinese}",
            f"这是{self._medium(f'{subject.chinese_bare}的')}",
            f"{grey}{noun}里可以看到{subject.chinese_bare}",
        )
        return several[wording % len(several)]

    def _medium(self, of: str = "") -> str:
        noun = NOUNS[self._looks.medium]
        counted = "一张" if self._looks.medium == "photograph" else "一幅"
        return f"{counted}{of}{'黑白' if self._looks.is_grey else ''}{noun}"

    def _shape(self) -> str:
        return f"{_SHAPES[self._facts.shape]}画面"

    def _details(self) -> list[str]:
        ground, colours = self._looks.ground, self._looks.colours
        said = [self._text()] if self._facts.text.lines else []
        if self._facts.codes:
            named, count = _CODES[self._facts.code], "一" if self._facts.codes == 1 else "多"
            said.append(f"画面中有{count}个{named}")
        if ground is not None:
            said.append(f"背景是单一的{ground.chinese}")
        elif colours and not self._looks.is_grey:
            names = _joined([of.chinese for of in colours])
            said.append(f"画面以{names}为主" if self._looks.are_main else f"画面中有{names}")
        return said

    def _text(self) -> str:
        place = self._facts.text.place
        where = f"画面{_PLACES[place]}" if place else "画面中"
        says = "写有文字" if self._facts.text.is_all else "的文字包括"
        return f"{where}{says}{_listed(self._facts.text.lines)}"


def _joined(parts: Sequence[str]) -> str:
    return "和".join(["、".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _listed(lines: Sequence[str]) -> str:
    return "".join(f"“{line}”" for line in lines)
