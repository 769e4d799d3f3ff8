"""What models of YAML files are made of.

A new setting is a declared field, entries that go by their keys are ``Named[Model]``, and a check
over several fields is a validator that raises ``refused(message, *path)``: no parsing code at all.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    SerializationInfo,
)
from pydantic_core import PydanticCustomError

from curation.strict_yaml.document import ConfigurationError, Document
from curation.strict_yaml.naming import described

KEY = ""  # the alias of the field that holds an entry's own key: no key of a file is empty
Key = Annotated[str, Field(alias=KEY, exclude=True)]


class Frozen(BaseModel):
    """Frozen, strict and refusing keys it does not know; in Python fields go by their own names."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_alias=True, validate_by_name=True
    )


class Located(Frozen):
    """A model that knows where in which file its values stand, once it was bound to one."""

    _document: Document | None = PrivateAttr(default=None)

    def error(self, message: str, *path: str | int) -> ConfigurationError:
        """An error at the line of a key, such as ``"stages", "s1", "bounds", "luma", "min"``."""
        if self._document is None:
            return ConfigurationError("configuration", None, message)
        return self._document.error(path, message)

    def where(self, *path: str | int) -> str | None:
        """Where a key stands, in words; None if the model comes from no file."""
        return None if self._document is None else self._document.where(path)

    @property
    def file(self) -> str | None:
        """What it was bound from, as it was named; None if the model comes from no file."""
        return None if self._document is None else self._document.file

    def located(self, document: Document) -> Self:
        """The same model, knowing what it was bound to."""
        copy = self.model_copy()
        copy._document = document
        return copy


def _entries(value: Any) -> Any:
    if not isinstance(value, Mapping):
        if isinstance(value, tuple) and all(isinstance(entry, BaseModel) for entry in value):
            return value
        raise ValueError(f"expected a mapping by name, found {described(value)}")
    return tuple(
        {**entry, KEY: name} if isinstance(entry, Mapping) else entry
        for name, entry in value.items()
    )


def _by_key(entries: tuple[BaseModel, ...], info: SerializationInfo) -> dict[str, Any]:
    return {
        _key_of(entry): entry.model_dump(
            mode=info.mode, by_alias=info.by_alias, exclude_none=info.exclude_none
        )
        for entry in entries
    }


def _key_of(entry: BaseModel) -> str:
    fields = type(entry).model_fields
    return str(next(getattr(entry, name) for name in fields if fields[name].alias == KEY))


_Entry = TypeVar("_Entry", bound=BaseModel)
# A mapping in the file, a tuple of models in Python: each has a ``Key``, the key it stands under.
Named = Annotated[tuple[_Entry, ...], BeforeValidator(_entries), PlainSerializer(_by_key)]


def refused(message: str, *path: str | int) -> PydanticCustomError:
    """What a validator raises to refuse the value at a path below what it validates."""
    return PydanticCustomError("refused", "{message}", {"message": message, "path": path})
