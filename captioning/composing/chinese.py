"""Facts of an image as a Chinese caption: a phrase, a sentence, or a few."""

from collections.abc import Mapping, Sequence

from captioning.composing.facts import Code, Facts, Shape
from captioning.composing.legible import Place

NOUNS = {"photograph": "照片", "graphic": "图形", "image": "图像"}
_PLACES: Mapping[Place, str] = {"top": "上方", "middle": "中间", "bottom": "下方"}
_SHAPES: Mapping[Shape, str] = {"wide": "横版", "tall": "竖版", "square": "方形"}
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
        """The medium with one thing that is known, without a full stop."""
        details = self._details()
        if self._facts.subject or not details:
            return self._medium()
        return f"{self._medium()}，{details[wording % len(details)]}"

    def sentence(self, wording: int) -> str:
        """All in one, in two orders."""
        return "，".join([self._medium(), *self._details()[:: -1 if wording % 2 else 1]]) + "。"

    def sentences(self, wording: int) -> str:
        """One for each thing that is known, in two orders."""
        details = [*self._details(), *(["叠有水印"] if self._facts.watermarks else [])]
        details = details[:: -1 if wording % 2 else 1]
        return "".join(f"{part}。" for part in [self._medium(), *details])

    def _medium(self) -> str:
        """With the subject, without a number: how many there are nobody has counted."""
        looks, subject = self._looks, self._facts.subject
        counted = "一张" if looks.medium == "photograph" else "一幅"
        of = f"{subject.chinese_bare}的" if subject else self._mostly("以{}为主的")
        shape = "" if of or self._details() else _SHAPES[self._facts.shape]
        return f"{counted}{of}{'黑白' if looks.is_grey else ''}{shape}{NOUNS[looks.medium]}"

    def _mostly(self, template: str) -> str:
        """The main colours, where neither ground nor greyness says them."""
        looks = self._looks
        if looks.is_grey or looks.ground or not (looks.colours and looks.are_main):
            return ""
        return template.format(_joined([of.chinese for of in looks.colours]))

    def _details(self) -> list[str]:
        ground, colours = self._looks.ground, self._looks.colours
        said = [self._text()] if self._facts.text.lines else []
        if self._facts.codes:
            count = "一" if self._facts.codes == 1 else "几"
            said.append(f"印有{count}个{_CODES[self._facts.code]}")
        if ground is not None:
            said.append(f"背景是单一的{ground.chinese}")
        elif self._facts.subject and (mostly := self._mostly("以{}为主")):
            said.append(mostly)
        elif colours and not self._looks.is_grey and not self._looks.are_main:
            said.append(f"有{_joined([of.chinese for of in colours])}的部分")
        return said

    def _text(self) -> str:
        place = self._facts.text.place
        where = _PLACES[place] if place else ""
        if self._facts.text.is_all:
            says = f"{where}有文字" if where else "写有文字"  # that it is all, nobody knows
        else:
            says = f"{where}的文字包括" if where else "文字包括"
        return f"{says}{_listed(self._facts.text.lines)}"


def _joined(parts: Sequence[str]) -> str:
    return "和".join(["、".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _listed(lines: Sequence[str]) -> str:
    return "".join(f"“{line}”" for line in lines)
