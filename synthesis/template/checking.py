"""A template checked against the contents and names it uses: every fault told with its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from curation.strict_yaml import Document, PathTo, did_you_mean
from synthesis.template import art, icons
from synthesis.template.contents import Contents, is_computed, lookup
from synthesis.template.models import FIELD, Loaded, Node, Template
from synthesis.template.resources import check_computed, check_patterns, palettes, texts

GIVEN = ("paragraph", "paragraphs", "index", "index0")  # fields every record has
_OVERLAP = 0.002  # of a side: boxes of a board may touch


def check(document: Document, loaded: Loaded, known: Contents, language: str) -> None:
    template = loaded.template
    for number, name in enumerate(template.contents):
        if name not in known.topics:
            hint = did_you_mean(name, [*known.topics])
            document.fail(
                ("contents", number), f"no contents {name!r} in language {language!r}{hint}"
            )
    for number, name in enumerate(template.palettes):
        if name not in palettes():
            hint = did_you_mean(name, [*palettes()])
            document.fail(("palettes", number), f"no palette {name!r}{hint}")
    if template.records and language not in template.records:
        document.fail(("records",), f"expected records for language {language!r} too")
    for path, text in texts(document.value.get("records", {}), ("records",)):
        check_patterns(document, path, text, known)
    for number, record in enumerate(template.records.get(language, ())):
        check_computed(document, ("records", language, number), record, known, language)
    records = records_of(template, known, language)
    checked = _Checked(document, loaded, language)
    _check_name(checked, template.name, records)
    _check_node(checked, template.layout, ("layout",), records)


def _check_name(
    checked: "_Checked", name: Mapping[str, str], records: Sequence[Mapping[str, Any]]
) -> None:
    """The name in both languages of captions, its fields in every record."""
    if not {"en", "zh"} <= name.keys():
        checked.fail(("name",), "expected the name as {en: ..., zh: ...}")
    for field in FIELD.findall(name[checked.language]):
        for record in records:
            _find(checked, field, ("name",), record, None)


def records_of(template: Template, known: Contents, language: str) -> list[Mapping[str, Any]]:
    """All records that may fill the template."""
    records: list[Mapping[str, Any]] = list(template.records.get(language, ()))
    for name in template.contents:
        records += known.topics[name]
    return records or [{}]


@dataclass(frozen=True)
class _Checked:
    document: Document
    loaded: Loaded
    language: str

    def fail(self, path: PathTo, message: str) -> NoReturn:
        self.document.fail(path, message)


def _check_node(
    checked: _Checked,
    node: Node,
    path: PathTo,
    pairs: Sequence[Mapping[str, Any]],
    entries: Sequence[Any] | None = None,
) -> None:
    """Check a node against every record it may be filled from, and everything below it."""
    items = [None] * len(pairs) if entries is None else entries
    if node.style not in checked.loaded.styles:
        hint = did_you_mean(node.style, [*checked.loaded.styles])
        checked.fail((*path, "style"), f"no style {node.style!r}{hint}")
    if node.say is not None and checked.language not in node.say:
        checked.fail((*path, "say"), f"expected words for language {checked.language!r}")
    if node.each is not None:
        pairs, items = _entries(checked, node.each, (*path, "each"), pairs, items)
    for key in ("text", "data"):
        name = getattr(node, key)
        if name is not None:
            for record, item in zip(pairs, items, strict=True):
                _find(checked, name, (*path, key), record, item)
    _check_shape_numbers(checked, node, path, pairs, items)
    _check_shape_names(checked, node, path)
    _check_overlaps(checked, node, path)
    for number, child in enumerate(node.children):
        _check_node(checked, child, (*path, node.kind, number), pairs, items)


def _check_shape_numbers(
    checked: _Checked, node: Node, path: PathTo, pairs: Sequence[Any], items: Sequence[Any]
) -> None:
    """A sum is known when all entries are chosen: too late for lengths and for what is rendered."""
    numbers = {"data": node.data, "size": node.size}
    if not isinstance(node.size, str) or not node.size.startswith("@"):
        del numbers["size"]
    for key, name in numbers.items():
        field = str(name).removeprefix("@").partition("*")[0] if name else "index"
        for record, item in zip(pairs, items, strict=True):
            value = _find(checked, field, (*path, key), record, item)
            if isinstance(value, str) and is_computed(value) and "<rest " not in value:
                checked.fail((*path, key), f"{value} is computed too late: only for text and say")


def _check_shape_names(checked: _Checked, node: Node, path: PathTo) -> None:
    """The names of icons and art."""
    valid: Sequence[str] = {"icon": icons.NAMES, "art": tuple(art.DRAWN)}.get(node.shape or "", ())
    for name in (node.name or "").split() if valid else ():
        if name not in valid:
            hint = did_you_mean(name, valid)
            checked.fail((*path, "name"), f"no {node.shape} {name!r}{hint}")


def _entries(
    checked: _Checked,
    name: str,
    path: PathTo,
    records: Sequence[Mapping[str, Any]],
    items: Sequence[Any],
) -> tuple[list[Mapping[str, Any]], list[Any]]:
    """Every record with every entry of its list called ``name``."""
    pairs: list[Mapping[str, Any]] = []
    entries: list[Any] = []
    for record, item in zip(records, items, strict=True):
        listed = _find(checked, name, path, record, item)
        if not isinstance(listed, list | tuple) or not listed:
            checked.fail(path, f"{name} of the contents: expected a list that is not empty")
        pairs += [record] * len(listed)
        entries += listed
    return pairs, entries


def _find(checked: _Checked, name: str, path: PathTo, record: Mapping[str, Any], item: Any) -> Any:
    if name in GIVEN:
        return ["-"] if name == "paragraphs" else "-"
    try:
        return lookup(name, record, item)
    except KeyError:
        inside = name.startswith("item.") and isinstance(item, Mapping)
        valid = [f"item.{key}" for key in item] if inside else [*record, *GIVEN]
        hint = did_you_mean(name, valid)
        checked.fail(path, f"the contents have no {name!r}; they have {', '.join(valid)}{hint}")


def _check_overlaps(checked: _Checked, node: Node, path: PathTo) -> None:
    """Boxes of a board that both hold text may not overlap."""
    boxes = [
        (number, child.box)
        for number, child in enumerate(node.board or ())
        if child.box and any(part.kind in {"text", "say"} for part in child.everything())
    ]
    for place, (number, box) in enumerate(boxes):
        for earlier, other in boxes[:place]:
            if _overlap(box, other):
                first = checked.document.line((*path, "board", earlier))
                problem = f"box {list(box)} overlaps the box {list(other)} of line {first}"
                checked.fail((*path, "board", number, "box"), problem)


def _overlap(box: Sequence[float], other: Sequence[float]) -> bool:
    return all(
        min(box[axis] + box[axis + 2], other[axis] + other[axis + 2]) - max(box[axis], other[axis])
        > _OVERLAP
        for axis in (0, 1)
    )
