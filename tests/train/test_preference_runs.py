"""Runs of DPO and GRPO by the command: exact resume, what stays as it is, and mistakes said."""

import json
import shutil

import numpy as np
import pytest
import torch
from making import training_shards as shards
from making.training_runs import assert_same_state, tensors, train, train_killed
from safetensors.torch import load_file

from curation.failures.errors import UsageError
from train.data import pairs
from train.data.examples import is_held_out
from train.quotations import quoted
from train.rewards.ocr import Ocr

pytestmark = pytest.mark.slow

RUN = """
steps: 6
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
evaluation: {{gradients: false, every: 6, images: 4, steps: 2, grid: 4}}
checkpoint: {{every: 2}}
objective: {{{objective}}}
{more}
"""
DPO = "name: dpo, rewards: [ocr], seeds: 3, steps: 2, draws: 2"
GRPO = "name: grpo, rewards: [ocr], group: 4, steps: 3, trained: 2"


@pytest.fixture(autouse=True)
def darkness(monkeypatch):
    """A quick reward: how dark the left half of an image is, and no other of some prompts."""

    def scores(self, images, prompts):
        return [
            0.5 if "L" in prompt else float(np.mean(image[:, :16] < 128))
            for image, prompt in zip(images, prompts, strict=True)
        ]

    monkeypatch.setattr(Ocr, "scores", scores)
    monkeypatch.setattr(Ocr, "check", lambda self: None)


@pytest.fixture
def given(tiny, undisturbed, tmp_path):
    """Arguments of a run with an objective, from the tiny model."""

    def call(objective, more="", weights=None, **changes):
        folder, pattern, _ = tiny
        path = tmp_path / "run.yaml"
        start = undisturbed[0] / "checkpoint-40" if weights is None else weights
        text = RUN.format(weights=start or '""', objective=objective, more=more)
        for old, new in changes.items():
            text = text.replace(f"{old}: 6", f"{old}: {new}")
        if "checkpoint_every" in changes:
            text = text.replace("checkpoint: {every: 2}", "checkpoint: {every: 1, keep: 9}")
        path.write_text(text)
        return folder, pattern, path

    return call


def figures(out):
    return [json.loads(line).get("figures") for line in (out / "metrics.jsonl").open()]


def test_dpo_is_killed_and_ends_the_same_and_leaves_the_text_encoder(given, undisturbed, tmp_path):
    settings = given(DPO)
    result = train(settings, tmp_path / "out")
    train_killed(settings, tmp_path / "again", 4)
    train(settings, tmp_path / "again")
    assert_same_state(tmp_path / "out", tmp_path / "again", 6)
    every = figures(tmp_path / "out")
    assert {"reward", "alike", "implicit_accuracy", "margin"} <= set(every[0])
    assert every[0]["margin"] == 0.0  # at first it is the network that it is compared with
    assert every[1]["margin"] != 0.0
    assert 0 < max(each["alike"] for each in every) < 1  # prompts whose images are worth the same
    lines = [line for line in result.stderr.splitlines() if line.startswith("step 2/6")]
    assert "implicit_accuracy" in lines[0]
    assert "margin" in lines[0]
    start, end = undisturbed[0] / "checkpoint-40", tmp_path / "out" / "checkpoint-6"
    for name, same in (("text_encoder", True), ("transformer", False)):
        before, after = (tensors(folder / name) for folder in (start, end))
        assert all(torch.equal(before[key], after[key]) for key in before) == same
    assert (tmp_path / "out" / "samples" / "before-and-after.png").is_file()


@pytest.mark.drill
def test_dpo_of_the_policy_and_of_gold_differ(given, tmp_path):
    curves = []
    for more in ("by: start", "by: policy", "pairs: gold, errors: sum, beta: 1, levels: flow"):
        train(given(f"{DPO}, {more}", steps=2), tmp_path / more.replace(" ", ""), steps=2)
        out = tmp_path / more.replace(" ", "")
        curves.append((out / "metrics.jsonl").read_text())
    assert len(set(curves)) == 3


def test_grpo_begins_at_a_ratio_of_one_and_ends_the_same_when_killed(given, tmp_path):
    more = "storage: bfloat16, clip: 1.0e-6, noisy: 2, same_start: true"
    settings = given(f"{GRPO}, updates: 2, guidance: 3.0, {more}")
    train(settings, tmp_path / "out")
    train_killed(settings, tmp_path / "again", 4)  # within a rollout
    train(settings, tmp_path / "again")
    assert_same_state(tmp_path / "out", tmp_path / "again", 6)
    every = figures(tmp_path / "out")
    assert [each["ratio"] for each in every[::2]] == [1.0] * 3
    assert [each["clipped"] for each in every[::2]] == [0.0] * 3
    assert all(each["ratio"] != 1.0 and each["clipped"] > 0 for each in every[1::2])
    assert every[0]["kl"] == 0.0
    assert every[-1]["kl"] > 0
    assert [a["reward"] for a in every[::2]] == [b["reward"] for b in every[1::2]]  # one rollout


def test_grpo_of_a_lora_is_compared_with_its_base(given, tmp_path):
    settings = given(GRPO, more="adapter: {rank: 2}", steps=3)
    train(settings, tmp_path / "out", steps=4)
    train_killed(settings, tmp_path / "again", 3)
    train(settings, tmp_path / "again", steps=4)
    assert_same_state(tmp_path / "out", tmp_path / "again", 4)
    every = figures(tmp_path / "out")
    assert every[0]["kl"] == 0.0
    assert every[-1]["kl"] > 0
    assert set(load_file(tmp_path / "out/checkpoint-4/pytorch_lora_weights.safetensors"))


def test_a_step_without_signal_moves_nothing_after_others(given, tmp_path, monkeypatch):
    calls = []

    def scores(self, images, prompts):
        calls.append(1)
        return [float(len(calls) == 1) * number for number in range(len(images))]

    monkeypatch.setattr(Ocr, "scores", scores)
    settings = given(GRPO, checkpoint_every=1, steps=2)
    train(settings, tmp_path / "out", steps=2)
    once, after = (
        tensors(tmp_path / "out" / f"checkpoint-{step}" / "transformer") for step in (1, 2)
    )
    assert all(torch.equal(once[key], after[key]) for key in once)
    lines = [json.loads(line) for line in (tmp_path / "out" / "metrics.jsonl").open()]
    assert [line.get("idle", False) for line in lines] == [False, True]
    assert lines[0]["grad_norm"] > 0
    assert json.loads((tmp_path / "out" / "result.json").read_text())["idle_steps"] == 1


def test_groups_that_do_not_differ_teach_nothing(given, undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr(Ocr, "scores", lambda self, images, prompts: [0.5] * len(images))
    for objective in (DPO, GRPO):
        out = tmp_path / objective[6:9]
        train(given(objective, steps=2), out, steps=2)
        assert [each["alike"] for each in figures(out)] == [1.0, 1.0]
        before = tensors(undisturbed[0] / "checkpoint-40" / "transformer")
        after = tensors(out / "checkpoint-2" / "transformer")
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_pairs_of_files_are_learnt_from(given, tmp_path):
    lines = []
    for number, (text, wrong) in enumerate([("AE", "HL"), ("T2", "7O"), ("HO", "AA")]):
        for name, shown in ((f"{number}-good.png", text), (f"{number}-bad.png", wrong)):
            shards.draw(shown, "red").save(tmp_path / name)
        row = {"prompt": shards.caption(text, "red"), "chosen": f"{number}-good.png"}
        lines.append(json.dumps(row | {"rejected": f"{number}-bad.png"}))
    out = next(f"{n}" for n in range(99) if is_held_out(f"{n}", 0.2))
    row |= {"prompt": shards.caption(out, "red"), "rejected": "0-bad.png", "id": "\u2028"}
    lines.append(json.dumps(row, ensure_ascii=False))
    prompts = [json.loads(line)["prompt"] for line in lines]
    texts = [{prompt, *quoted(prompt)} for prompt in prompts]
    kept_out = sum(any(is_held_out(text, 0.2) for text in each) for each in texts)
    assert 1 <= kept_out < len(lines)
    (tmp_path / "pairs.jsonl").write_text("\n\n".join(lines) + "\n")
    settings = given(f"name: dpo, file: {tmp_path / 'pairs.jsonl'}")
    train(settings, tmp_path / "out", steps=12)
    train_killed(settings, tmp_path / "again", 4)
    train(settings, tmp_path / "again", steps=12)
    assert_same_state(tmp_path / "out", tmp_path / "again", 12)
    every = figures(tmp_path / "out")
    assert sum(each["margin"] for each in every[-4:]) > 0
    assert [each.get("held_out_pairs") for each in every] == [kept_out] * 12
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    told = train(settings, tmp_path / "out", code=2)
    assert "is not what" in told.output


def test_preferences_of_people_are_learnt_from(given, tmp_path):
    text = next(each for each in ("AE", "HO", "LT", "27") if not is_held_out(each, 0.2))
    good = shards.row(text, "red")
    worse = good | {"id": "worse", "image": shards.row("OO", "red")["image"]}
    text = next(each for each in ("OH", "72", "TL") if not is_held_out(each, 0.2))
    other = shards.row(text, "red")
    rows = [*shards.rows(40, seed=3), good, worse, other]
    shards.write(tmp_path / "part-00000.parquet", rows)
    lines = [{"images": [good["id"], "worse"], "preferred": good["id"]}]
    lines += [{"images": [good["id"], "elsewhere"], "preferred": good["id"]}]
    lines += [{"images": [good["id"], other["id"]], "preferred": good["id"]}]
    picks = tmp_path / "picks.jsonl"
    picks.write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder, _, config = given(f"name: dpo, file: {picks}", steps=2)
    train((folder, str(tmp_path / "part-*.parquet"), config), tmp_path / "out", steps=2)
    last = figures(tmp_path / "out")[1]
    assert (last["implicit_accuracy"], last["unlike_pairs"]) == (1.0, 2.0)
    picks.write_text(json.dumps(lines[2]) + "\n")
    own = (folder, str(tmp_path / "part-*.parquet"), config)
    told = train(own, tmp_path / "unlike", code=2)
    assert "no pair has images of one size and caption" in told.output
    picks.write_text(json.dumps(lines[1]) + "\n")
    told = train(given(f"name: dpo, file: {picks}", steps=2), tmp_path / "none", code=2)
    assert "of no pair both images are among the rows" in told.output


@pytest.mark.parametrize(
    ("objective", "more", "message"),
    [
        ("name: dpo", "", "objective dpo: rewards: expected what images are worth, such as [ocr]"),
        ("name: grpo, rewards: [ocl]", "", "ocl"),
        (f"{GRPO}, updates: 4", "", "steps: 6: with objective grpo.updates 4"),
        (
            "name: grpo, rewards: [ocr], steps: 3, trained: 4",
            "",
            "trained: 4 of 3 noisy sampling steps",
        ),
        ("name: dpo, file: nowhere.jsonl", "", "nowhere.jsonl"),
        (GRPO, "control: {blocks: 1}", "ControlNet"),
    ],
)
def test_what_is_missing_is_said(objective, more, message, given, tmp_path):
    settings = given(objective, more)
    result = train(settings, tmp_path / "out", code=2)
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_model_to_start_from_is_asked_for(given, tmp_path):
    result = train(given(GRPO, weights=""), tmp_path / "out", code=2)
    assert "objective grpo: it changes a model that generates images: name" in result.output


def test_an_image_is_not_better_than_itself(tmp_path):
    shards.draw("A", "red").save(tmp_path / "a.png")
    path = tmp_path / "same.jsonl"
    path.write_text('{"prompt": "a", "chosen": "a.png", "rejected": "a.png"}\n')
    with pytest.raises(UsageError, match=r"same.jsonl:1: both images are the same"):
        pairs.read(str(path))


@pytest.mark.parametrize("line", ['{"prompt": "a"}', "[1]", '{"prompt": "a", "chosen": "../x.png"'])
def test_a_wrong_line_of_pairs_is_named(line, given, tmp_path):
    (tmp_path / "bad.jsonl").write_text("\n" + line + "\n")
    result = train(given(f"name: dpo, file: {tmp_path / 'bad.jsonl'}"), tmp_path / "o", code=2)
    assert "bad.jsonl:2" in result.output.replace("\n", "")


def test_the_plan_counts_rollouts_and_the_network_that_is_compared_with(given, tmp_path):
    plans = {}
    for name, objective in (("flow", "name: flow_matching"), ("dpo", DPO), ("grpo", GRPO)):
        said = train(given(objective), tmp_path / "out", "--plan", "--json")
        plans[name] = json.loads(said.stdout)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert plans["dpo"]["passes"] == 2 * 2 * (3 + 1) + 3 * 2
    assert plans["grpo"]["passes"] == 4 * (3 + 2 * (3 + 1))
    weights = 4 * plans["flow"]["parameters"]
    for name in ("dpo", "grpo"):
        assert plans[name]["memory"]["reference"] == weights
    assert plans["flow"]["memory"]["reference"] == 0
    told = train(given(GRPO), tmp_path / "out", "--plan").stdout
    assert "objective grpo: a sample of a batch costs 44 forward passes" in told
