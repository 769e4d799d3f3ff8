"""Students of few steps: exact resume, what they are drawn to, and mistakes said."""

import json

import pytest
import torch
from making.training_runs import assert_same_state, tensors, train, train_killed

from infer import checkpoints
from train import loop
from train.flow import Flow, Within

RUN = """
steps: 4
batch: 4
precision: fp32
tokens_at_once: 400
weights: {weights}
ema: {{decay: 0.5}}
log_every: 1
data: {{sizes: [], held_out: 0.2}}
autoencoder: {{channels: 8}}
text_encoder: {{width: 16}}
model: {{layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6], patch: 2}}
optimiser: {{kind: adamw, learning_rate: 0.003, warmup: 1}}
evaluation: {{gradients: false, every: 4, images: 4, steps: 2, grid: 4}}
checkpoint: {{every: 2}}
objective: {{{objective}}}
{more}
"""
IMITATION = "name: imitation, steps: 2, teacher_steps: 2, guidance: 3"
DMD = "name: dmd, steps: 2, guidance: 3, fake_updates: 2"


@pytest.fixture
def given(tiny, undisturbed, tmp_path):
    """Arguments of a run with an objective, from the tiny model."""

    def call(objective, more="", weights=None, **changes):
        folder, pattern, _ = tiny
        path = tmp_path / "run.yaml"
        start = undisturbed[0] / "checkpoint-40" if weights is None else weights
        text = RUN.format(weights=start or '""', objective=objective, more=more)
        for old, new in changes.items():
            text = text.replace(old, new)
        path.write_text(text)
        return folder, pattern, path

    return call


def card(folder):
    return (folder / "README.md").read_text()


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").open()]


def fake_of(folder):
    """The weights of the fake network in a checkpoint, by name."""
    state = tensors(folder / "training_state")
    return {name.split(":")[1]: value for name, value in state.items() if ":raw.fake." in name}


@pytest.mark.parametrize("states", ["teacher", pytest.param("student", marks=pytest.mark.drill)])
def test_imitation_is_killed_and_ends_the_same(states, given, undisturbed, tmp_path):
    settings = given(f"{IMITATION}, updates: 2, states: {states}")
    train(settings, tmp_path / "out")
    train_killed(settings, tmp_path / "again", 4)  # within a path
    train(settings, tmp_path / "again")
    assert_same_state(tmp_path / "out", tmp_path / "again", 4)
    every = lines(tmp_path / "out")
    assert [each["groups"]["step/2"][1] for each in every] == [4] * 4
    if states == "teacher":
        assert every[1]["loss"] < every[0]["loss"]
        assert every[3]["loss"] < every[2]["loss"]
    start, end = undisturbed[0] / "checkpoint-40", tmp_path / "out" / "checkpoint-4"
    for name, same in (("text_encoder", True), ("transformer", False)):
        before, after = (tensors(folder / name) for folder in (start, end))
        assert all(torch.equal(before[key], after[key]) for key in before) == same
    assert (tmp_path / "out" / "samples" / "before-and-after.png").is_file()
    usual = checkpoints.defaults(end)
    assert (usual.steps, usual.guidance) == (2, 1)
    assert "student of few steps (objective `imitation`): it generates in 2" in card(end)


@pytest.mark.parametrize("more", ["", pytest.param("adapter: {rank: 2}", marks=pytest.mark.drill)])
def test_dmd_is_killed_and_ends_the_same(more, given, undisturbed, tmp_path):
    settings = given(DMD, more=more)
    told = train(settings, tmp_path / "out").stderr
    assert "and as many of a fake network" in told
    train_killed(settings, tmp_path / "again", 4)
    train(settings, tmp_path / "again")
    assert_same_state(tmp_path / "out", tmp_path / "again", 4)
    assert all(each["figures"]["distance"] > 0 for each in lines(tmp_path / "out"))
    first, last = (fake_of(tmp_path / "out" / f"checkpoint-{step}") for step in (2, 4))
    moved = {name for name in last if not torch.equal(first[name], last[name])}
    state = tensors(tmp_path / "out" / "checkpoint-4" / "training_state")
    names = {name.split(":")[1] for name in state}
    learns = {name.rpartition(".")[0] for name in names if name.startswith("optimiser.fake.")}
    assert {name.replace("raw.", "optimiser.", 1) for name in moved} == learns != set()
    assert not any(name.startswith("ema.0.fake.") for name in names)
    assert ("--steps 2 --guidance 1" in card(tmp_path / "out" / "checkpoint-4")) == bool(more)


def test_a_fake_network_that_is_the_teacher_leads_nowhere(given, undisturbed, tmp_path):
    """Where the student has the teacher's distribution there is nothing to learn."""
    still = "optimiser: {kind: adamw, learning_rate: 1.0e-30, warmup: 1}"
    settings = given(
        DMD.replace("guidance: 3", "guidance: 1"),
        **{
            "optimiser: {kind: adamw, learning_rate: 0.003, warmup: 1}": still,
            "steps: 4": "steps: 1",
        },
    )
    train(settings, tmp_path / "out", steps=1)
    assert lines(tmp_path / "out")[0]["loss"] == 0.0
    assert lines(tmp_path / "out")[0]["figures"]["fake_loss"] > 0


def test_both_networks_beside_loras_compute_activations_again(given, tmp_path, monkeypatch):
    begun = []

    def first(parts, step):
        begun.append(parts)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train_step", first)
    more = "adapter: {rank: 2}\nrecompute: block"
    train(given(DMD, more=more), tmp_path / "out", code=130)
    for network in (begun[0].transformer, begun[0].fake.network):
        assert all("forward" in vars(block) for block in network.blocks)
    assert not any("forward" in vars(block) for block in begun[0].reference.blocks)


def test_levels_within_a_step_are_even():
    whole = Flow(terminal=0.0)
    coarse = whole.schedule(4, 32)
    finer = [Within(steps_of_all=4, number=n, terminal=0.0).schedule(3, 32) for n in range(4)]
    assert [each[0] for each in finer] == coarse[:-1]
    assert [each[-1] for each in finer] == coarse[1:]
    lengths = torch.tensor(finer[1]).diff()
    assert torch.allclose(lengths, lengths.mean().expand(3))


@pytest.mark.parametrize(
    ("objective", "changes", "message"),
    [
        (
            IMITATION,
            {"steps: 2, grid": "steps: 8, grid"},
            "evaluation.steps: 8: objective imitation",
        ),
        (DMD, {"steps: 2, grid": "steps: 2, guidance: 4, grid"}, "evaluation.guidance: 4"),
        (f"{IMITATION}, updates: 3", {}, "steps: 4: with objective imitation.updates 3"),
        (DMD, {"weights: ": "control: {blocks: 1}\nweights: "}, "ControlNet"),
        (DMD, {"weights: ": "phases: [{frozen: transformer}]\nweights: "}, "nothing is left"),
        (
            DMD,
            {"weights: ": "phases: [{frozen: fake}]\nadapter: {rank: 2}\nweights: "},
            "frozen: 'fake': the fake network learns in every phase; there are adapter.",
        ),
    ],
)
def test_what_does_not_go_together_is_said(objective, changes, message, given, tmp_path):
    told = train(given(objective, **changes), tmp_path / "out", code=2)
    assert message in told.output
    assert "Traceback" not in told.output


def test_a_teacher_is_asked_for(given, tmp_path):
    told = train(given(DMD, weights=""), tmp_path / "out", code=2)
    assert "objective dmd: it changes a model that generates images: name" in told.output


def test_the_plan_counts_teacher_and_fake_network(given, tmp_path):
    plans = {}
    own = f"{IMITATION}, states: student"
    for name, objective in (("imitation", IMITATION), ("own", own), ("dmd", DMD)):
        plans[name] = json.loads(train(given(objective), tmp_path / "o", "--plan", "--json").stdout)
    assert plans["imitation"]["passes"] == 2 * (3 + 2 * 2)
    assert plans["own"]["passes"] == 2 * (3 + 2 * 2) + 1
    assert plans["dmd"]["passes"] == 2 + 3 + 3 + 2 * 3
    weights = 4 * plans["dmd"]["parameters"]
    memory = plans["dmd"]["memory"]
    assert memory["reference"] == weights
    assert memory["fake"] == memory["weights"] + memory["gradients"] + memory["optimiser"]
    assert plans["imitation"]["memory"]["fake"] == 0
    told = train(given(DMD), tmp_path / "o", "--plan").stdout
    assert "the fake one, with its optimiser," in told
