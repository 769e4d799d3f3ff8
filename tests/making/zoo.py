"""A zoo of picture files made by code: broken ones, and odd ones that are nevertheless whole.

For every test that needs strange files; ``broken_pictures`` and ``odd_pictures`` also say what is
expected of each. Needs Pillow and numpy only.
"""

from making.broken_pictures import broken
from making.odd_pictures import odd


def zoo() -> dict[str, bytes]:
    """Files that must all be refused, by name."""
    return {name: data for name, (data, _) in broken().items()}


def odd_but_good() -> dict[str, bytes]:
    """Files that must all decode to the right upright pixels, by name."""
    return {name: data for name, (data, _, _) in odd().items()}
