"""Moved bounds: the counts of ``beam judge``, row by row, and what moves along."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import floats, lists, none, sampled_from, tuples
from making.asgi_client import Client

pytest.importorskip("duckdb")

from curation.configuration import loading
from curation.failures.errors import UsageError
from curation.inspect import rejudge
from curation.judging import captions, verdicts
from curation.measuring import choosing
from curation.output import joined
from curation.report.outcome import Bound
from curation.serving import categories, sliders, trials
from curation.serving.asked import Asked
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.serving.trials import Trials

MOVES = [
    "s2.clarity.min:0.97",
    "s1.short_side.min:50,s2.luma.max:0.503",
    "s1.near_better.max:9,s1.exact_better.max:9,s5.full_sharpness.min:0.65",
    "s1.format.in:PNG|WEBP,s2.caption_raw.length.min:3",
    "s2.caption_raw.length.min:16,s2.caption_raw.validity.in:valid|empty",
]


def test_as_configured_it_is_the_run(rows: Rows) -> None:
    trial = Trials(rows).trial(())
    assert trial.comparison.before == trial.comparison.after
    assert (trial.comparison.gained, trial.comparison.lost, trial.moved) == (0, 0, ())
    verdicts = np.array(rows.column("verdict").to_pylist())
    assert ((verdicts == "kept") == trial.rows["kept"]).all()
    assert 5 < trial.comparison.after["kept"] < len(rows) - 5


@pytest.mark.parametrize("moved", MOVES)
def test_counts_are_those_of_beam_judge(moved: str, rows: Rows, made: Path, tmp_path: Path) -> None:
    known = Trials(rows)
    trial = known.trial(known.parsed(moved))
    config = tmp_path / "moved.yaml"
    lines = [*trials.as_yaml("base", known.bounds, trial.moved)]
    base = (made / "pipelines.yaml").read_text().replace("  curate:", "  base:")
    config.write_text(base + "\n".join(lines[1:]) + "\n")
    judged = rejudge.compare(str(made / "out"), str(config), name="moved")
    ours = trial.comparison.as_json()
    assert ours | {"file": "", "pipeline": ""} == judged.as_json() | {"file": "", "pipeline": ""}
    assert judged.before["kept"] + judged.gained - judged.lost == judged.after["kept"]
    assert {name: int(of.sum()) for name, of in trial.rows.items()} == {
        "kept": judged.after["kept"],
        "gained": judged.gained,
        "lost": judged.lost,
        "undecided": judged.undecided,
    }
    assert judged.rules_before != judged.rules_after


def test_another_stage_to_keep_says_which_rules_drop_now(
    rows: Rows, made: Path, tmp_path: Path
) -> None:
    config = tmp_path / "later.yaml"
    config.write_text((made / "pipelines.yaml").read_text().replace("keep: s2", "keep: s5"))
    judged = rejudge.compare(str(made / "out"), str(config))
    verdicts, rules = rows.column("verdict").to_pylist(), rows.column("rule").to_pylist()
    held_back = Counter(
        f"s5 {rule}" for verdict, rule in zip(verdicts, rules, strict=True)
        if verdict == "kept" and rule
    )  # fmt: skip
    assert judged.turned.keys() == held_back.keys() and judged.lost > 0  # others fill the quota
    assert judged.turned == {rule: judged.rules_after[rule] for rule in held_back}
    lines = judged.as_text().split("\n")
    assert "  keep s2 -> s5" in lines
    for rule, number in judged.turned.items():
        assert f"  {rule:<28}{number:>9} dropped, no longer held back" in lines


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    clarity=floats(0, 1), luma=floats(0.02, 0.99), block=sampled_from([1, 20, 10**6]),
    most=sampled_from([0, 4 << 30]),
)  # fmt: skip
def test_columns_in_blocks_give_what_files_give(
    clarity: float, luma: float, block: int, most: int, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "ROWS", block)
    monkeypatch.setattr(joined, "MOST", most)
    known = Trials(rows)
    known.trial(())
    moved = known.parsed(f"s2.clarity.min:{clarity!r},s2.luma.max:{luma!r}")
    trial = known.trial(moved)
    pipeline = trials.with_bounds(known.pipeline, known.bounds, dict(trial.moved))
    judge = verdicts.Judge(rows.output, pipeline, choosing.chosen(pipeline), hold=True)
    kept: dict[str, np.ndarray] = {}
    judged = rejudge.compared(rows.run, judge, lambda of: kept.update({of.unit: of.kept}))
    assert trial.comparison == judged
    assert (trial.rows["kept"] == np.concatenate([kept[unit] for unit in rows.units])).all()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sharpness=tuples(*[none() | floats(0, 1)] * 2), clarity=tuples(*[none() | floats(0, 1)] * 2),
    formats=tuples(*[lists(sampled_from(["JPEG", "PNG", "WEBP", "BMP"]), unique=True)] * 2),
)  # fmt: skip
def test_what_is_proposed_is_what_a_run_takes(
    sharpness: tuple[float | None, ...], clarity: tuple[float | None, ...],
    formats: tuple[list[str], ...], rows: Rows, made: Path, tmp_path: Path,
) -> None:  # fmt: skip
    known, parts = Trials(rows), list[str]()
    for stage, sharp, clear, among in zip(("s2", "s5"), sharpness, clarity, formats, strict=True):
        parts += [f"{stage}.full_sharpness.min:{sharp!r}"] if sharp is not None else []
        parts += [f"{stage}.clarity.min:{clear!r}"] if clear is not None else []
        of = "s1" if stage == "s2" else stage
        parts += [f"{of}.format.in:{'|'.join(among)}"] if among else []
    moved = known.parsed(",".join(parts))
    try:
        every = trials.along(known.bounds, dict(moved))
    except UsageError as error:
        assert "passes the stages before" in str(error)
        return
    lines = [*trials.as_yaml("base", known.bounds, tuple(sorted(every.items())))]
    base = (made / "pipelines.yaml").read_text().replace("  curate:", "  base:")
    config = tmp_path / "moved.yaml"
    config.write_text(base + "\n".join(lines[1:] if every else []) + "\n")
    loading.load(str(config), "moved" if every else "base")


def test_rules_that_a_later_keep_no_longer_asks_are_held_back(rows: Rows) -> None:
    counts = {"stages": {of: {"dropped": {"a.min": n}} for n, of in enumerate(("s1", "s2", "s5"))}}
    assert rejudge._turned(counts, "s1", "s5") == {"s2 a.min": 1, "s5 a.min": 2}
    turned = rejudge._turned(counts, "s5", "s2")
    assert turned == {"s5 a.min": -2} and rejudge._turned(counts, "s5", "gone") == {}
    judged = replace(Trials(rows).trial(()).comparison, turned=turned)
    assert f"  {'s5 a.min':<28}{2:>9} held back, no longer dropped" in judged.as_text().split("\n")


@pytest.mark.parametrize("most", [0, 4 << 30])
def test_blocks_give_captions_vectors_and_inputs_as_files_do(
    most: int, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined, "MOST", most)
    by_blocks = {rows.units[0]: rows.units[:2], rows.units[2]: rows.units[2:]}
    names = ["key", "embedding", "looked:embedding", "caption_raw.length", "caption_raw.validity"]
    held = joined.Joined.of(rows.measured, by_blocks)
    for block in (*by_blocks, *by_blocks):
        units = by_blocks[block]
        files = pa.concat_tables(
            [rows.measured.with_inputs(rows.measured.read(of, names), of, ["luma"]) for of in units]
        )
        ours = held.with_inputs(held.read(block, names), block, ["luma"])
        assert ours.to_pydict() == files.to_pydict()
    kept = {name for _, name in held.held}
    assert "embedding" not in kept and ("key" in kept)
    assert len({block for block, _ in held.held}) == (1 if most == 0 else 2)


def test_of_texts_of_captions_their_number_is_held() -> None:
    chunks = [[["ink", "sea"], None], [[], ["sky"]]]
    words = pa.chunked_array(chunks, pa.list_(pa.string()))
    light = joined._light(pa.table({"caption_fused": words, "caption_raw.validity": words}))
    assert light.column("caption_fused").to_pylist() == [[None, None], None, [], [None]]
    assert captions.list_lengths(light.column("caption_fused")).tolist() == [2, -1, 0, 1]
    assert light.column("caption_raw.validity").to_pylist() == words.to_pylist()


def test_the_grid_shows_what_would_come_in(site: Site) -> None:
    verdicts = np.array(site.rows.column("verdict").to_pylist())
    for which, verdict in (("gained", "dropped"), ("lost", "kept")):
        asked = Asked(moved="s2.clarity.min:0.97", would=which, order="key")
        numbers = site.selection(asked).numbers  # others fill the quota
        assert len(numbers) and set(verdicts[numbers]) == {verdict}


def bound(stage: str, value: float, side: str, scale: float = 1.0) -> Bound:
    return Bound(stage, "grain", side, value, scale)  # type: ignore[arg-type]


def test_later_bounds_that_would_ask_less_move_along() -> None:
    bounds = {
        "s1.grain.min": bound("s1", 10, "min", 256.0),
        "s1.grain.max": bound("s1", 200, "max", 256.0),
        "s2.grain.min": bound("s2", 30, "min", 640.0),
        "s5.grain.min": bound("s5", 99, "min", 640.0),
    }
    assert trials.along(bounds, {}) == {}
    looser = trials.along(bounds, {"s5.grain.min": 1})  # no stage before it may ask more
    assert looser == {"s5.grain.min": 1, "s2.grain.min": 1, "s1.grain.min": 256 / 640}
    both = trials.along(bounds, {"s1.grain.min": 20.1, "s5.grain.min": 1})
    assert both["s5.grain.min"] == both["s2.grain.min"] and both["s1.grain.min"] == 20.1
    with pytest.raises(UsageError, match=r"s1\.grain\.max and s5\.grain\.min: no value can pass"):
        trials.along(bounds, {"s5.grain.min": 501})
    moved = trials.along(bounds, {"s1.grain.min": 20.1})
    assert moved["s2.grain.min"] / 640 >= 20.1 / 256 and "s5.grain.min" not in moved
    assert moved["s2.grain.min"] == pytest.approx(50.25, abs=1e-9)
    assert len(trials.along(bounds, {"s1.grain.min": 50})) == 3
    assert trials.along(bounds, {"s1.grain.max": 100}) == {"s1.grain.max": 100}


@pytest.mark.parametrize(
    ("moved", "says"),
    [
        ("s2.clarty.min:1", r"no bound 's2\.clarty\.min': .*did you mean 's2\.clarity\.min'"),
        ("s2.clarity.min:nan", "expected a number, not 'nan'"),
        ("s2.clarity.min:1e999", "expected a number"),
        ("s2.clarity.min:", "expected a number, not ''"),
        ("s2.luma.min:0.999", "at least 0.999 and at most 0.99: no value can pass"),
        ("x" * 5000, "no bound"),
        ("s1.format.in:", "format in none: no value can pass; expected one or more"),
        ("s1.format.in:WEBP", "s5.format.in: nothing of JPEG|PNG passes the stages before it"),
    ],
)
def test_what_is_no_bound_is_refused(moved: str, says: str, rows: Rows) -> None:
    known = Trials(rows)
    with pytest.raises(UsageError, match=says):
        known.trial(known.parsed(moved))


def test_sliders_stand_at_their_bounds(site: Site) -> None:
    moved = site.trials.parsed("s2.clarity.min:0.5")
    shown = {slider.name: slider for of in sliders.ruled(site, moved) for slider in of.sliders}
    assert shown.keys() == {name for name, of in site.trials.bounds.items() if of.side != "in"}
    for name, slider in shown.items():
        values = [float(of) for of in slider.values.split(",")]
        assert values == sorted(set(values)) and len(values) == slider.last + 1
        assert values[slider.edge] == pytest.approx(slider.value)
        assert slider.configured == site.trials.bounds[name].bound
    assert shown["s2.clarity.min"].value == 0.5 and shown["s2.clarity.min"].configured == 0.3


def test_lists_and_captions_have_their_numbers(site: Site) -> None:
    moved = site.trials.parsed("s1.format.in:PNG")
    shown = {choice.name: choice for of in sliders.ruled(site, moved) for choice in of.choices}
    formats = [of for of in site.rows.column("format").to_pylist() if of]
    first, second = (shown[f"{stage}.format.in"].options for stage in ("s1", "s5"))
    assert [(of.value, of.number) for of in first if of.number] == [("JPEG", len(formats))]
    now = {of.value: (of.passes, of.configured) for of in first}
    assert now["JPEG"] == now["WEBP"] == (False, True) and now["PNG"] == (True, True)
    assert now["BMP"] == (False, False)  # there is none, and it may be allowed
    assert {of.value for of in second if of.passes} == {"JPEG", "PNG"}  # those of its own
    texts = shown["s2.caption_raw.validity.in"]
    every = site.rows.column("caption_raw.validity").to_pylist()
    said = Counter(value for of in every for value in of or ())
    assert {of.value: of.number for of in texts.options if of.number} == said
    assert texts.what == "captions" and len(said) == 2
    trial = site.trials.trial(site.trials.parsed("s2.caption_raw.length.min:16"))
    lengths = [of or [] for of in site.rows.column("caption_raw.length").to_pylist()]
    kept = trial.rows["kept"]
    long = sum(n >= 16 for of, is_kept in zip(lengths, kept, strict=True) if is_kept for n in of)
    assert trial.comparison.captions_after["raw"] == long > 0
    assert trial.comparison.captions_before["raw"] > long
    along = site.trials.trial(site.trials.parsed("s1.format.in:JPEG"))
    assert dict(along.moved)["s5.format.in"] == ("JPEG",)
    assert trials.said(along.moved) == "s1.format.in:JPEG,s5.format.in:JPEG"


@given(lists(sampled_from(["a|b", "a,b", "a:b", "é", "%7C", "x y"]), min_size=1, unique=True))
def test_lists_in_links_are_read_as_they_were_said(values: list[str]) -> None:
    own = Bound("s1", "grain", "in", np.nan, among=("x y", "a,b"))
    text = categories.said(tuple(values))
    assert not set(",:") & set(text)
    assert {*categories.parsed(own, text, pa.string())} == {*values}
    for kind, text, says in (
        (pa.bool_(), "true|false", "false|true"), (pa.int8(), "3|12|3", "12|3"),
    ):  # fmt: skip
        assert categories.said(categories.parsed(own, text, kind)) == says
        with pytest.raises(UsageError, match="expected"):
            categories.parsed(own, "900", kind)


def test_the_server_judges(client: Client) -> None:
    said = client.get("/judge?moved=s2.clarity.min:0.97").content
    assert said["after"]["kept"] < said["before"]["kept"]
    assert said["numbers"]["lost"] and said["bounds"] == {
        "s2.clarity.min": 0.97,
        "s5.clarity.min": 0.97,
    }
    assert "clarity: {min: 0.97}" in said["yaml"] and said["links"]["lost"].startswith("/?")
    wrong = client.get("/judge?moved=s2.clarity.min:dark")
    assert (wrong.status, wrong.content["error"][:17]) == (400, "s2.clarity.min: e")


def test_rows_that_a_model_is_to_look_at_are_said(
    client: Client, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = site.trials.trial(())
    lacking = {"unmeasured": 3, "lacking": Counter({"nsfw_open": 3})}
    other = replace(trial, comparison=replace(trial.comparison, **lacking))
    assert "measuring" not in " ".join(client.get("/judge").content["notes"])
    monkeypatch.setattr(site.trials, "trial", lambda moved: other)
    notes = client.get("/judge").content["notes"]
    assert notes[0] == "3 rows need measuring by nsfw_open: beam run with this configuration"
