"""Names in messages: the valid ones, the nearest, and untrusted text cut to a length."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_SHOWN = 80  # characters of untrusted text that a message repeats


def expected_one_of(given: str, valid: Iterable[str]) -> str:
    """``expected one of a, b; did you mean 'b'?``; the hint only where something is near."""
    names = sorted(valid)
    return f"expected one of {', '.join(names)}{did_you_mean(given, names)}"


def did_you_mean(given: str, valid: Iterable[str]) -> str:
    """``; did you mean 'b'?`` where one of the valid names is near, else nothing."""
    folded = {name.casefold(): name for name in valid}
    near = get_close_matches(given[:_SHOWN].casefold(), folded, n=1, cutoff=0.5)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


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
