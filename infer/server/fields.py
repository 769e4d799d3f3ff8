"""The fields of a request, from JSON or a form: each is checked, and no other may be there."""

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from infer.server.refusal import wrong

_INTEGER = re.compile(r"-?\d{1,19}", re.ASCII)
_SHOWN = 40  # characters of what was given


class Fields:
    """Fields by name; in a form all are text. What is null is not there."""

    def __init__(self, given: Mapping[str, Any], *, is_form: bool = False) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}
        self._is_form = is_form
        self._known: set[str] = set()

    def text(self, name: str, usual: str, most: int) -> str:
        """At most so many characters, none of which is a control character but tab and newline."""
        value = self._take(name)
        if value is None:
            return usual
        if not isinstance(value, str):
            self._wrong(name, value, "text")
        if len(value) > most:
            raise wrong(f"{name}: {len(value):,} characters; expected at most {most:,}", name)
        for character in value:
            is_control = unicodedata.category(character) in ("Cc", "Cs")
            if is_control and character not in "\t\n\r":
                code = f"U+{ord(character):04X}"
                raise wrong(f"{name}: holds {code}, which is no character of a text", name)
        return value

    def integer(self, name: str, low: int, high: int, *others: str) -> int | None:
        """Within bounds; under its name or any of ``others``."""
        value = self._take(name, *others)
        if self._is_form and isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._wrong(name, value, f"an integer from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float, *others: str) -> float | None:
        """The same of a finite number."""
        value = self._take(name, *others)
        if self._is_form and isinstance(value, str):
            value = _number(value)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            self._wrong(name, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false, which is the default."""
        value = self._take(name)
        if self._is_form and value in ("true", "false"):
            value = value == "true"
        if value is None:
            return False
        if not isinstance(value, bool):
            self._wrong(name, value, "true or false")
        return value

    def only(self, name: str, allowed: Iterable[str], why: str) -> None:
        """A field of OpenAI's that is taken where it asks for what is done anyway."""
        value = self._take(name)
        if value is not None and value not in tuple(allowed):
            self._wrong(name, value, f"{' or '.join(allowed)}: {why}")

    def ignore(self, *names: str) -> None:
        """Fields of OpenAI's that say nothing about the image."""
        self._known.update(names)

    def end(self) -> None:
        """Raises ``RefusalError`` where a field is left."""
        if left := sorted(self._given.keys() - self._known):
            name = left[0][:_SHOWN]
            known = ", ".join(sorted(self._known))
            message = f"unknown field {name!r}; known are {known}"
            raise wrong(message, name, "unknown_parameter")

    def _take(self, name: str, *others: str) -> Any:
        names = [each for each in (name, *others) if each in self._given]
        self._known.update((name, *others))
        if len(names) > 1:
            raise wrong(f"{' and '.join(names)}: expected one of them", name)
        return self._given[names[0]] if names else None

    def _wrong(self, name: str, value: Any, expected: str) -> NoReturn:
        is_large = isinstance(value, int) and abs(value) > 10**15
        shown = f"{float(min(value, 10**300)):.6g}" if is_large else repr(value)
        raise wrong(f"{name} is {shown[:_SHOWN]}; expected {expected}", name)


def of_json(data: bytes) -> dict[str, Any]:
    """The object in a body. Raises ``RefusalError``."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise ValueError("a field is there twice")
        return dict(pairs)

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        content = json.loads(data, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        message = f"the body is not JSON: {str(error)[:200]}"
        raise wrong(message, code="invalid_json") from None
    if not isinstance(content, dict):
        raise wrong("the body is JSON, but no object", code="invalid_json")
    return content


def _number(text: str) -> float | str:
    """What ``text`` says, if it is a finite number."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text
