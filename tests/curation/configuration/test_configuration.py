"""Reading ``pipelines.yaml``: what it accepts, and that every mistake names its line and remedy."""

import json
import math
import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from curation.configuration import loading
from curation.configuration.loading import (
    Bound,
    ConfigurationError,
    Pipeline,
    check_columns,
    load,
    resolved,
    shipped_path,
)

GOOD = """\
pipelines:
  curate:
    seed: 7
    keep: s1
    quarantine_limit: 0.25
    near_duplicate: {radius: 4}
    quality: [pixels, clarity]
    signals: [curation.signals.signal]
    stages:
      s1:
        resolution: 256
        bounds:
          size: {min: 1024, max: 50_000_000}
          clarity: {min: 0.2}
      s2:
        resolution: 512
        bounds:
          clarity:
            min: 0.3
          luma: {min: 1e-4, max: 0.97}
"""
COLUMNS = {
    "exact_better": pa.int32(),
    "near_better": pa.int32(),
    "pair_better": pa.int32(),
    "pixels": pa.int64(),
    "clarity": pa.float32(),
    "luma": pa.float64(),
    "format": pa.string(),
}


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "pipelines.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def refusal(folder: Path, text: str | bytes, name: str = "curate") -> ConfigurationError:
    path = written(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path, name)
    error = caught.value
    place = path if error.line is None else f"{path}:{error.line}"
    assert error.file == path
    assert str(error).startswith(f"{place}: ")
    return error


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    pipeline = load(written(tmp_path, GOOD))
    assert (pipeline.name, pipeline.seed, pipeline.keep) == ("curate", 7, "s1")
    assert (pipeline.quarantine_limit, pipeline.near_duplicate.radius) == (0.25, 4)
    assert pipeline.quality == ("pixels", "clarity")
    assert pipeline.signals == ("curation.signals.signal",)
    assert [(stage.name, stage.resolution) for stage in pipeline.stages] == [
        ("s1", 256),
        ("s2", 512),
    ]
    assert list(pipeline.stages[0].bounds.items()) == [
        ("size", Bound(min=1024, max=50_000_000)),
        ("clarity", Bound(min=0.2)),
    ]
    assert pipeline.stages[1].bounds["luma"] == Bound(min=0.0001, max=0.97)
    assert pipeline.quotas == ()


def test_what_may_be_left_out(tmp_path: Path) -> None:
    text = "\n".join(
        line
        for line in GOOD.splitlines()
        if not line.strip().startswith(("keep:", "quarantine_limit:", "signals:"))
    )
    pipeline = load(written(tmp_path, text))
    assert (pipeline.keep, pipeline.quarantine_limit, pipeline.signals) == ("s2", 0.5, ())


def test_resolved_is_json_in_the_shape_of_the_file(tmp_path: Path) -> None:
    first = resolved(load(written(tmp_path, GOOD)))
    again = json.dumps({"pipelines": {"curate": first}})
    assert resolved(load(written(tmp_path, again))) == first
    assert list(first["stages"]) == ["s1", "s2"]


def test_the_shipped_file_loads_and_is_the_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shipped_path().is_file()
    shipped = load(None)
    assert [stage.name for stage in shipped.stages][:2] == ["s1", "s2"]
    written(tmp_path, GOOD)
    assert load(None).seed == 7 != shipped.seed


def test_models_are_frozen_and_survive_pickling(tmp_path: Path) -> None:
    pipeline = load(written(tmp_path, GOOD))
    with pytest.raises(ValidationError):
        pipeline.seed = 8  # type: ignore[misc]
    restored: Pipeline = pickle.loads(pickle.dumps(pipeline))  # noqa: S301 - as Beam ships it
    assert resolved(restored) == resolved(pipeline)
    with pytest.raises(ConfigurationError) as caught:
        check_columns(restored, {})
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - from a worker
    assert str(copy) == str(caught.value)
    assert (copy.file, copy.line) == (caught.value.file, caught.value.line)


def test_numbers_and_words_follow_yaml_1_2(tmp_path: Path) -> None:
    """The old traps: ``no`` is a word here, ``1e-4`` a number, and so is ``50_000_000``."""
    pipeline = load(written(tmp_path, GOOD.replace("curate:", "no:", 1)), "no")
    assert pipeline.name == "no"
    assert pipeline.stages[0].bounds["size"].max == 50_000_000
    assert pipeline.stages[1].bounds["luma"].min == 1e-4
    words = load(written(tmp_path, GOOD.replace("[pixels, clarity]", "[no, off, y, 12:30]")))
    assert words.quality == ("no", "off", "y", "12:30")


# Each: the text replaced in GOOD, its replacement, the line to name, what the message must say.
WRONG = {
    "unknown key": ("seed: 7", "sead: 7", 3, ["unknown key 'sead'", "did you mean 'seed'?"]),
    "key of before": ("seed: 7", "seed: 7\n    embeddings: [luma]", 4,
        ["'embeddings': now called measure: write it in place of embeddings"]),
    "unknown top key": ("pipelines:", "pipeline:", 1, ["did you mean 'pipelines'?"]),
    "unknown stage key": ("        bounds:\n          size", "        boundz:\n          size", 12,
        ["unknown key 'stages.s1.boundz': expected one of bounds, captions, resolution"]),
    "unknown end": ("size: {min:", "size: {mini:", 13, [".size.mini'", "did you mean 'min'?"]),
    "unlike anything": ("seed: 7", "seed: 7\n    qqq: 1", 4, ["unknown key 'qqq'"]),
    "missing key": ("        resolution: 256\n", "", 10,
        ["'stages.s1': expected the key 'resolution', which is missing"]),
    "missing keys": (GOOD[GOOD.index("    stages:"):],
        "    quotas:\n      few: {}\n    stages:\n      s1: {}\n      s2: {}\n", 10,
        ["'quotas.few': expected the keys 'by' and 'since', which are missing; 'stages.s1': "
         "expected the key 'resolution', which is missing; 'stages.s2': expected the key "]),
    "missing radius": ("{radius: 4}", "{}", 6, ["expected the key 'radius'"]),
    "text as number": ("min: 0.2}", "min: no}", 14, [".min': expected a number", "'no'"]),
    "bool as number": ("min: 0.2}", "min: true}", 14, [".min': expected a number, found true"]),
    "bool as whole": ("seed: 7", "seed: true", 3, ["'seed': expected a whole number, found true"]),
    "quoted number": ("seed: 7", "seed: '7'", 3, ["expected a whole number, found the text '7'"]),
    "fraction as whole": ("resolution: 256", "resolution: 2.5", 11, ["'stages.s1.res", "2.5"]),
    "hexadecimal": ("seed: 7", "seed: 0x7", 3, ["expected a whole number"]),
    "nothing": ("seed: 7", "seed:", 3, ["'seed': expected a whole number, found nothing"]),
    "list as mapping": ("{radius: 4}", "[4]", 6, ["expected a mapping, found a list"]),
    "scalar as mapping": ("clarity: {min: 0.2}", "clarity: 0.2", 14, ["expected a mapping"]),
    "number as bound": ("clarity: {min: 0.2}", "clarity: 0.2", 14,
        ["expected a mapping, such as {min: 0.2} or {max: 0.2}, found 0.2"]),
    "name as bound": ("clarity: {min: 0.2}", "format: JPEG", 14,
        ["expected a mapping, such as {in: [...]}, found the text 'JPEG'"]),
    "stages as list": (GOOD[GOOD.index("    stages:"):],
        "    stages: [{name: s1, resolution: 256}]\n", 9,
        ["'stages': expected a mapping by name, found a list"]),
    "quotas as list": ("    stages:\n", "    quotas: [{by: format}]\n    stages:\n", 9,
        ["'quotas': expected a mapping by name, found a list"]),
    "text as list": ("[pixels, clarity]", "pixels", 7, ["'quality': expected a list"]),
    "number in list": ("[pixels, clarity]", "[pixels, 3]", 7, ["expected text, found 3"]),
    "number as name": ("keep: s1", "keep: 1", 4, ["'keep': expected text, found 1"]),
    "not a number": ("min: 0.2}", "min: .nan}", 14, ["expected a number", ".nan"]),
    "infinite": ("min: 0.2}", "min: .inf}", 14, ["expected a number", ".inf"]),
    "overflowing": ("min: 0.2}", "min: 1e999}", 14, ["expected a finite number"]),
    "crossed": ("min: 1024, max: 50_000_000", "min: 9, max: 8", 13,
        ["'stages.s1.bounds.size'", "min 9 is above max 8"]),
    "empty bound": ("clarity: {min: 0.2}", "clarity: {}", 14, ["expected 'min', 'max' or both"]),
    "negative seed": ("seed: 7", "seed: -1", 3, ["'seed'", "greater than or equal to 0"]),
    "huge seed": ("seed: 7", "seed: 9223372036854775808", 3, ["'seed'", "less than"]),
    "limit": ("quarantine_limit: 0.25", "quarantine_limit: 1.5", 5, ["less than or equal to 1"]),
    "radius": ("radius: 4", "radius: 17", 6, ["less than or equal to 16"]),
    "no resolution": ("resolution: 512", "resolution: 0", 16, ["greater than or equal to 1"]),
    "keep": ("keep: s1", "keep: s_2", 4, ["unknown stage 's_2'", "did you mean 's2'?"]),
    "no stages": (GOOD[GOOD.index("    stages:"):], "    stages: {}\n", 9,
        ["'stages': expected at least 1 entry"]),
    "column name": ("clarity: {min: 0.2}", "'clear ly': {min: 1}", 14, ["'clear ly'"]),
    "stage name": ("      s2:", "      s 2:", 15, ["'s 2'"]),
    "duplicate key": ("seed: 7", "seed: 7\n    seed: 8", 4,
        ["duplicate key 'seed'", "first given on line 3"]),
    "duplicate column": ("size: {min", "clarity: {min", 14, ["duplicate key", "on line 13"]),
    "duplicate stage": ("      s2:", "      s1:", 15, ["duplicate key 's1'", "on line 10"]),
    "anchor": ("seed: 7", "seed: &x 7", 3, ["anchors (&x) are not allowed"]),
    "alias": ("seed: 7", "seed: *x", 3, ["aliases (*x) are not allowed"]),
    "merge key": ("seed: 7", "<<: {seed: 7}", 3, ["unknown key '<<'"]),
    "tag": ("seed: 7", "seed: !!int 7", 3, ["tags", "are not allowed"]),
    "object tag": ("seed: 7", "seed: !!python/object/apply:os.getcwd []", 3, ["not allowed"]),
    "mapping as key": ("seed: 7", "{seed: 7}: 7", 3, ["expected a name as the key"]),
    "empty key": ("seed: 7", ": 7", 3, ["expected a name as the key"]),
    "key of no letters": ("seed: 7", "'': 7", 3, ["expected a name as the key"]),
    "its key a second time": ("resolution: 512", "resolution: 512\n        name: s9", 17,
        ["unknown key 'stages.s2.name'"]),
    "directive": ("pipelines:", "%YAML 1.1\n---\npipelines:", 2, ["directives"]),
    "second document": ("    stages:", "---\n    stages:", 9, ["a second"]),
    "tab": ("    keep: s1", "\tkeep: s1", 4, ["not readable as YAML"]),
    "open bracket": ("{radius: 4}", "{radius: 4", 7, ["not readable as YAML"]),
    "control character": ("keep: s1", "keep: s\x01", 4, ["not readable as YAML"]),
    "impossible escape": ("keep: s1", 'keep: "\\UFFFFFFFF"', 4, ["at or after this line"]),
    "foreign module": ("curation.signals.signal]", "os.path]", 8, ["'os.path'", "inside curation"]),
    "look-alike module": ("curation.signals.signal]", "curationx.signal]", 8, ["inside curation"]),
    "missing module": ("curation.signals.signal]", "curation.nothing.here]", 8, ["no such module"]),
    "not a module": ("curation.signals.signal]", "curation/signal.py]", 8, ["an import path"]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_names_its_line_and_the_remedy(tmp_path: Path, case: str) -> None:
    old, new, line, says = WRONG[case]
    assert GOOD.count(old) >= 1
    error = refusal(tmp_path, GOOD.replace(old, new, 1))
    assert error.line == line, str(error)
    for part in says:
        assert part in error.message


def test_a_later_stage_may_not_be_looser(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD.replace("min: 0.3", "min: 0.1"))
    assert error.line == 19
    for part in ("stage 's2'", "clarity.min 0.1", "looser than 0.2", "stage 's1' on line 14"):
        assert part in error.message
    looser_maximum = GOOD.replace("luma:", "size: {max: 60_000_000}\n          luma:")
    error = refusal(tmp_path, looser_maximum)
    assert (error.line, "size.max 6e+07 is looser" in error.message) == (20, True)
    assert load(written(tmp_path, GOOD.replace("min: 0.3", "min: 0.2"))).stages  # equal is fine


def test_looser_is_found_across_a_stage_that_is_silent(tmp_path: Path) -> None:
    text = GOOD + "      s3: {resolution: 512, bounds: {size: {min: 1000}}}\n"
    error = refusal(tmp_path, text)
    assert error.line == 21
    assert "stage 's1' on line 13" in error.message


def test_stages_that_nothing_can_pass_together_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD.replace("min: 0.3", "max: 0.1"))
    assert error.line == 19
    assert "none can pass it and 0.2 of stage 's1' on line 14" in error.message


def test_unknown_pipelines_are_told_the_known_ones(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD, "curat")
    assert (error.line, "did you mean 'curate'?" in error.message) == (1, True)


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", None, "empty"),
        (b"# only a comment\n", None, "empty"),
        (b"- a\n", 1, "the file: expected a mapping, found a list"),
        (b"just words", 1, "the file: expected a mapping, found the text 'just words'"),
        (b"pipelines:\n", 1, "'pipelines': expected a mapping, found nothing"),
        (b"pipelines: {}\n", 1, "unknown pipeline 'curate'"),
        (b"a: 1\nb: \xff\n", 2, "UTF-8"),
        (GOOD.encode("utf-16"), 1, "UTF-8"),
        (b"#" * 1_000_001, None, "at most 1,000,000 bytes"),
        (b"[" * 100_000, 1, "levels deep"),
        (b"a: " + b"{a: " * 30, 1, "levels deep"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_files_that_are_no_configuration(
    tmp_path: Path, content: bytes, line: int | None, says: str
) -> None:
    error = refusal(tmp_path, content)
    assert (error.line, says in error.message) == (line, True), str(error)


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    assert load(written(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).seed == 7


def test_an_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 20)]
    error = refusal(tmp_path, "\n".join(["l0: &l0 [ha]", *levels]))
    assert error.line == 1


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        load(str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(str(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load("a\0b")


def test_columns_must_exist_and_be_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    check_columns(load(path), COLUMNS)
    with pytest.raises(ConfigurationError) as caught:
        check_columns(load(written(tmp_path, GOOD.replace("luma:", "lumma:"))), COLUMNS)
    assert str(caught.value) == (
        f"{path}:20: unknown column 'lumma': expected one of clarity, exact_better, luma, "
        "near_better, pair_better, pixels, size; did you mean 'luma'?"
    )
    with pytest.raises(ConfigurationError) as caught:
        check_columns(load(written(tmp_path, GOOD.replace("luma:", "format:"))), COLUMNS)
    assert caught.value.line == 20
    assert "'format' holds string, expected a column of numbers" in str(caught.value)
    ranking = GOOD.replace("quality: [pixels, clarity]", "quality:\n    - pixels\n    - klarity")
    with pytest.raises(ConfigurationError) as caught:
        check_columns(load(written(tmp_path, ranking)), COLUMNS)
    assert caught.value.line == 9
    assert "did you mean 'clarity'?" in str(caught.value)


def test_the_shipped_file_rules_only_columns_that_are_measured() -> None:
    from curation.measuring import choosing

    pipeline = load(str(shipped_path()))
    check_columns(pipeline, choosing.known_columns(choosing.chosen(pipeline)))


def test_an_image_that_is_only_of_640p_can_pass_every_stage() -> None:
    """S7 has images of 640p and of 1328p together: no bound on size asks for more than 640."""
    size = {"pixels": 640 * 640, "short_side": 640, "aspect_ratio": 1.0}
    pipeline = load(None, "curate")
    assert [stage.name for stage in pipeline.stages][-1] == "s7"
    bounded = [
        (stage.name, column)
        for stage in pipeline.stages
        for column, bound in stage.bounds.items()
        if column in size
        and (
            (bound.min is not None and size[column] < bound.min)
            or (bound.max is not None and size[column] > bound.max)
        )
    ]
    assert bounded == [] and pipeline.stages[-1].resolution == 640


def test_bounds_hold_by_construction_too() -> None:
    for ends in ({}, {"min": 2.0, "max": 1.0}, {"min": math.nan}, {"max": math.inf}):
        with pytest.raises(ValidationError):
            Bound(**ends)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "pipelines.yaml"


def reads_or_refuses(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)
    try:
        pipeline = loading.load(str(scratch))
    except ConfigurationError as error:
        assert str(error).startswith(str(scratch))
        assert "\n" not in str(error)
    else:
        assert pipeline.stages


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode()))
@example(b'"\\UFFFFFFFF"')
@example(b"%YAML 99999999999999999999.9\n---\n")
@example(b"!%ff a")
def test_arbitrary_bytes_are_read_or_refused(scratch: Path, content: bytes) -> None:
    reads_or_refuses(scratch, content)


FRAGMENTS = ["&a ", "*a ", "!!str ", "!%41 ", "---\n", "? ", ": ", "- ", "[", "}", "|\n", '"\\x4']
FRAGMENTS += ["'", "\t", "\r", "\u2028", "<<: ", "\x00", "%YAML 1.1\n", "9" * 5000, "1e999", "\n"]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_configurations_are_read_or_refused(scratch: Path, data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 12))
        patch = data.draw(st.sampled_from(FRAGMENTS) | st.text(max_size=3))
        text = text[:start] + patch + text[start + length :]
    reads_or_refuses(scratch, text.encode("utf-8", "surrogatepass"))
