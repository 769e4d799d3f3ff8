"""SFT and GRPO of a tiny language model: exact resume, a LoRA, and what ``infer`` makes of it."""

import json
import shutil

import numpy as np
import pytest
from making import tiny_qwen, tiny_writer
from making.commands import invoke
from PIL import Image

from curation.failures.errors import UsageError
from infer.__main__ import app as infer_command
from train.enhancer import job
from train.enhancer.__main__ import app
from train.enhancer.configuration import (
    Adam,
    Checkpoint,
    Evaluation,
    Frame,
    Lora,
    Policy,
    Supervised,
)
from train.enhancer.loop import Loop
from train.enhancer.policy import PolicyTask
from train.enhancer.rules.rule import Rule
from train.enhancer.triplet import NAME, Triplet, encoded
from train.rewards.reward import Reward

ADAM = Adam(learning_rate=1e-4, warmup=0, decay=0.0)
SHARED = {
    "device": "cpu",
    "steps": 3,
    "batch": 3,
    "rows_at_once": 2,
    "answer": 14,
    "held_out": 0.3,
    "log_every": 1,
    "optimiser": ADAM,
    "evaluation": Evaluation(every=2, prompts=3),
    "checkpoint": Checkpoint(every=1, keep=2),
}
FRAME = Frame(size="32x16", steps=1, guidance=1.0)


class Bright(Reward):
    """How light an image is."""

    def scores(self, images, prompts):
        return [float(np.mean(image)) / 255 for image in images]


class Letters(Rule):
    """The share of answers that are long."""

    def score(self, prompt, answer):
        return min(1.0, len(answer) / 40)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Triplets, a language model and a generator."""
    folder = tmp_path_factory.mktemp("enhancer")
    pairs = [
        Triplet(str(n), f"a {thing}", f"A {thing} is missing.", f"a black {thing} in snow")
        for n, thing in enumerate(("fox", "cat", "dog", "cup", "hat", "sign", "tree", "boat"))
    ]
    (folder / NAME).write_bytes(encoded(pairs))
    tiny_writer.save(folder / "writer")
    tiny_qwen.save_pipeline(folder / "generator")
    return folder


def files(out):
    """All that a run writes, but for what depends on the clock."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "tensorboard" not in path.parts and path.name != "result.json"
    }


def settings(made, kind, **more):
    return kind(**{"model": str(made / "writer"), **SHARED, **more})


def run(made, chosen, out, tell=lambda message: None):
    return job.run(chosen, str(made), out, tell)


@pytest.fixture(scope="module")
def tuned(made):
    said = []
    result = run(made, settings(made, Supervised), made / "sft", said.append)
    return made / "sft", said, result


def test_sft_says_how_it_goes_and_writes_prompts_with_their_answers(tuned):
    out, said, result = tuned
    lines = [line for line in said if line.startswith("step ")]
    assert len(lines) == 3 and all("tokens/s" in line and "MFU" in line for line in lines)
    judged = [json.loads(line) for line in (out / "evaluations.jsonl").open()]
    assert [each["step"] for each in judged] == [0, 2, 3]
    assert judged[-1]["held_out_loss"] < judged[0]["held_out_loss"]
    assert "answer  Black fox" in (out / "samples" / "step-000000.txt").read_text()
    assert result["held_out_prompts"] and 0 <= result["held_out_quoted"] <= 1
    assert sorted(path.name for path in out.glob("checkpoint-*")) == [
        "checkpoint-2",
        "checkpoint-3",
    ]


class KilledError(Exception):
    """In place of a signal that nothing can hear."""


@pytest.mark.parametrize("moment", ["before a step", "before the checkpoint", "before the result"])
def test_a_killed_run_goes_on_to_the_same_bytes(tuned, made, tmp_path, monkeypatch, moment):
    whole, chosen = tuned[0], settings(made, Supervised)
    kept = Loop._step

    def step(self, number):
        if number == 3:
            raise KilledError
        kept(self, number)

    def save(directory, number, *rest):
        if number == 2:
            raise KilledError
        return stored(directory, number, *rest)

    from train.enhancer import checkpoints

    stored = checkpoints.save
    if moment == "before the result":
        shutil.copytree(whole, tmp_path / "out")
        (tmp_path / "out" / job.RESULT).unlink()
    else:
        with monkeypatch.context() as patched, pytest.raises(KilledError):
            patched.setattr(Loop, "_step", step if moment == "before a step" else kept)
            if moment == "before the checkpoint":
                patched.setattr(checkpoints, "save", save)
            run(made, chosen, tmp_path / "out")
    run(made, chosen, tmp_path / "out")
    assert files(tmp_path / "out") == files(whole)
    assert (tmp_path / "out" / job.RESULT).is_file()


def test_another_run_into_the_same_folder_is_refused(tuned, made, tmp_path):
    with pytest.raises(UsageError, match="was trained with seed: 0, not 1: choose another --out"):
        run(made, settings(made, Supervised, seed=1), tuned[0])
    other = tmp_path / NAME
    other.write_bytes((made / NAME).read_bytes() * 2)
    with pytest.raises(UsageError, match="other triplets"):
        job.run(settings(made, Supervised), str(other), tuned[0], print)
    said = []
    run(made, settings(made, Supervised), tuned[0], said.append)
    assert "nothing to do" in said[0]


def test_infer_writes_prompts_with_what_was_trained(tuned, made, tmp_path):
    enhanced = facts(made, tuned[0], tmp_path)
    assert enhanced == ("Black fox", "a fox", "sft/checkpoint-3")


def test_a_lora_is_a_folder_that_transformers_and_infer_load(made, tmp_path):
    pytest.importorskip("peft")
    said = []
    chosen = settings(made, Supervised, lora=Lora(rank=2), steps=2)
    run(made, chosen, tmp_path / "lora", said.append)
    assert " of 0." in said[0] and "are trained" in said[0]
    folder = tmp_path / "lora" / "checkpoint-2"
    assert (folder / "adapter_model.safetensors").is_file()
    assert facts(made, tmp_path / "lora", tmp_path)[:2] == ("Black fox", "a fox")
    for name in ("latest", "result.json"):
        (tmp_path / "lora" / name).write_text("checkpoint-1\n" if name == "latest" else "{}")
    before = files(tmp_path / "lora")
    run(made, chosen, tmp_path / "lora")
    assert files(tmp_path / "lora") == before | {"latest": b"checkpoint-2\n"}


def facts(made, writer, scratch):
    """The prompt that an image was generated of, that which was given, and who wrote it."""
    image = scratch / "x.png"
    given = ["--checkpoint", str(made / "generator"), "--size", "32x16", "--steps", "1"]
    given += ["--device", "cpu", "a fox", "--enhance", str(writer), "-o", str(image)]
    result = invoke(infer_command, given)
    assert result.exit_code == 0, result.output
    with Image.open(image) as opened:
        return tuple(opened.text[name] for name in ("prompt", "prompt_given", "enhanced_by"))


def policy(made, **more):
    chosen = {"generator": str(made / "generator"), "frame": FRAME, "group": 3, "batch": 2}
    chosen |= {"rewards": (Bright(),), "rules": (Letters(),), "kl": 0.1, "temperature": 8.0}
    return settings(made, Policy, **(chosen | more))


def test_grpo_goes_through_the_generator_and_on_to_the_same_bytes(made, tmp_path, monkeypatch):
    said, chosen = [], policy(made, updates=2)
    result = run(made, chosen, tmp_path / "whole", said.append)
    assert {"held_out_test_training", "held_out_accepted"} <= result.keys()
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").open()]
    assert all({"reward", "alike", "ratio", "kl", "clipped"} <= line.keys() for line in lines)
    assert any(line["grad_norm"] > 0 for line in lines)
    assert any("reward 0." in line for line in said if line.startswith("step "))
    kept = PolicyTask.update

    def update(self, step, number):
        if (step, number) == (3, 1):
            raise KilledError
        return kept(self, step, number)

    with monkeypatch.context() as patched, pytest.raises(KilledError):
        patched.setattr(PolicyTask, "update", update)
        run(made, chosen, tmp_path / "out")
    run(made, chosen, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_the_first_update_of_a_rollout_has_ratios_of_1_and_the_next_others(made, tmp_path):
    said = []
    chosen = policy(made, rewards=(), generator="", steps=1, updates=2, kl=0.0)

    def kept(self, step, number):
        made_update = update(self, step, number)
        said.append(made_update.figures.get("ratio"))
        return made_update

    update, PolicyTask.update = PolicyTask.update, kept
    try:
        run(made, chosen, tmp_path / "rules")
    finally:
        PolicyTask.update = update
    assert abs(said[0] - 1) < 1e-6 < abs(said[1] - 1)  # of sums, which round


class Silent(Reward):
    """An endpoint that does not answer; its file has a rule of the same name."""

    def scores(self, images, prompts):
        return [None for _ in images]


def test_a_reward_without_an_answer_is_no_number_and_names_are_apart(made, tmp_path):
    judged = Evaluation(every=2, prompts=3, rules=())
    said, chosen = [], policy(made, rewards=(Silent(),), steps=1, evaluation=judged)
    result = run(made, chosen, tmp_path / "out", said.append)
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        assert "NaN" not in (tmp_path / "out" / name).read_text()
    line = json.loads((tmp_path / "out" / "metrics.jsonl").read_text())
    assert line["unanswered"] == line["alike"] == 1 and line["loss"] == 0
    assert {"reward/test_training", "weight/test_training-2"} <= line.keys()
    assert "held_out_test_training" not in result and result["held_out_prompts"]
    assert any("test_training unanswered" in each for each in said)


def test_prompts_that_leave_no_room_are_left_out_and_a_start_is_kept_as_it_was(made, tmp_path):
    out = tmp_path / "sft"
    shutil.copytree(made / "writer", out / "checkpoint-1")
    shutil.copytree(made / "writer", out / "checkpoint-2")
    (out / "latest").write_text("checkpoint-1")
    (tmp_path / NAME).write_bytes(
        encoded([Triplet(str(n), f"a fox {n}{' very' * n}", "", "") for n in range(0, 90, 10)])
    )
    chosen = policy(made, model=str(out), rewards=(), steps=1, held_out=0.0, kl=0.0, longest=700)
    said = []
    job.run(chosen, str(tmp_path), tmp_path / "out", said.append)
    assert any("nothing will be judged" in each for each in said)
    counted = next(each for each in said if "too long" in each)
    assert 0 < int(counted.split()[0]) < 9 and "0 held out" in counted
    (out / "latest").write_text("checkpoint-2")
    with pytest.raises(UsageError, match=r"was trained with model: .*checkpoint-1, not"):
        job.run(chosen, str(tmp_path), tmp_path / "out", print)
    short = chosen.model_copy(update={"longest": 20})
    with pytest.raises(UsageError, match="no prompt to train on"):
        job.run(short, str(tmp_path), tmp_path / "other", print)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"model": ""}, "expected --model"),
        ({"model": "absent"}, "expected a folder with config.json"),
        ({"generator": "absent"}, "expected a checkpoint or an output"),
        ({"frame": Frame(steps=1, guidance=1.0)}, "give size"),
        ({"frame": Frame(size="32x16")}, "give steps and guidance"),
        ({"frame": Frame(size="33x16", steps=1, guidance=1.0)}, "expected multiples of"),
        ({"rewards": (), "rules": ()}, "expected what answers are worth"),
    ],
)
def test_what_is_missing_is_said(made, tmp_path, more, said):
    with pytest.raises(UsageError, match=said):
        run(made, policy(made, **more), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_plan_counts_parameters_and_memory(made):
    arguments = [
        "sft",
        "--data",
        str(made),
        "--out",
        "x",
        "--model",
        str(made / "writer"),
        "--plan",
    ]
    done = invoke(app, [*arguments, "--json"])
    planned = json.loads(done.stdout)
    assert planned["trained"] == planned["parameters"] > 0 and planned["triplets"] == 8
    assert planned["optimiser_gib"] == 3 * planned["weights_gib"]
