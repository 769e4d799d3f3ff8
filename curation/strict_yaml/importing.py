"""What a file names in code: a module or class of our own packages, and nothing from elsewhere.

A part that goes with its settings (``model: {name: qwen_image, layers: 2}``) is a model that
derives from ``Chosen``: its name is that of a file in the package made for its kind, or an import
path, and its other fields are its settings. So a new part is one file.
"""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any, TypeVar

from pydantic import PlainValidator, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from curation.strict_yaml.binding import KEYS
from curation.strict_yaml.models import Frozen, refused
from curation.strict_yaml.naming import described, expected_one_of, shown

OWN_PACKAGES = ("curation", "taxonomy", "captioning", "synthesis", "train", "infer")
_NAME = "name"
_STRICT = "strict"  # in the context of a part: whether its values must be of their types
_Kind = TypeVar("_Kind")


class Chosen(Frozen):
    """A part that a configuration chooses by ``name``; all its other fields are its settings.

    Made without a name, it has that of the file it is defined in.
    """

    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _with_name(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and _NAME not in value:
            return {_NAME: cls.__module__.rpartition(".")[2], **value}
        return value


def is_own(path: str) -> bool:
    """Whether an import path leads into one of our own packages."""
    return (
        path.isascii()
        and all(part.isidentifier() for part in path.split("."))
        and (path.split(".", maxsplit=1)[0] in OWN_PACKAGES)
    )


def defined(name: str, kind: type[_Kind], package: str) -> type[_Kind]:
    """The class of a kind that is named: by a file of ``package`` alone, or by an import path, of a
    file that defines one such class or of the class itself.

    Raises ``ValueError``, with the nearest name where there is no such file.
    """
    path = name if "." in name else f"{package}.{name}"
    above, _, last = path.rpartition(".")
    if is_own(path) and _is_module(path):
        return _only(importlib.import_module(path), kind)
    if "." in name and is_own(above) and _is_module(above):
        value = getattr(importlib.import_module(above), last, None)
        if isinstance(value, type) and issubclass(value, kind):
            return _complete(value)
    path_to = f"the import path of a file inside {', '.join(OWN_PACKAGES)}"
    nearest = expected_one_of(name, files(package, kind))
    raise ValueError(f"there is no {shown(name)} in {package}, {nearest}; or {path_to}")


def files(package: str, kind: type) -> list[str]:
    """The files of a package, but for that of the kind itself."""
    paths = importlib.import_module(package).__path__
    listed = [entry.name for entry in pkgutil.iter_modules(paths) if not entry.name.startswith("_")]
    return sorted(name for name in listed if f"{package}.{name}" != kind.__module__)


def _is_module(path: str) -> bool:
    try:
        return importlib.util.find_spec(path) is not None
    except ModuleNotFoundError:  # of what is above it
        return False


def _only(module: ModuleType, kind: type[_Kind]) -> type[_Kind]:
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, kind)
        and value.__module__ == module.__name__
    ]
    if len(classes) == 1:
        return _complete(classes[0])
    some = ", ".join(value.__name__ for value in classes) or "none"
    raise ValueError(
        f"{module.__name__}: expected one class that derives from {kind.__module__}."
        f"{kind.__name__}, found {some}" + ("; add its name to the path" if classes else "")
    )


def _complete(part: type[_Kind]) -> type[_Kind]:
    if inspect.isabstract(part):
        missing = ", ".join(sorted(getattr(part, "__abstractmethods__", ())))
        raise ValueError(f"{part.__module__}: {part.__name__} lacks the method {missing}")
    return part


def choice(kind: str, usual: str = "") -> PlainValidator:
    """What makes the part that a value names, with the value's other keys as settings; the name may
    stand alone: ``objective: Annotated[Any, choice("train.objectives.objective.Objective")]``.

    ``kind`` is the import path of the class that such parts derive from, imported when one is made;
    ``usual`` is the name of settings that say none.
    """
    module, _, base = kind.rpartition(".")
    package = module.rpartition(".")[0]

    def chosen(value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Chosen):
            return value
        if isinstance(value, str):
            value = {_NAME: value}
        if not isinstance(value, Mapping):
            raise ValueError(f"expected a mapping, found {described(value)}")
        name = value.get(_NAME, usual or None)
        if not isinstance(name, str):
            raise refused(f"expected a name, found {described(name)}", _NAME)
        try:
            part = defined(name, getattr(importlib.import_module(module), base), package)
        except ValueError as error:
            raise refused(str(error), _NAME) from None
        # of parts inside of parts the outermost knows: what it gives on is Python's either way
        strict = (info.context or {}).get(_STRICT, info.mode == "python")
        try:
            return part.model_validate(
                {**value, _NAME: name}, strict=strict, context={_STRICT: strict}
            )
        except ValidationError as error:
            raise _with_keys(error, part) from None

    return PlainValidator(chosen)


def _with_keys(error: ValidationError, part: type[Chosen]) -> ValidationError:
    """The same error, in which an unknown key of the part itself says which there are."""
    lines: list[InitErrorDetails] = []
    for details in error.errors(include_url=False):
        kind, context = details["type"], details.get("ctx", {})
        if kind == "extra_forbidden" and len(details["loc"]) == 1:
            context = {KEYS: sorted(part.model_fields)}
        message = details["msg"].replace("{", "(").replace("}", ")")
        again = PydanticCustomError(kind, message, context)
        lines.append(InitErrorDetails(type=again, loc=details["loc"], input=details["input"]))
    return ValidationError.from_exception_data(error.title, lines)
