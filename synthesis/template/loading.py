"""Templates, styles, palettes and contents from their files, checked before anything is drawn."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from synthesis.colours import contrast_ratio
from synthesis.problems import UsageError
from synthesis.template import yaml_reading
from synthesis.template.colouring import LEAST_CONTRAST, LEAST_CONTRAST_LARGE, from_hex
from synthesis.template.contents import Contents, lookup, unknown_patterns
from synthesis.template.models import Faces, Node, Palette, Style, Template
from synthesis.template.yaml_reading import Document, PathTo

_Model = TypeVar("_Model", bound=BaseModel)
HERE = Path(__file__).parent
SHIPPED = HERE / "templates"
GIVEN = ("paragraph", "paragraphs", "index", "index0")  # fields every record has
_BODY_PAIRS = (("text", "background"), ("text", "surface"), ("muted", "background"))
_OVERLAP = 0.002  # of a side: boxes of a board may touch


@dataclass(frozen=True)
class Loaded:
    """A checked template, the file it is from, its styles in full, and where its texts come from.

    ``topics`` are the names of contents, with the template's own records as ``""``.
    """

    file: str
    template: Template
    styles: Mapping[str, Style]

    @property
    def stem(self) -> str:
        """The file's name without its ending: what a template is called on a command line."""
        return Path(self.file).stem

    def __hash__(self) -> int:
        return hash(self.file)


@cache
def shipped_paths() -> tuple[str, ...]:
    """Our own templates, in the order of their names."""
    return tuple(str(path) for path in sorted(SHIPPED.glob("*.yaml")))


def check(paths: Sequence[str], language: str) -> None:
    """Read the user's templates and check all they need; what ``jobs.prepare`` should call.

    Raises ``UsageError`` naming file, line and key, what was expected, and the nearest valid name.
    """
    for path in paths:
        template(path, language)


@cache
def template(path: str, language: str) -> Loaded:
    """The template in a file, checked against the contents of ``language``."""
    document = yaml_reading.read(Path(path))
    found = _model(Template, document, document.value, ())
    styles = {name: style for name, style in shared_styles().items()}
    for name, style in found.styles.items():
        base = styles.get(name, styles["body"])
        given = {key: value for key, value in style.model_dump().items() if value is not None}
        styles[name] = base.model_copy(update=given)
    loaded = Loaded(path, found, styles)
    _check(document, loaded, contents(language), language)
    return loaded


@cache
def shared_styles() -> Mapping[str, Style]:
    """The styles every template starts from, by name."""
    document = yaml_reading.read(HERE / "styles.yaml")
    return {
        name: _model(Style, document, value, (name,)) for name, value in document.value.items()
    }


@cache
def palettes() -> Mapping[str, Palette]:
    """All palettes by name; their texts can be read on their backgrounds."""
    document = yaml_reading.read(HERE / "palettes.yaml")
    found: dict[str, Palette] = {}
    for name, value in document.value.items():
        found[name] = palette = _model(Palette, document, value, (name,))
        for ink, ground in _BODY_PAIRS:
            _check_contrast(document, name, palette, (ink, ground), LEAST_CONTRAST)
        _check_contrast(document, name, palette, ("primary", "background"), LEAST_CONTRAST_LARGE)
    return found


def _check_contrast(
    document: Document, name: str, palette: Palette, pair: tuple[str, str], least: float
) -> None:
    ink, ground = (from_hex(getattr(palette, one)) for one in pair)
    contrast = contrast_ratio(ink, ground)
    if contrast < least:
        told = f"{pair[0]} on {pair[1]} has a contrast of {contrast:.2f}; expected {least} or more"
        document.fail((name, pair[0]), told)


@cache
def contents(language: str) -> Contents:
    """The texts of a language. Raises ``UsageError`` where a pattern means nothing."""
    document = yaml_reading.read(HERE / "contents" / f"{language}.yaml")
    topics = {name: value for name, value in document.value.items() if name != "pools"}
    found = Contents(topics, document.value["pools"])
    for path, text in _texts(document.value, ()):
        _check_patterns(document, path, text, found)
    return found


def _texts(value: Any, path: PathTo) -> Iterator[tuple[PathTo, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, number))
    else:
        yield path, str(value)


def _check_patterns(document: Document, path: PathTo, text: str, known: Contents) -> None:
    for name in unknown_patterns(text, known.pools):
        hint = yaml_reading.nearest(name, [*known.pools])
        document.fail(path, f"<{name}> is neither a pool nor a rule{hint}")


def _model(kind: type[_Model], document: Document, value: Any, path: PathTo) -> _Model:
    """The value as a model, or a ``UsageError`` with the line of the first thing wrong in it."""
    if not isinstance(value, dict):
        document.fail(path, "expected a mapping")
    try:
        return kind.model_validate(value)
    except ValidationError as problem:
        error = problem.errors()[0]
        where = (*path, *error["loc"])
        name = next((step for step in reversed(where) if isinstance(step, str)), "template")
        if error["type"] == "extra_forbidden":
            valid = _valid_keys(kind, error["loc"][:-1])
            hint = yaml_reading.nearest(name, valid)
            document.fail(where, f"unknown key {name!r}: expected one of {', '.join(valid)}{hint}")
        if error["type"] == "missing":
            document.fail(where[:-1], f"expected the key {name!r}, which is missing")
        told = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "should")
        document.fail(where, f"{name}: {told}")


def _valid_keys(kind: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The keys the mapping at ``path`` may have."""
    names = [step for step in path if isinstance(step, str)]
    if kind is Template and names:
        kind = {"layout": Node, "styles": Style, "faces": Faces}.get(names[0], Template)
    return sorted(kind.model_fields)


def _check(document: Document, loaded: Loaded, known: Contents, language: str) -> None:
    template = loaded.template
    for number, name in enumerate(template.contents):
        if name not in known.topics:
            hint = yaml_reading.nearest(name, [*known.topics])
            document.fail(
                ("contents", number), f"no contents {name!r} in language {language!r}{hint}"
            )
    for number, name in enumerate(template.palettes):
        if name not in palettes():
            hint = yaml_reading.nearest(name, [*palettes()])
            document.fail(("palettes", number), f"no palette {name!r}{hint}")
    if template.records and language not in template.records:
        document.fail(("records",), f"expected records for language {language!r} too")
    for path, text in _texts(document.value.get("records", {}), ("records",)):
        _check_patterns(document, path, text, known)
    for path in (("name",), ("layout",)):
        if path == ("name",) and not {"en", "zh"} <= template.name.keys():
            document.fail(path, "expected the name as {en: ..., zh: ...}")
    records = records_of(template, known, language)
    _check_node(_Checked(document, loaded, language), template.layout, ("layout",), records)


def records_of(template: Template, known: Contents, language: str) -> list[Mapping[str, Any]]:
    """All records that may fill the template."""
    found: list[Mapping[str, Any]] = list(template.records.get(language, ()))
    for name in template.contents:
        found += known.topics[name]
    return found or [{}]


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
        hint = yaml_reading.nearest(node.style, [*checked.loaded.styles])
        checked.fail((*path, "style"), f"no style {node.style!r}{hint}")
    if node.say is not None:
        if checked.language not in node.say:
            checked.fail((*path, "say"), f"expected words for language {checked.language!r}")
    if node.each is not None:
        pairs, items = _entries(checked, node.each, (*path, "each"), pairs, items)
    for key in ("text", "data"):
        name = getattr(node, key)
        if name is not None:
            for record, one in zip(pairs, items, strict=True):
                _find(checked, name, (*path, key), record, one)
    _check_overlaps(checked, node, path)
    for number, child in enumerate(node.children):
        _check_node(checked, child, (*path, node.kind, number), pairs, items)


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
        found = _find(checked, name, path, record, item)
        if not isinstance(found, list | tuple) or not found:
            checked.fail(path, f"{name} of the contents: expected a list that is not empty")
        pairs += [record] * len(found)
        entries += found
    return pairs, entries


def _find(
    checked: _Checked, name: str, path: PathTo, record: Mapping[str, Any], item: Any
) -> Any:
    if name in GIVEN:
        return ["-"] if name == "paragraphs" else "-"
    try:
        return lookup(name, record, item)
    except KeyError:
        inside = name.startswith("item.") and isinstance(item, Mapping)
        valid = [f"item.{key}" for key in item] if inside else [*record, *GIVEN]
        hint = yaml_reading.nearest(name, valid)
        checked.fail(path, f"the contents have no {name!r}; they have {', '.join(valid)}{hint}")


def _check_overlaps(checked: _Checked, node: Node, path: PathTo) -> None:
    """Boxes of a board that both hold text may not overlap."""
    boxes = [
        (number, child.box)
        for number, child in enumerate(node.board or ())
        if child.box and any(one.kind in {"text", "say"} for one in child.everything())
    ]
    for place, (number, one) in enumerate(boxes):
        for earlier, other in boxes[:place]:
            if _overlap(one, other):
                first = checked.document.line((*path, "board", earlier))
                told = f"box {list(one)} overlaps the box {list(other)} of line {first}"
                checked.fail((*path, "board", number, "box"), told)


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(
        min(one[axis] + one[axis + 2], other[axis] + other[axis + 2])
        - max(one[axis], other[axis])
        > _OVERLAP
        for axis in (0, 1)
    )
