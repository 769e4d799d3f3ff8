"""A template with its contents filled in: a tree of parts, before anything has a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from curation.picture.colours import RGB
from synthesis.template.backdrops import Backdrop
from synthesis.template.colouring import (
    LEAST_CONTRAST,
    LEAST_CONTRAST_LARGE,
    Colours,
    least_contrast,
)
from synthesis.template.contents import Scope, Verbatim, is_computed
from synthesis.template.models import Node, Style
from synthesis.unrenderable import UnrenderableError

_FAINT = ("line", "soft", "softer", "series")
_LEAST_OF_SHAPES = 2.4
_UNBROKEN = (5, 4)  # hanzi: so short a heading, and a display, would break inside a word
_DISPLAY = 8.5  # units: texts of styles above are displays
_LARGE = 5.0  # units: texts of styles as large need less contrast
_ALIGNED = {"start": "left", "centre": "centre", "end": "right", "stretch": "left"}
_SWAPPED = 0.5  # share of images in which what may be swapped is
_MANY = 0.6  # share of lists that have as many entries as they may


@dataclass
class Part:
    """One box of the layout with its own texts, colours and data.

    ``grounds`` are the colours that may lie under what it shows, ``fill`` its own surface.
    """

    node: Node
    kind: str
    children: list["Part"]
    grounds: tuple[RGB, ...]
    fill: tuple[RGB, ...] = ()
    border: RGB | None = None
    ink: RGB = (0, 0, 0)
    text: str = ""
    style: Style | None = None
    align: str = "left"
    data: Any = None
    share: float | None = None  # of the length told by the contents
    index: int = 0
    seed: int = 0
    colours: Colours | None = None


@dataclass(frozen=True)
class Expansion:
    """What a template is filled with: ``shelf`` is wide, square or tall; ``plenty``, 1 to 0, takes
    up to as many or just as few entries of every list as the template allows.
    """

    random: Random
    language: str
    styles: Mapping[str, Style]
    colours: Colours
    shelf: str
    plenty: float
    backdrop: Backdrop | None = None
    later: list[tuple[Part, Scope]] = field(default_factory=list)

    def root(self, node: Node, scope: Scope) -> Part:
        """The whole image as a part. Raises ``Uncomputable``."""
        part = self._part(node, scope, (self.colours.roles["background"],), "left", is_root=True)
        for late, around in self.later:  # computed from what the image shows
            self._set_text(late, around)
        return part

    def parts(self, node: Node, scope: Scope, grounds: tuple[RGB, ...], align: str) -> list[Part]:
        """The node as a part; none on the wrong shelf, one for each entry of its list."""
        only = (node.only,) if isinstance(node.only, str) else node.only
        if only and self.shelf not in only:
            return []
        if node.each is None:
            return [self._part(node, scope, grounds, align)]
        entries = self._entries(node, scope)
        return [self._part(node, entry, grounds, align) for entry in entries]

    def _entries(self, node: Node, scope: Scope) -> list[Scope]:
        """As many entries of the list as the node asks for, in the list's order.

        A list that stands twice shows the same entries, but new paragraphs.
        """
        listed, name = scope.value(node.each or ""), node.each or ""
        entries = scope.entries(name)
        before = scope.filler.shown.get(id(listed), [])
        if before and isinstance(entries[0].item, Verbatim):
            entries = [entry for entry in entries if entry not in before] or entries
        low, high = node.count or (len(entries), len(entries))
        if len(entries) < low:
            raise UnrenderableError("overflow", f"{name} has {len(entries)} of {low} entries")
        if low <= len(before) <= high and not isinstance(entries[0].item, Verbatim):
            return _numbered(before)
        chosen = self._chosen(entries, low, min(high, len(entries)), in_order=node.first)
        scope.filler.shown[id(listed)] = [*before, *chosen]
        return _numbered(chosen)

    def _chosen(self, entries: list[Scope], low: int, high: int, *, in_order: bool) -> list[Scope]:
        """``low`` to ``high`` entries, fewer where there is less ``plenty``: the first, or any."""
        high = low + round((high - low) * self.plenty)
        many = self.random.random() < _MANY
        wanted = high if many else self.random.randint(low, high)
        if in_order:
            return entries[:wanted]
        return [entries[n] for n in sorted(self.random.sample(range(len(entries)), wanted))]

    def _part(
        self,
        node: Node,
        scope: Scope,
        grounds: tuple[RGB, ...],
        align: str,
        *,
        is_root: bool = False,
    ) -> Part:
        kind = self._kind(node)
        fill = self._fill(node, grounds, scope.index)
        inside = grounds if node.shape == "art" else fill or grounds
        if is_root and self.backdrop:
            inside = (*inside, *map(self.backdrop.tinted, inside))
        is_own = node.align not in {None, "stretch"} and kind != "row"
        part = Part(node, kind, [], inside, fill, index=scope.index)
        part.align = _ALIGNED[node.align] if node.align and is_own else align
        part.colours = self.colours
        part.seed = self.random.getrandbits(32) if kind == "shape" else 0
        if node.border:
            part.border = self.colours.of_role(node.border, grounds[0], scope.index)
        if isinstance(node.size, str) and node.size.startswith("@"):
            part.share = _share(node.size, scope)
        if kind in {"text", "say"}:
            self._write(part, scope, align)
        elif kind == "shape":
            part.ink = self._shape_ink(node.colour or "primary", inside, scope.index)
            part.data = _data(node.data, scope) if node.data else None
        self._add_children(part, scope)
        return part

    def _kind(self, node: Node) -> str:
        if node.kind == "turn":
            return "row" if self.shelf == "wide" else "column"
        return node.kind

    def _write(self, part: Part, scope: Scope, align: str) -> None:
        """Set a text now, or later where it is computed from what the image shows."""
        node = part.node
        self._set_style(part, scope, part.grounds, align)
        if is_computed(node.say[self.language] if node.say else scope.raw(node.text or "")):
            self.later.append((part, scope))
        else:
            self._set_text(part, scope)

    def _add_children(self, part: Part, scope: Scope) -> None:
        """In a stack, what fills it is the ground of those that come after."""
        node, inside = part.node, part.grounds
        swapped = node.swap and self.random.random() < _SWAPPED
        for child in reversed(node.children) if swapped else node.children:
            parts = self.parts(child, scope, inside, part.align)
            part.children += parts
            fills = part.kind == "stack" and child.shape in {None, "fill", "balloon"}
            if fills and parts and parts[0].fill:
                inside = parts[0].fill
        if part.kind == "row" and part.children:
            _align_last(part.children[-1])

    def _shape_ink(self, role: str, grounds: tuple[RGB, ...], index: int) -> RGB:
        """The role's colour, unless a shape in it would hardly be seen."""
        wanted = self.colours.of_role(role, grounds[0], index)
        if role in _FAINT or least_contrast(wanted, grounds) >= _LEAST_OF_SHAPES:
            return wanted
        return self.colours.ink(role, grounds, LEAST_CONTRAST_LARGE, index)

    def _fill(self, node: Node, grounds: tuple[RGB, ...], index: int) -> tuple[RGB, ...]:
        if node.fill is None or node.fill == "none":
            return ()
        roles = (node.fill,) if isinstance(node.fill, str) else node.fill
        return tuple(self.colours.of_role(role, grounds[0], index) for role in roles)

    def _set_style(self, part: Part, scope: Scope, grounds: tuple[RGB, ...], align: str) -> None:
        node, style = part.node, self.styles[part.node.style]
        part.style = style
        part.align = _ALIGNED[node.align] if node.align else style.align or align
        least = LEAST_CONTRAST_LARGE if (style.size or 0) >= _LARGE else LEAST_CONTRAST
        role = node.colour or style.colour or "text"
        part.ink = self.colours.ink(role, grounds, least, scope.index)

    def _set_text(self, part: Part, scope: Scope) -> None:
        node, style = part.node, part.style
        if node.say is not None:
            text = scope.filler.filled(node.say[self.language], scope)
        else:
            text = scope.text(node.text or "")
        if style is None or not text.strip():  # an empty cell of a table
            part.kind, part.style = "column", None
            return
        part.text = text.upper() if style.upper else text
        most = _UNBROKEN[(style.size or 0) > _DISPLAY]
        if len(text) <= most and style.face == "heading" and _is_chinese(text):
            part.style = _in_one_line(style)


def _numbered(entries: Sequence[Scope]) -> list[Scope]:
    return [entry.numbered(number) for number, entry in enumerate(entries)]


@lru_cache(maxsize=512)
def _in_one_line(style: Style) -> Style:
    return style.model_copy(update={"lines": 1})


def _align_last(part: Part) -> None:
    """A text as wide as itself at the end of a row ends where the row does."""
    is_aligned = part.style is not None and (part.node.align or part.style.align)
    if part.style is not None and not is_aligned and part.node.size == "auto" and not part.fill:
        part.align = "right"


def _is_chinese(text: str) -> bool:
    return all(ord(character) > 0x2E7F for character in text)


def _share(share: str, scope: Scope) -> float:
    """``@item.value*0.8``: the number in the field beside the largest of its list, times 0.8."""
    name, _, factor = share[1:].partition("*")
    of_entry = name == "item" or name.startswith("item.")
    numbers = [number(sibling.text(name)) for sibling in scope.siblings] if of_entry else [100.0]
    return number(scope.text(name)) / max(numbers) * float(factor or 1)


def _data(name: str, scope: Scope) -> Any:
    """What a shape renders: a text, or the numbers of a list's entries."""
    value = scope.value(name)
    if isinstance(value, list | tuple):
        return [_numbers(entry) for entry in scope.shown(name)]
    return value


def _numbers(scope: Scope) -> float:
    """The value of an entry: itself, or its field ``value``."""
    item = scope.item
    return number(scope.text("item.value" if isinstance(item, dict) else "item"))


def number(text: str) -> float:
    """The number a text shows, without its unit and thousands marks. Raises ``ValueError``."""
    digits = "".join(character for character in text if character in "0123456789.-")
    return float(digits)
