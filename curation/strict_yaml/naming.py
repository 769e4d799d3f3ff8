"""Names in messages: the valid ones, the nearest, and untrusted text cut to a length."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

_SHOWN = 80  # characters of untrusted text that a message repeats
_LISTED, _SOME, _NEAREST = 20, 5, 3  # names: listed whole up to; of more some, or the nearest


def expected_one_of(given: str, valid: Iterable[str], lists: str = "") -> str:
    """``expected one of a, b; did you mean 'b'?``; the hint only where something is near.

    Of many names only the nearest are told, or the first few; ``lists`` says what lists all.
    """
    names = sorted(valid)
    if len(names) <= _LISTED:
        return f"expected one of {', '.join(names)}{did_you_mean(given, names)}"
    near = [repr(name) for name in _near(given, names, _NEAREST)]
    said = " or ".join(filter(None, [", ".join(near[:-1]), *near[-1:]]))
    some = f"did you mean {said}?" if near else f"expected one of {', '.join(names[:_SOME])}, ...;"
    return f"{some} {len(names)} in all" + (f": {lists}" if lists else "")


def did_you_mean(given: str, valid: Iterable[str]) -> str:
    """``; did you mean 'b'?`` where one of the valid names is near, else nothing."""
    near = nearest(given, valid)
    return f"; did you mean {near!r}?" if near else ""


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """The valid name nearest to what was given, where one is near."""
    return next(iter(_near(given, valid, 1)), None)


def _near(given: str, valid: Iterable[str], most: int) -> list[str]:
    """The names nearest to what was given, the nearest first."""
    folded = {name.casefold(): name for name in valid}
    near = get_close_matches(given[:_SHOWN].casefold(), folded, n=most, cutoff=0.5)
    return [folded[name] for name in near]


def shown(text: str) -> str:
    """Untrusted text, quoted, escaped and cut for a message."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def described(value: object) -> str:
    """A value as a message says what it is: ``nothing``, ``the text 'no'``, ``a list``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, int | float):
        return str(value)
    return "a mapping" if isinstance(value, Mapping) else "a list"


def place_name(place: Sequence[int | str]) -> str:
    """``phases[1].sources[2].share``: positions in lists count from 0."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "".join(steps).removeprefix(".")
