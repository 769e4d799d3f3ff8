"""What is made once: fonts."""

import pytest


@pytest.fixture
def font_cache(tmp_path_factory, monkeypatch):
    """A cache of fonts and glyphs that the tests of a process share: to index fonts takes long."""
    kept = tmp_path_factory.getbasetemp() / "kept"
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
