"""Bounds on every image of an edit pair, what holds instead for kinds, and columns of pairs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from making.collection import drawing, encoded
from making.pipelines import DUPLICATES, pipeline_text
from making.runs import digests, ledger_rows, run_in_process
from PIL import Image, ImageFilter

from curation.configuration import loading
from curation.configuration.models import Bound
from curation.failures.errors import UsageError
from curation.inspect import explain, gate, rejudge
from curation.judging.ledger import LedgerError
from curation.measuring import choosing
from curation.signals import pair_kind

STAGES: dict[str, dict[str, dict[str, object]]] = {
    "s1": {"short_side": {"min": 256}, **DUPLICATES},
    "s2": {
        "clarity": {"min": 0.3},
        "format": {"in": ["JPEG"]},
        "changed_share": {"min": 0.000025},
        "instruction_validity": {"in": ["valid"]},
        "aspect_difference": {"max": 1.1},
    },
}
INSTEAD = (
    "edits: {restoration: {inputs: {clarity: any}}, view: {inputs: {short_side: {min: 128}}, "
    "image: {aspect_difference: {max: 1.2}}}}"
)
TEXT = pipeline_text(STAGES, top=[INSTEAD])


def blurred(seed: int) -> Image.Image:
    return drawing(seed).filter(ImageFilter.GaussianBlur(9))


def repainted(seed: int) -> Image.Image:
    image = drawing(seed)
    image.paste(drawing(seed + 50, 90), (20, 40))
    return image


def put(root: Path, name: str, result: bytes, inputs: list[bytes], **said: Any) -> None:
    (root / f"{name}.jpg").write_bytes(result)
    for number, data in enumerate(inputs, 1):
        (root / f"{name}.input{number}.jpg").write_bytes(data)
    side = {"instruction": "make the left corner colourful"} | said
    (root / f"{name}.json").write_text(json.dumps(side))


def make(root: Path) -> Path:
    root.mkdir()
    good, small = encoded(repainted(1)), encoded(drawing(1, 200))
    put(root, "good", good, [encoded(drawing(1))])
    put(root, "small", good, [encoded(drawing(1)), small])
    put(root, "seen", good, [encoded(drawing(1)), small], edit_kind="view")
    put(root, "soft", encoded(repainted(2)), [encoded(blurred(2))])
    put(root, "deblur", encoded(repainted(3)), [encoded(blurred(3))], edit_kind="restoration")
    put(root, "soft-result", encoded(blurred(4)), [encoded(drawing(4))], edit_kind="restoration")
    put(root, "png", encoded(repainted(5)), [encoded(drawing(5)), encoded(drawing(5), "PNG")])
    put(root, "same", encoded(drawing(6)), [encoded(drawing(6), quality=60)])
    said = {"instruction": "I cannot help.", "edit_kind": "restoratoin"}
    put(root, "refusal", encoded(repainted(7)), [encoded(drawing(7))], **said)
    put(root, "wide", encoded(repainted(8).crop((0, 0, 288, 260))), [encoded(drawing(8))])
    wide = encoded(repainted(10).crop((0, 0, 288, 258)))
    put(root, "seen-wide", wide, [encoded(drawing(10))], edit_kind="view", instruction="from above")
    (root / "alone.jpg").write_bytes(encoded(drawing(9)))
    (root / "alone-small.jpg").write_bytes(small)
    return root


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bounds")
    (root / "pipelines.yaml").write_text(TEXT)
    run_in_process(make(root / "in"), root / "out")
    return root / "out"


def verdicts(output: Path) -> dict[str, tuple[Any, ...]]:
    rows = ledger_rows(output)
    names = ("verdict", "rule", "reason")
    return {row["key"].partition(".")[0]: tuple(row[of] for of in names) for row in rows}


def test_a_row_falls_by_the_first_image_that_fails_and_the_ledger_says_which(output: Path) -> None:
    rows = verdicts(output)
    kept = ("kept", None, None)
    assert {name for name, of in rows.items() if of == kept} == {
        *("good", "deblur", "seen", "seen-wide", "alone")
    }
    assert rows["small"] == ("dropped", "short_side.min", "input 2")
    assert rows["soft"] == ("dropped", "clarity.min", "input 1")
    assert rows["soft-result"] == ("dropped", "clarity.min", None), "an exemption of its inputs"
    assert rows["png"][1:] == ("format.in", "input 2: format is PNG; expected one of JPEG")
    assert rows["same"] == ("dropped", "changed_share.min", None)
    assert rows["refusal"][1] == "instruction_validity.in"
    assert rows["wide"] == ("dropped", "aspect_difference.max", None)
    assert rows["alone-small"] == ("dropped", "short_side.min", None)
    small = next(row for row in ledger_rows(output) if row["key"] == "small.jpg")
    assert (small["value"], small["bound"]) == (200, 256)


def test_a_kind_that_is_not_known_is_told_with_the_nearest_that_is(output: Path) -> None:
    (note,) = json.loads((output / "run.json").read_text())["counts"]["notes"]
    assert note.startswith("edit_kind 'restoratoin' is not known and was passed over in 1 pair: ")
    assert "did you mean 'restoration'? docs/edits.md lists the kinds" in note
    assert "did you mean 'attribute'?" in pair_kind.note("colour", 2), "of which it is an operation"
    assert "mean" not in pair_kind.note("qqqq", 2)
    assert "restoratoin" in (output / "report.html").read_text("utf-8")


def test_an_explanation_shows_every_image(output: Path) -> None:
    (explanation,) = explain.explain(str(output), "small.jpg")
    assert [of["short_side"] for of in explanation.inputs] == [288, 200]
    text = explain.as_text(explanation)
    assert "short_side.min: input 2: 200 is below 256" in text and "  input 2\n" in text
    assert "  instruction   (its text is in the source alone)\n" in text
    failed = [of for of in explanation.checks if of.outcome == "failed"]
    assert [(of.rule, of.value) for of in failed] == [("short_side.min", 200)]


def test_what_a_kept_pair_asks_for_is_explained_before_all_else_of_it(output: Path) -> None:
    (explanation,) = explain.explain(str(output), "seen.jpg")
    short = explain.as_text(explanation, short=True)
    assert short.index("  instruction   make the left corner colourful\n") < short.index("  edit ")


def test_what_holds_instead_is_decided_anew_without_an_image(output: Path, tmp_path: Path) -> None:
    before = digests(output, ("signals",))
    looser = tmp_path / "looser.yaml"
    more = "restoration: {image: {clarity: any}, inputs"
    looser.write_text(TEXT.replace("restoration: {inputs", more))
    again = rejudge.compare(str(output), str(looser))
    assert (again.before["kept"], again.after["kept"], again.lost) == (5, 6, 0)
    assert digests(output, ("signals",)) == before


def test_the_gate_holds_every_image_of_kept_pairs_against_bounds(
    output: Path, tmp_path: Path
) -> None:
    checked = gate.check(str(output))
    assert all(of.passed for of in checked)
    of_inputs = {of.column: of.rows for of in checked if of.name == "of_inputs"}
    assert of_inputs == {"short_side": 2, "clarity": 4, "format": 5}, "but those of freed kinds"
    copied = shutil.copytree(output, tmp_path / "out")
    broken = {"good.jpg": {"short_side": 200, "format": None}, "seen.jpg": {"short_side": 1}}
    for path in (copied / "signals").glob("base-*/*.parquet"):
        table = pq.read_table(path)
        rows = table.to_pylist()
        for row in rows:
            if row["key"] in broken:
                row["inputs"][-1] |= broken[row["key"]]
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    says = r"2 of \d+ promises broken: short_side of inputs at least 256, .*: 1 row, as 200; format"
    with pytest.raises(LedgerError, match=says):
        gate.check(str(copied))


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ("{restored: {}}", "unknown kind 'restored'.*restoration"),
        ("{restoration: {inputs: {claritty: any}}}", "unknown column 'claritty'.*clarity"),
        ("{restoration: {inputs: {clarity: none}}}", "clarity"),
        ("{restoration: {input: {clarity: any}}}", "inputs"),
    ],
)
def test_a_mistake_in_what_holds_instead_is_told(
    tmp_path: Path, instead: str, message: str
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(pipeline_text(STAGES, top=[f"edits: {instead}"]))
    with pytest.raises(UsageError, match=message):
        pipeline = loading.load(str(path))
        loading.check_columns(pipeline, choosing.known_columns(choosing.chosen(pipeline)))


def framed(image: Image.Image) -> bytes:
    """With a black frame around it."""
    framed = Image.new("RGB", (image.width + 80, image.height + 80))
    framed.paste(image, (40, 40))
    return encoded(framed)


def test_models_look_at_inputs_where_a_bound_asks(tmp_path: Path) -> None:
    """Also of edits that they saw before they knew of inputs; of other rows nothing changes."""
    stages = {"s1": {"short_side": {"min": 256}}, "s2": {"borders": {"max": 0.04}}}
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(stages))
    source = tmp_path / "in"
    source.mkdir()
    put(source, "good", encoded(repainted(1)), [encoded(drawing(1))])
    put(source, "framed", encoded(repainted(2)), [encoded(drawing(2)), framed(drawing(2))])
    (source / "alone.jpg").write_bytes(encoded(drawing(3)))
    run_in_process(source, tmp_path / "out")
    expected = verdicts(tmp_path / "out")
    assert expected["framed"] == ("dropped", "borders.max", "input 2")
    assert {expected[name][0] for name in ("good", "alone")} == {"kept"}
    after, looked = digests(tmp_path / "out"), []
    for path in (tmp_path / "out" / "signals").glob("borders-*/*.parquet"):
        table = pq.read_table(path)
        if "inputs" in table.column_names:  # no file without edits has it
            looked += [len(of or ()) for of in table.column("inputs").to_pylist()]
            pq.write_table(table.drop_columns(["inputs"]), path)  # as files of before
    assert sorted(looked)[-2:] == [1, 2]
    run_in_process(source, tmp_path / "out", verify=True)
    assert digests(tmp_path / "out", ("ledger", "shards")) == {
        name: digest for name, digest in after.items() if name.startswith(("ledger", "shards"))
    }


def test_quotas_go_by_what_pairs_are(tmp_path: Path) -> None:
    quota = "quotas: {images: {by: edit_images, share: {multi: 0.25}, since: s1}}"
    text = pipeline_text({"s1": {"short_side": {"min": 256}}}, top=[quota])
    (tmp_path / "pipelines.yaml").write_text(text)
    source = tmp_path / "in"
    source.mkdir()
    for number in range(3):
        put(source, f"single{number}", encoded(repainted(number)), [encoded(drawing(number))])
        inputs = [encoded(drawing(number + 10)), encoded(drawing(number))]
        put(source, f"multi{number}", encoded(repainted(number + 10)), inputs)
    run_in_process(source, tmp_path / "out")
    rows = verdicts(tmp_path / "out")
    assert sum(of[0] == "kept" for name, of in rows.items() if name.startswith("multi")) == 1
    assert all(of[0] == "kept" for name, of in rows.items() if name.startswith("single"))


def test_rendered_pairs_pass_the_bounds_of_edits_and_the_quotas_of_the_docs(tmp_path: Path) -> None:
    """Those with one English and one Chinese instruction, which `languages` call `both`."""
    page = (Path(__file__).parents[2] / "docs" / "edits.md").read_text("utf-8")
    quotas = page.partition("### Quotas\n")[2].partition("    quotas:\n")[2].partition("\n\n")[0]
    lines = "\n".join(line.removeprefix("    ").strip() for line in quotas.splitlines())
    top = "quotas: {" + ", ".join(lines.splitlines()).replace("s3", "s2") + "}"
    (tmp_path / "pipelines.yaml").write_text(pipeline_text(STAGES, top=[top]))
    source = tmp_path / "in"
    source.mkdir()
    said = {"instruction": None, "instruction_en": "paint the corner", "instruction_zh": "涂角落"}
    for number in range(3):
        image = encoded(repainted(number))
        put(source, f"a{number}", image, [encoded(drawing(number))], edit_kind="text", **said)
    run_in_process(source, tmp_path / "out")
    assert [row["verdict"] for row in ledger_rows(tmp_path / "out")] == ["kept"] * 3


def test_the_preset_for_edits_has_no_quota_on_what_is_rendered() -> None:
    quotas = {name: loading.load(None, name).quotas for name in ("curate", "edits")}
    names = {name: [quota.name for quota in of] for name, of in quotas.items()}
    assert "synthetic" in names["curate"] and "synthetic" not in names["edits"]
    captioned = loading.load(None, "edits-captioned")
    assert "captioning.edit_instruction" in captioned.signals


def test_the_presets_for_edits_ask_nothing_of_captions_that_a_model_writes() -> None:
    for name in ("edits", "edits-captioned"):
        pipeline = loading.load(None, name)
        asked = [*pipeline.measure, *pipeline.groupings, *pipeline.quotas]
        assert not asked and all(
            "recaption" not in (of.captions or ()) for of in pipeline.stages
        ), name


def test_what_a_style_or_a_subject_keeps_of_its_input_may_be_less() -> None:
    pipeline = loading.load(None, "edits")
    usual = pipeline.stages[pipeline.number_of("s3")].bounds["input_similarity"].min
    kinds = ("style", "subject", "composition")
    instead = [pipeline.edits[kind].image.get("input_similarity") for kind in kinds]
    of_kinds = [of.min if isinstance(of, Bound) else None for of in instead]
    assert (usual, of_kinds) == (0.6, [0.5, 0.5, None]), "as docs/edits.md says and measured"
    freed = {kind for kind, of in pipeline.edits.items() if "least_input_similarity" in of.image}
    assert freed == {"restoration", "task", "depth", "style", "reference"}


def test_a_signal_left_out_takes_what_holds_instead_along() -> None:
    left = choosing.without(loading.load(None, "curate"), ["pair_similarity"])
    assert "input_similarity" not in left.edits["task"].image
    loading.check_columns(left, choosing.known_columns(choosing.chosen(left)))
