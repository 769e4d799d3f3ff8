"""Files of rules beside signals."""

import pytest

from curation.signals import caption_validity, pair_kind, rule_file
from curation.strict_yaml import ConfigurationError


@pytest.mark.parametrize(
    ("file", "kind", "version"),
    [
        (caption_validity.FILE, caption_validity.Patterns, caption_validity.VERSION),
        (pair_kind.FILE, pair_kind.Rules, pair_kind.VERSION),
    ],
)
def test_rules_of_another_version_than_their_module_are_refused_at_their_line(
    file: str, kind: type[rule_file.Versioned], version: int
) -> None:
    assert rule_file.shipped(file, kind, version, "its.py").version == version
    with pytest.raises(ConfigurationError, match=rf"{file}:\d+: expected 99, as its.py has it"):
        rule_file.shipped(file, kind, 99, "its.py")
