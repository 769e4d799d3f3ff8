"""Files of rules that ship beside signals, each with the version its module has."""

from importlib import resources
from typing import Annotated, TypeVar

from pydantic import Field

from curation.strict_yaml import Frozen, bind, read


class Versioned(Frozen):
    """A file of rules; its ``version`` is that of the signal that reads it."""

    version: Annotated[int, Field(ge=1)]


_Rules = TypeVar("_Rules", bound=Versioned)


def shipped(file: str, kind: type[_Rules], version: int, reader: str) -> _Rules:
    """The rules as shipped, of the ``version`` that the module ``reader`` has.

    Raises ``ConfigurationError`` for a file that is no such.
    """
    document = read(str(resources.files("curation.signals") / file))
    rules = bind(document, kind)
    if rules.version != version:
        document.fail(("version",), f"expected {version}, as {reader} has it")
    return rules
