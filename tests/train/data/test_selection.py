"""Which rows are trained on: stage, bounds and weights, and what is told of the others."""

import json

import pyarrow as pa
import pytest
from making import training_shards as shards
from making.places import ROOT
from making.training_data import load, trained

from curation import shard
from curation.configuration import loading
from curation.configuration.models import resolved
from curation.failures.errors import UsageError
from train import configuration_file
from train.configuration import Configuration, DataConfiguration

FIELDS = [
    pa.field("clarity", pa.float32()),
    pa.field("category", pa.string()),
    pa.field("boost", pa.int32()),
]


def write(folder, rows):
    """A shard with some columns of measurements in ``folder``, captions numbered."""
    filled = [
        shards.row("A", "red", caption_recaption=[{"text": f"row {number}"}])
        | dict.fromkeys(field.name for field in FIELDS)
        | row
        for number, row in enumerate(rows)
    ]
    schema = shard.schema(FIELDS)
    table = pa.Table.from_pylist(filled, schema=schema)
    folder.mkdir(parents=True, exist_ok=True)
    shard.write(str(folder / "part-00000.parquet"), table.to_batches(), schema)
    return folder


def numbers(pattern, **options):
    """The numbers of the rows that an epoch shows, and what was left out."""
    loaded = load(pattern, held_out=0, **options)
    rows = sorted(int(caption.split()[1]) for _, caption in trained(loaded))
    return rows, dict(loaded.skipped.counts), loaded


def test_rows_of_a_stage_are_those_that_passed_it_or_a_deeper_one(tmp_path):
    stages = ["s1", "s2", "s3", None, "s2"]
    folder = write(tmp_path / "shards", [{"stage": stage} for stage in stages])
    record = {"configuration": {"stages": {"s1": {}, "s2": {}, "s3": {}}}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    rows, skipped, loaded = numbers(folder, stage="s2")
    assert rows == [1, 2, 4]
    assert skipped == {"without a stage": 1, "of an earlier stage": 1}
    told = "\n".join(loaded.skipped.lines(DataConfiguration(stage="s2")))
    assert "1 without a stage (rows that `beam run` never judged, such as rendered ones" in told
    assert "data.stage asks for s2 or deeper" in told
    assert numbers(folder, stage="s1")[0] == [0, 1, 2, 4]
    assert numbers(folder)[0] == [0, 1, 2, 3, 4]
    with pytest.raises(UsageError, match=r"data.stage s4: its run has the stages s1, s2, s3"):
        load(folder, stage="s4")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=r"run\.json: not what `beam run` writes"):
        load(folder, stage="s2")


def test_the_order_of_stages_is_read_as_beam_run_writes_it(tmp_path):
    pipeline = loading.load(str(ROOT / "pipelines.yaml"), "curate")
    names = [stage.name for stage in pipeline.stages]
    folder = write(tmp_path / "shards", [{"stage": name} for name in names])
    record = {"configuration": resolved(pipeline)}
    (tmp_path / "run.json").write_text(json.dumps(record, sort_keys=False))
    for place, name in enumerate(names):
        assert numbers(folder, stage=name)[0] == list(range(place, len(names)))


def test_without_a_run_beside_no_stage_is_taken_for_a_deeper_one(tmp_path):
    folder = write(tmp_path / "mixed", [{"stage": "s2"}, {"stage": "s9"}])
    with pytest.raises(UsageError, match=r"part-00000.parquet: data.stage s2: rows are of stage"):
        load(folder, stage="s2")
    assert numbers(folder, where={"stage": {"in": ["s2", "s9"]}})[0] == [0, 1]
    alone = write(tmp_path / "alone", [{"stage": "s2"}, {"stage": None}])
    assert numbers(alone, stage="s2")[0] == [0]


def test_bounds_choose_rows_and_a_null_is_outside(tmp_path):
    values = [(0.2, "cat"), (0.5, "dog"), (0.9, "cat"), (None, "cat"), (0.7, None)]
    rows = [{"clarity": clarity, "category": category} for clarity, category in values]
    folder = write(tmp_path / "a", rows)
    assert numbers(folder, where={"clarity": {"min": 0.5}})[0] == [1, 2, 4]
    assert numbers(folder, where={"clarity": {"min": 0.3, "max": 0.8}})[0] == [1, 4]
    found, skipped, loaded = numbers(
        folder, where={"category": {"in": ["cat"]}, "clarity": {"max": 1}}
    )
    assert found == [0, 2]
    assert skipped == {"outside data.where": 3}
    assert "3 outside data.where (of category, clarity; a null is outside, too)" in list(
        loaded.skipped.lines(
            DataConfiguration(where={"category": {"in": ["cat"]}, "clarity": {"max": 1}})
        )
    )
    assert numbers(folder, where={"synthetic": {"in": [True]}, "width": {"in": [32]}})[0] == [
        *range(5)
    ]
    with pytest.raises(UsageError, match=r"nothing to train on: 5 outside data\.where"):
        load(folder, where={"synthetic": {"in": [False]}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"where": {"clarit": {"min": 1}}},
            "parquet: data.where: there is no column 'clarit': did you mean",
        ),
        ({"where": {"category": {"min": 1}}}, "data.where.category: min and max need numbers, not"),
        ({"where": {"boost": {"in": ["a"]}}}, "data.where.boost: in: the column is of int32"),
        ({"where": {"clarity": {}}}, "data.where.clarity"),
        ({"weight": "waight"}, "data.weight: there is no column 'waight': did you mean 'weight'"),
        ({"weight": "category"}, "data.weight category: expected numbers, not string"),
        ({"weight": "boost"}, "data.weight boost: expected numbers from 0 up, not -1"),
    ],
)
def test_what_cannot_be_asked_is_told_with_file_and_key(tmp_path, options, message):
    folder = write(tmp_path, [{"boost": -1, "weight": 1.0}])
    with pytest.raises((UsageError, ValueError)) as caught:
        load(folder, **options)
    assert message in str(caught.value)
    assert "part-00000.parquet" in str(caught.value) or isinstance(caught.value, ValueError)


def test_weights_are_multiplied_and_a_null_is_1(tmp_path):
    rows = [{"weight": 1.0, "boost": 1}] * 8 + [{"weight": 2.0, "boost": 3}] * 4
    rows += [{"weight": None, "boost": 1}, {"weight": 0.0, "boost": 2}]
    folder = write(tmp_path, rows)
    found, skipped, loaded = numbers(folder, weight=("weight", "boost"))
    assert skipped == {"of weight 0": 1}
    assert loaded.batches.latents[0].index.weight.tolist() == [1.0] * 8 + [6.0] * 4 + [1.0]
    assert len(found) == 13
    assert 9 <= sum(8 <= row < 12 for row in found) <= 10  # 24 of 33 by weight
    with pytest.raises(UsageError, match=r"nothing to train on: 14 outside data\.where"):
        load(folder, where={"weight": {"min": 9}})


def test_a_caption_of_an_earlier_stage_is_not_taken(tmp_path):
    captions = {"good": "s3", "poor": "s2", "new": None, "fallen": ""}
    raw = [{"text": f"row 0 {text}", "stage": stage} for text, stage in captions.items()]
    late = {"stage": "s3", "caption_recaption": None, "caption_raw": raw}
    folder = write(tmp_path / "shards", [late, late | {"caption_raw": raw[1:2]}])
    record = {"configuration": {"stages": {"s2": {}, "s3": {}}}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    loaded = load(folder, held_out=0, stage="s3")
    assert loaded.skipped.counts == {"without a caption": 1}
    assert loaded.shown[0].examples[0].captions == ("row 0 good", "row 0 new")
    every = load(folder, held_out=0).shown[0].examples[0].captions
    assert every == ("row 0 good", "row 0 poor", "row 0 new")


ASKED = """
data:
  stage: s2
  where:
    clarity: {min: 1}
    category: {in: [poster, sign]}
    synthetic: {in: [false]}
  weight: rarity
  captions: {caption_raw: 2}
  resolution: 256
"""


def test_what_is_asked_in_yaml_is_what_a_checkpoint_remembers(tmp_path):
    file = tmp_path / "asked.yaml"
    file.write_text(ASKED)
    asked = configuration_file.resolve("demo", file)
    assert asked.data.where["category"].among == ("poster", "sign")
    assert asked.data.where["synthetic"].among == (False,)
    assert asked.data.weight == ("rarity",)
    assert asked.data.splits == {"caption_raw": 2}
    assert Configuration.model_validate_json(asked.model_dump_json()) == asked
    assert '"in":["poster","sign"]' in asked.model_dump_json()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("  where: {clarity: {mni: 1}}", "unknown key 'data.where.clarity.mni'"),
        ("  where: {clarity: {}}", "expected min, max or in"),
        ("  captions: {caption_rwa: 1}", "asked.yaml:2"),
        ("  weight: 3", "asked.yaml:2"),
        ("  sizes: [64]", "asked.yaml:2"),
    ],
)
def test_what_is_asked_wrongly_in_yaml_is_told_with_its_line(tmp_path, line, message):
    file = tmp_path / "asked.yaml"
    file.write_text(f"data:\n{line}\n")
    with pytest.raises(Exception, match=r"asked\.yaml:2") as caught:
        configuration_file.resolve("demo", file)
    assert message in str(caught.value)
