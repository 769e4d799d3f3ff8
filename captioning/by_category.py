"""The recaption by the prompt for what an image is to teach: portraits, text, all else.

Named ``captioning.by_category`` in ``signals:`` in place of ``captioning.recaption``, beside
``taxonomy.categories``: the same signal with the same columns, and the setting ``kinds``.
Portraits are captioned anew by their own prompt, as the Qwen-Image report does (arXiv 2508.02324,
3.2, S6): captions of their sources are not what they are known by.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from captioning import recaption as general
from captioning.settings import Kind, RecaptionSettings

Category = Literal["general", "portrait", "text_rendering"]


class ByCategorySettings(RecaptionSettings):
    """The kind of prompt by ``category``; a category that is not named is given ``kind``."""

    kinds: Mapping[Category, Kind] = {"portrait": "portrait", "text_rendering": "text"}

    def every_kind(self) -> tuple[str, ...]:
        """All kinds of prompts that may be asked for."""
        return (*super().every_kind(), *(self.kinds[of] for of in sorted(self.kinds)))

    def kind_of(self, columns: Mapping[str, Any]) -> str:
        """The kind for a row with the columns that the signal reads."""
        return self.kinds.get(columns["category"], self.kind)


recaption = replace(
    general.recaption, reads=(*general.recaption.reads, "category"), settings=ByCategorySettings
)
