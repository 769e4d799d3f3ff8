"""Instructions that a model wrote stand beside those of sources, and are told apart by origin."""

from collections.abc import Iterable, Mapping
from typing import Any

CAPTIONER = "captioner"  # the origin of an instruction that a model wrote of an edit pair


def of_source(instruction: Iterable[Mapping[str, Any]] | None) -> list[str]:
    """The texts of a row's instruction that are part of its id: those that its source has.

    What a captioner wrote is measured, as a recaption is; the row is the same with another.
    """
    return [of["text"] for of in instruction or () if of["origin"] != CAPTIONER]
