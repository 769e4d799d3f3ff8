"""YAML read strictly: every value knows its line, and models are bound with it.

``bind(read(path), Model)`` is all that most callers need: whatever is wrong in the file is a
``ConfigurationError`` naming file, line, key and what was expected.
"""

from curation.strict_yaml.binding import bind, explained
from curation.strict_yaml.document import ConfigurationError, Document, Node, PathTo
from curation.strict_yaml.importing import OWN_PACKAGES, Chosen, choice, defined, files, is_own
from curation.strict_yaml.models import KEY, Frozen, Key, Located, Named, refused
from curation.strict_yaml.naming import (
    described,
    did_you_mean,
    expected_one_of,
    nearest,
    place_name,
    shown,
)
from curation.strict_yaml.reading import MAXIMUM_BYTES, parse, read

__all__ = [
    "KEY",
    "MAXIMUM_BYTES",
    "OWN_PACKAGES",
    "Chosen",
    "ConfigurationError",
    "Document",
    "Frozen",
    "Key",
    "Located",
    "Named",
    "Node",
    "PathTo",
    "bind",
    "choice",
    "defined",
    "described",
    "did_you_mean",
    "expected_one_of",
    "explained",
    "files",
    "is_own",
    "nearest",
    "parse",
    "place_name",
    "read",
    "refused",
    "shown",
]
