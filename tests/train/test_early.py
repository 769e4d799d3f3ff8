"""A run that ends early: with the weights of its best evaluation, however often it was killed."""

import json

import pytest
from making import training_shards as shards
from making.training_runs import assert_same_state, losses, tensors, train, train_killed

from curation.failures.errors import UsageError
from infer import checkpoints
from train import checkpoint_folder, checkpoint_writing, configuration_file
from train.early import Early
from train.tuning import StopConfiguration

STOP = "{patience: 2, figures: {held_out_loss: min}}"
RUN = shards.TINY.replace("steps: 40", "steps: 60").replace("every: 20", f"every: 6, stop: {STOP}")
RUN = RUN.replace("gradients: true", "gradients: false").replace("learning_rate: 0.005", "{rate}")


def config(tmp_path, rate="0.005"):
    """A run whose loss falls for a while, and then rises: the rate is far too high at last."""
    path = tmp_path / "run.yaml"
    text = RUN.replace("{rate}", f"learning_rate: {rate}")
    path.write_text(text + "phases: [{steps: 12}, {label: sft, learning_rate: 0.6}]\n")
    return path


@pytest.fixture(scope="module")
def ended(tiny, tmp_path_factory):
    folder, pattern, _ = tiny
    place = tmp_path_factory.mktemp("early")
    given = (folder, pattern, config(place))
    told = train(given, place / "out")
    return given, place / "out", told


def evaluations(out):
    return [json.loads(line) for line in (out / "evaluations.jsonl").open()]


def test_it_ends_with_the_best_weights_of_the_last_phase(ended):
    _, out, told = ended
    *during, final = evaluations(out)
    by_step = {each["step"]: each["held_out_loss"] for each in during}
    counted = {step: loss for step, loss in by_step.items() if step >= 12}
    best = min(counted, key=counted.get)
    assert max(by_step) == best + 12 < 60
    assert len(losses(out)) == max(by_step)
    assert f"no better in 2 evaluations than after step {best} (held_out_loss)" in told.stderr
    assert (out / "latest").read_text() == f"checkpoint-{best}\n"
    assert (final["step"], final["of_step"]) == (best + 12, best)
    result = json.loads((out / "result.json").read_text())
    assert result["held_out_loss"] == final["held_out_loss"]
    assert result["held_out_loss"] == pytest.approx(by_step[best], rel=1e-6)
    assert result["checkpoint"].endswith(f"checkpoint-{best}")
    folder = checkpoints.find(out)
    assert checkpoints.unfinished(folder) is None
    assert "not finished" not in (folder / "README.md").read_text()


def test_it_is_finished_then(ended):
    given, out, _ = ended
    assert "nothing to do" in train(given, out).stderr


@pytest.mark.parametrize("at", [14, 22])
def test_killed_it_ends_the_same(at, ended, tmp_path):
    given, out, _ = ended
    again = tmp_path / "again"
    train_killed(given, again, at)
    train(given, again)
    best = evaluations(out)[-1]["of_step"]
    assert_same_state(out, again, best)
    plain = [
        [{k: v for k, v in each.items() if k != "cpu_seconds"} for each in evaluations(place)]
        for place in (out, again)
    ]
    assert plain[0] == plain[1]


def test_weights_that_are_gone_are_not_what_a_run_ends_with(tiny, tmp_path):
    folder, pattern, _ = tiny
    text = shards.TINY.replace("every: 20", "every: 6")
    path = tmp_path / "run.yaml"
    path.write_text(text)
    train_killed((folder, pattern, path), tmp_path / "out", 16)
    stop = "stop: {patience: 1, figures: {held_out_loss: max}}"  # the first is best, as losses fall
    path.write_text(text.replace("every: 6", f"every: 6, {stop}"))
    told = train((folder, pattern, path), tmp_path / "out").stderr
    for step in (6, 12):
        gone = tmp_path / "out" / f"checkpoint-{step}"
        assert f"{gone} is gone: evaluation.stop does without its evaluation" in told
    assert (tmp_path / "out" / "latest").read_text() == "checkpoint-18\n"


def test_the_best_of_every_place_to_go_on_from_is_kept(tmp_path):
    stop = StopConfiguration(figures={"held_out_loss": "min"})
    plain = configuration_file.shipped("demo")
    settings = plain.model_copy(
        update={
            "steps": 600,
            "evaluation": plain.evaluation.model_copy(update={"stop": stop}),
            "checkpoint": plain.checkpoint.model_copy(update={"keep": 1}),
            "optimiser": plain.optimiser.model_copy(update={"decay": 0.5}),
        }
    )
    losses_by_step = {100: 2.0, 200: 3.0, 301: 2.5, 400: 1.0, 450: 1.5, 500: 0.5}
    for step in losses_by_step:
        (tmp_path / f"checkpoint-{step}" / checkpoint_folder.STATE).mkdir(parents=True)
    lines = [json.dumps({"step": s, "held_out_loss": x}) for s, x in losses_by_step.items()]
    (tmp_path / "evaluations.jsonl").write_text("\n".join(lines))
    checkpoint_writing._drop_old(tmp_path, tmp_path / "checkpoint-450", settings)
    left = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert left == [f"checkpoint-{step}" for step in (100, 301, 400, 450)]


def test_where_nothing_gets_better_it_ends_as_it_began(tiny, undisturbed, tmp_path):
    folder, pattern, _ = tiny
    path = tmp_path / "run.yaml"
    text = RUN.replace("{rate}", "learning_rate: 0.9")
    path.write_text(text + f"weights: {undisturbed[0] / 'checkpoint-40'}\n")
    train((folder, pattern, path), tmp_path / "out")
    assert (tmp_path / "out" / "latest").read_text() == "checkpoint-0\n"
    for part in ("transformer", "text_encoder", "autoencoder"):
        base = tensors(undisturbed[0] / "checkpoint-40" / part)
        own = tensors(tmp_path / "out" / "checkpoint-0" / part)
        assert base
        assert all(own[name].equal(value) for name, value in base.items()), part


def test_a_text_encoder_of_other_settings_is_not_taken_over(tiny, undisturbed, tmp_path):
    folder, pattern, _ = tiny
    path = tmp_path / "run.yaml"
    text = shards.TINY.replace("text_encoder: {width: 16}", "text_encoder: {width: 16, view: 32}")
    path.write_text(text + f"weights: {undisturbed[0]}\n")
    told = train((folder, pattern, path), tmp_path / "out", code=2).stderr.splitlines()[-1]
    assert "not of the text encoder of this run; give text_encoder the settings" in told


def early(patience=2, since=0, **figures):
    return Early(
        StopConfiguration(patience=patience, **({"figures": figures} if figures else {})), since
    )


def test_the_first_figure_counts_first_and_then_the_second():
    ending = early()
    for step, (accuracy, loss) in enumerate([(0.5, 1.0), (0.5, 0.9), (0.4, 0.1), (None, 0.0)]):
        ending.add(step, {"held_out_accuracy": accuracy, "held_out_loss": loss})
        assert ending.best == min(step, 1)
        assert ending.is_over == (step == 3)
    later = early(since=5)
    later.add(4, {"held_out_accuracy": 1.0, "held_out_loss": 0.0})
    assert later.best is None
    assert not later.is_over


def test_a_figure_that_nobody_measures_is_named():
    with pytest.raises(UsageError, match=r"no score; the evaluators of this run give a, b"):
        early(score="max").add(0, {"a": 1, "b": 2, "cpu_seconds": 3})


def test_figures_of_which_none_is_known_choose_nothing():
    ending = early()
    unknown = {"held_out_accuracy": None, "held_out_loss": None}
    with pytest.raises(UsageError, match=r"not known, as no images are held out: raise data.held"):
        ending.add(0, unknown)
    ending.recall([(0, unknown), (5, {}), (10, {**unknown, "held_out_loss": 1.0})])
    assert ending.best == 10
