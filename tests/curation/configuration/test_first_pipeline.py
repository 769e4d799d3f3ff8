"""What a first pipeline of one's own needs, and what is told of its mistakes."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.configuration.loading import (
    ConfigurationError,
    check_columns,
    load,
    load_all,
    resolved,
)

STAGES = "stages: {only: {resolution: 256, bounds: {%s: {min: 0.1}}}}"
COLUMNS = {"luma": pa.float64(), "clarity": pa.float32(), "pixels": pa.int64()}


MODULES = [("first", "curation.signals.luma"), ("second", "curation.signals.grid")]


def written(folder: Path, text: str) -> str:
    path = folder / "pipelines.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def ruling(folder: Path, column: str) -> str:
    return written(folder, f"pipelines: {{mine: {{{STAGES % column}}}}}")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "pipelines.yaml"


def test_the_smallest_is_a_stage_with_a_bound(tmp_path: Path) -> None:
    pipeline = load(ruling(tmp_path, "luma"))
    assert (pipeline.name, pipeline.keep, pipeline.seed) == ("mine", "only", 0)
    assert (pipeline.near_duplicate.radius, pipeline.quality) == (4, ("pixels", "size"))
    assert set(resolved(pipeline)) >= {"seed", "keep", "near_duplicate", "quality"}  # as recorded


def test_stages_without_a_name_or_in_a_list_are_told(tmp_path: Path) -> None:
    for text, says in {
        "stages: {s1: {resolution: 256}}": "expected under a name, as pipelines: {NAME: {stages: "
        "...}}",
        "pipelines: {mine: {stages: [{name: s1, resolution: 256}]}}": "expected a mapping by "
        "name, found a list",
    }.items():
        with pytest.raises(ConfigurationError) as caught:
            load(written(tmp_path, text))
        assert caught.value.message == f"'stages': {says}"


def test_a_bound_on_captions_is_sent_to_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_columns(load(ruling(tmp_path, "tokens")), COLUMNS)
    says = "'tokens' is measured of captions: expected beside 'bounds', under captions: {raw: "
    assert says in str(caught.value)


def test_of_many_columns_the_nearest_are_named(tmp_path: Path) -> None:
    many = {f"column_{number:02}": pa.float64() for number in range(89)}
    for name, says in {
        "lumma": "did you mean 'luma'? 93 in all: `beam signals` lists them",
        "qqqqq": "expected one of clarity, column_00, column_01, column_02, column_03, ...; "
        "93 in all: `beam signals` lists them",
    }.items():
        with pytest.raises(ConfigurationError) as caught:
            check_columns(load(ruling(tmp_path, name)), {**many, **COLUMNS})
        assert str(caught.value).endswith(f":1: unknown column {name!r}: {says}")


@given(
    st.lists(st.sets(st.sampled_from(["by", "since"])), max_size=3),
    st.lists(st.booleans(), min_size=1, max_size=3),
)
def test_every_missing_key_is_named_and_no_other(
    scratch: Path, lacking: list[set[str]], resolutions: list[bool]
) -> None:
    quota = {"by": "format", "since": "s0", "count": 3}
    quotas = {f"q{n}": {of: quota[of] for of in quota.keys() - no} for n, no in enumerate(lacking)}
    stages = {f"s{n}": {"resolution": 9} if has else {} for n, has in enumerate(resolutions)}
    content = {"pipelines": {"curate": {"quotas": quotas, "stages": stages}}}
    missing = [(f"'quotas.q{n}'", key) for n, keys in enumerate(lacking) for key in sorted(keys)]
    missing += [(f"'stages.s{n}'", "resolution") for n, has in enumerate(resolutions) if not has]
    scratch.write_text(json.dumps(content, indent=1))
    if not missing:
        assert load(str(scratch)).keep == f"s{len(resolutions) - 1}"
        return
    with pytest.raises(ConfigurationError) as caught:
        load(str(scratch))
    parts = [part.split(": ", 1) for part in caught.value.message.split("; ")]
    assert sorted(missing) == sorted(
        (place, key) for place, says in parts for key in re.findall(r"'(\w+)'", says)
    )


def test_of_several_none_is_meant_without_a_name_and_signals_lists_those_of_all(
    tmp_path: Path,
) -> None:
    entries = [f"{name}: {{signals: [{module}], {STAGES % 'luma'}}}" for name, module in MODULES]
    rendered = "drawn: {program: synthesis.pipeline.Synthesize}"
    path = written(tmp_path, f"pipelines: {{{', '.join([*entries, rendered])}}}")
    with pytest.raises(ConfigurationError, match=r"drawn, first, second \('curate' "):
        load(path)
    assert [of.name for of in load_all(path)] == ["first", "second"]
    assert [of.signals for of in load_all(path)] == [(module,) for _, module in MODULES]


def test_an_entry_that_our_file_lacks_is_sought_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"'mine'.*; another file is named by --config"):
        load(None, "mine")
