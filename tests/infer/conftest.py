"""What is made once: a little training run, whose checkpoint all leave as it is; and fonts."""

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    from making import training_runs  # heavy: tests of the server do without

    return training_runs.prepared(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def undisturbed(tiny, tmp_path_factory):
    from making import training_runs

    out = tmp_path_factory.mktemp("undisturbed") / "out"
    return out, training_runs.train(tiny, out, "--json")


@pytest.fixture
def font_cache(tmp_path_factory, monkeypatch):
    """A cache of fonts and glyphs that the tests of a process share: to index fonts takes long."""
    kept = tmp_path_factory.getbasetemp() / "kept"
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))
