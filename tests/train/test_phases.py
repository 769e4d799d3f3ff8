"""The curriculum: what is trained on from step to step, and what it may be made of."""

import json

import pytest
import torch
from making import training_shards as shards
from making.commands import invoke
from making.training_runs import losses

from curation import shard
from curation.failures.errors import UsageError
from train import checkpoint_state, configuration_file, held_out, phases
from train.__main__ import app
from train.configuration import Configuration
from train.data import loading
from train.data.batches import RECONSTRUCT
from train.data.loading import Sources


def pair(number, inputs=1, size=2):
    """An edit of a string: the same in another colour."""
    colour, before = ("red", "blue") if number % 2 else ("blue", "red")
    row = shards.row("AE"[number % 2] + "H", colour, size, caption_recaption=None)
    source = {"bytes": shards.png(shards.draw("AE"[number % 2] + "H", before, size)), "path": None}
    said = {"text": f"make it {colour} {number}", "language": "en"}
    images = [source | {"bytes": source["bytes"]} for _ in range(inputs)]
    return row | {
        "id": shard.content_id(f"pair {number}".encode()),
        "inputs": images,
        "caption_instruction": [said],
    }


@pytest.fixture
def sources(tmp_path):
    """Shards of images of two sizes, and of pairs of one to three inputs."""
    (tmp_path / "images").mkdir()
    shards.write_all(tmp_path / "images")
    (tmp_path / "pairs").mkdir()
    rows = [pair(number, 1 + number % 3) for number in range(30)]
    shards.write(tmp_path / "pairs" / "part-0.parquet", rows)
    return tmp_path


def configured(**changes):
    given = {"preset": "test", "steps": 40, "batch": 8, "autoencoder": {"channels": 8}}
    return Configuration.model_validate({**given, **changes})


def test_phases_follow_one_another_and_the_last_goes_on():
    given = [{"steps": 10, "label": "first"}, {"steps": 5, "batch": 3}, {"learning_rate": 0.5}]
    settled = phases.of_run(configured(phases=given), "a")
    assert [(each.first, each.last, each.batch) for each in settled] == [
        (1, 10, 8),
        (11, 15, 3),
        (16, 40, 8),
    ]
    assert [each.named for each in settled] == ["phase first", "phase 2 of 3", "phase 3 of 3"]
    assert [phases.at(settled, step).first for step in (1, 10, 11, 15, 16, 40)] == [
        1,
        1,
        11,
        11,
        16,
        16,
    ]
    assert settled[2].learning_rate == 0.5
    assert settled[0].sources[0].pattern == "a"
    (only,) = phases.of_run(configured(), "a")
    assert (only.first, only.last) == (1, 40)


def test_only_the_last_phase_may_be_of_any_length():
    with pytest.raises(UsageError, match=r"phases\[0\]: expected steps; only the last"):
        phases.of_run(configured(phases=[{}, {"steps": 3}]), "a")


def test_a_run_of_few_steps_ends_before_the_last_phase():
    given = [{"steps": 30}, {"steps": 20}, {}]
    settled = phases.of_run(configured(phases=given), "a")
    assert [(each.first, each.last) for each in settled] == [(1, 30), (31, 40)]
    longer = phases.of_run(configured(phases=given, steps=60), "a")
    assert [(each.first, each.last) for each in longer] == [(1, 30), (31, 50), (51, 60)]


@pytest.mark.parametrize("name", configuration_file.presets())
def test_the_presets_phases_add_up(name):
    configuration = configuration_file.shipped(name)
    settled = phases.of_run(configuration, "shards")
    assert settled[-1].last == configuration.steps
    assert len(settled) == max(1, len(configuration.phases))


def test_tasks_and_sources_have_their_shares(sources):
    given = [
        {
            "tasks": {"t2i": 2, "ti2i": 1, "i2i": 1},
            "sources": [{"share": 3}, {"data": str(sources / "pairs"), "share": 1}],
        }
    ]
    loaded = loading.load(Sources(str(sources / "images"), looks=True), configured(phases=given))
    shown = [each for step in range(1, 41) for each in loaded.at(step)]
    counts = {task: sum(each.task == task for each in shown) for task in ("t2i", "ti2i", "i2i")}
    assert counts == {"t2i": 160, "ti2i": 80, "i2i": 80}
    for each in shown:
        if each.task == "ti2i":
            assert each.caption.startswith("make it ")
            assert 1 <= len(each.references) == len(each.images) <= 3
            assert each.references[0].shape == each.latents.shape
            assert not torch.equal(each.references[0], each.latents)
        else:
            assert not each.references
            assert len(each.images) == (each.task == "i2i")
            assert (each.caption == RECONSTRUCT) == (each.task == "i2i")
    edits = [each for each in shown if each.task == "ti2i"]
    assert {each.caption for each in edits} >= {f"make it red {n}" for n in (1, 3, 5)}


@pytest.mark.parametrize(("references", "latents", "images"), [("latents", 1, 0), ("text", 0, 1)])
def test_what_a_network_sees_of_inputs_is_chosen(sources, references, latents, images):
    data = {"tasks": {"ti2i": 1}, "references": references}
    asked = Sources(str(sources / "pairs"), looks=True)
    shown = loading.load(asked, configured(data=data)).at(1)
    assert all(bool(each.references) == latents for each in shown)
    assert all(bool(each.images) == images for each in shown)


@pytest.mark.parametrize(
    "data", [{"tasks": {"i2i": 1}}, {"tasks": {"ti2i": 1}, "references": "text"}]
)
def test_a_text_encoder_that_sees_nothing_is_refused_where_it_would_have_to(sources, data):
    pattern = str(sources / ("images" if "i2i" in data["tasks"] else "pairs"))
    with pytest.raises(UsageError, match="need a text encoder that sees images"):
        loading.load(Sources(pattern), configured(data=data))


def test_held_out_edits_are_shown_with_what_a_network_sees_of_their_inputs(sources):
    data = {"tasks": {"ti2i": 1}, "held_out": 0.3}
    loaded = loading.load(Sources(str(sources / "pairs"), looks=True), configured(data=data))
    chosen = held_out.tasks(loaded, 0)
    assert chosen
    for task in chosen:
        assert 1 <= len(task.inputs.references) == len(task.inputs.images) <= 3


def test_a_mix_in_a_file_stands_in_place_of_the_presets(tmp_path):
    config = tmp_path / "edits.yaml"
    config.write_text("data: {tasks: {ti2i: 1}}")
    settled = configuration_file.resolve("demo", config)
    assert settled.data.tasks == {"ti2i": 1.0}
    assert settled.data.resize  # the rest of the preset's stays


def test_a_task_that_no_source_has_rows_for_is_refused(sources):
    given = configured(phases=[{"label": "edits", "tasks": {"ti2i": 1}}])
    with pytest.raises(UsageError, match=r"edits: tasks asks for ti2i, and no source of it has"):
        loading.load(Sources(str(sources / "images")), given)


TWO = """
phases:
- {steps: 6}
- label: edits
  batch: 6
  tasks: {t2i: 1, ti2i: 2}
  frozen: text_encoder
  sources: [{}, {data: PAIRS}]
"""


def test_a_run_of_two_phases_is_the_same_after_a_stop_between_them(sources, tmp_path):
    config = tmp_path / "two.yaml"
    short = shards.TINY.replace("{width: 16}", "{width: 16, longest: 6}")
    config.write_text(short + TWO.replace("PAIRS", str(sources / "pairs")))

    def run(out, steps):
        arguments = ["--data", str(sources / "images"), "--out", str(tmp_path / out)]
        given = ["--config", str(config), "--steps", str(steps), "--threads", "1", "--json"]
        result = invoke(app, [*arguments, *given])
        assert result.exit_code == 0, result.output
        return result

    result = run("whole", 12)
    said = [line for line in result.stderr.splitlines() if line.startswith("phase ")]
    assert said == [
        "phase 1 of 2: steps 1 to 6, 16 samples each",
        "phase edits: steps 7 to 12, 6 samples each, 1 t2i : 2 ti2i",
    ]
    run("stopped", 7)
    again = run("stopped", 12)
    cut = json.loads(result.stdout)["captions_cut"]
    assert f"{cut} of 132 captions shown were cut" in result.stderr
    assert 80 < cut < 6 * 16 + 6 * 6 / 3 + 1  # not the empty ones, nor instructions
    assert json.loads(again.stdout)["captions_cut"] == cut
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")

    def weights(out, step):
        folder = tmp_path / out / f"checkpoint-{step}" / "training_state"
        return checkpoint_state.read(folder, "raw.")

    first, last = weights("whole", 7), weights("whole", 12)
    assert torch.equal(first["text_encoder.token.weight"], last["text_encoder.token.weight"])
    assert not torch.equal(first["transformer.out.weight"], last["transformer.out.weight"])
    assert json.loads(result.stdout)["step"] == 12


def test_freezing_what_there_is_not_is_refused(sources, tmp_path):
    config = tmp_path / "wrong.yaml"
    config.write_text(shards.TINY + "phases: [{frozen: transformer.block.}]\n")
    arguments = ["--data", str(sources / "images"), "--out", str(tmp_path / "out")]
    result = invoke(app, [*arguments, "--config", str(config)])
    assert result.exit_code == 2
    assert (
        "phase 1 of 1: frozen: no weight begins with 'transformer.block.'; there are"
        in result.stderr
    )
    assert "transformer.blocks.0" in result.stderr
