"""Facts of an image as an English caption: a phrase, a sentence, or a few."""

from collections.abc import Mapping, Sequence

from captioning.composing.facts import Facts
from captioning.composing.legible import Place

NOUNS = {"photograph": "photo", "graphic": "graphic", "image": "image"}
_PLACES: Mapping[Place, str] = {
    "top": "at the top",
    "middle": "in the middle",
    "bottom": "at the bottom",
}


class English:
    """Wordings of the facts; ``wording`` is any number from 0."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._looks = facts, facts.looks

    def phrase(self, wording: int) -> str:
        """The medium with one thing that is known, without a full stop."""
        if self._facts.subject:
            return _upper(self._medium() + self._of())
        said = (self._ground(), self._areas(), self._code(), self._text())
        details = [f"with {of}" for of in said if of] + [of for of in (self._colours(),) if of]
        details = details or [self._shape()]
        return _upper(f"{self._medium()} {details[wording % len(details)]}")

    def sentence(self, wording: int) -> str:
        """All in one, in two wordings."""
        parts = [part for part in (self._ground(), self._code(), self._text()) if part]
        return f"{_upper(self._head(parts, wording))}."

    def sentences(self, wording: int) -> str:
        """What it shows and its colours, then one for each thing more that is known."""
        says = self._sentences()
        return " ".join([f"{_upper(self._head([], wording, is_alone=not says))}.", *says])

    def _head(self, parts: Sequence[str], wording: int, *, is_alone: bool = True) -> str:
        """Medium, colours and subject with the ``parts``; the shape where there is nothing else."""
        subject, colours, areas = self._facts.subject, self._colours(), self._areas()
        if subject and wording % 2:
            inner = f" {colours}" if colours else ""
            parts = [areas, *parts] if areas else parts
            rest = f" with {_and(parts)}" if parts else ""
            return f"{subject.english} in {self._medium()}{inner}{rest}"
        of = self._of()
        if of and areas:  # else they were areas of what is shown
            colours, areas = f"with {areas}", ""
        if colours:
            colours = f", {colours}," if of else f" {colours}"
        parts = [areas, *parts] if areas else parts
        rest = f" with {_and(parts)}" if parts else ""
        if is_alone and not (colours or of or rest):
            rest = f" {self._shape()}"
        return f"{self._medium()}{colours}{of}{rest}"

    def _medium(self) -> str:
        noun = NOUNS[self._looks.medium]
        if self._looks.is_grey:
            return f"a black-and-white {noun}"
        return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"

    def _of(self) -> str:
        return f" of {self._facts.subject.english}" if self._facts.subject else ""

    def _shape(self) -> str:
        return f"in a {self._facts.shape} format"

    def _ground(self) -> str:
        ground = self._looks.ground
        return f"a plain {ground.english} background" if ground else ""

    def _colours(self) -> str:
        is_said = self._palette() and self._looks.are_main
        return f"mostly in {self._palette()}" if is_said else ""

    def _areas(self) -> str:
        is_said = self._palette() and not self._looks.are_main
        return f"areas of {self._palette()}" if is_said else ""

    def _palette(self) -> str:
        """Nothing where the ground or the greyness says it."""
        if self._looks.is_grey or self._looks.ground:
            return ""
        return _and([of.english for of in self._looks.colours])

    def _text(self) -> str:
        text = self._facts.text
        if not text.lines:
            return ""
        lines = _and([f'"{line}"' for line in text.lines])
        where = f" {_PLACES[text.place]}" if text.place else ""
        if text.is_all:
            return f"the text {lines}{where}"
        return f"text{where} that includes {lines}"

    def _code(self) -> str:
        if not self._facts.codes:
            return ""
        return f"a {self._facts.code}" if self._facts.codes == 1 else f"{self._facts.code}s"

    def _sentences(self) -> list[str]:
        said = []
        if self._looks.ground:
            said.append(f"The background is plain {self._looks.ground.english}.")
        if self._facts.text.lines:
            said.append(self._says())
        if self._facts.codes:
            verb = "is" if self._facts.codes == 1 else "are"
            said.append(f"{_upper(self._code())} {verb} in it.")
        if self._facts.watermarks:
            said.append("A watermark is laid over it.")
        return said

    def _says(self) -> str:
        text = self._facts.text
        lines = _and([f'"{line}"' for line in text.lines])
        if not text.is_all:
            return f"The text{f' {_PLACES[text.place]}' if text.place else ''} includes {lines}."
        return f"{_upper(f'{_PLACES[text.place]} it') if text.place else 'It'} says {lines}."


def _and(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
