"""A slice of a benchmark at every evaluation of a training run."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import torch
from making import training_runs
from making.brightness_benchmarks import contribute
from making.chat_server import completion, serving

from curation.failures.errors import UsageError
from infer.harness import judges
from infer.harness.evaluator import HarnessSlice
from infer.harness.rows import Request, seed_of
from train.configuration import Configuration
from train.distributed.world import World

WITH = """
evaluation:
  evaluators:
    - held_out_strings
    - {name: infer.harness.evaluator, benchmark: shades, sample: 1, size: 48x16}
  gradients: false
  every: 2
  images: 8
  steps: 2
"""


@pytest.fixture(autouse=True)
def _contributed(monkeypatch):
    contribute(monkeypatch)


def test_a_run_is_judged_by_the_harness_and_trains_as_it_would(tiny, tmp_path, undisturbed):
    folder, pattern, config = tiny
    other = tmp_path / "with.yaml"
    text = config.read_text()
    other.write_text(text[: text.index("evaluation:")] + WITH + text[text.index("checkpoint:") :])
    done = training_runs.train((folder, pattern, other), tmp_path / "out", steps=4)
    lines = [json.loads(line) for line in (tmp_path / "out/evaluations.jsonl").open()]
    names = {"shades/brightness", "shades/of_groups", "shades/bright"}
    assert [line["step"] for line in lines] == [2, 4]
    assert all(names <= line.keys() and "held_out_loss" in line for line in lines)
    assert 0 < lines[1]["shades/brightness"] < 1
    assert "shades: brightness 0." in done.stdout + done.stderr and "(n = 2)" in done.output
    assert not (tmp_path / "out/evaluation").exists()
    wanted = training_runs.losses(undisturbed[0])[:2]  # later the learning rate falls sooner
    assert training_runs.losses(tmp_path / "out")[:2] == wanted
    kept = training_runs.train((folder, pattern, other), tmp_path / "out", steps=4)
    assert "is finished at step 4" in kept.output  # its configuration is read again


class Encoder:
    """Of eight pixels to a cell."""

    factor, channels = 8, 1

    def encode(self, images):
        return images[:, :1, ::8, ::8]


@dataclass(frozen=True)
class Generating:
    """White images; remembers what it was asked for."""

    configuration: Configuration
    asked: list = field(default_factory=list)
    world: World = field(default_factory=World)
    autoencoder: Encoder = field(default_factory=Encoder)

    def generate(self, captions, cells, seeds, inputs):
        steps = self.configuration.evaluation.steps
        self.asked.append((captions, cells, seeds, inputs, steps))
        return torch.ones(len(captions), 3, cells[0] * 8, cells[1] * 8)


CONFIGURATION = Configuration(preset="demo", evaluation={"steps": 9, "batch": 3})
DATA = SimpleNamespace(
    autoencoder=Encoder(),
    counts={(32, 16): 7},
    phases=[SimpleNamespace(data=CONFIGURATION.data)],
)


def evaluated(**settings):
    """The figures of white images, and what the generator was asked for."""
    evaluation, generator = HarnessSlice(**settings).begin(), Generating(CONFIGURATION)
    evaluation.prepare(DATA, CONFIGURATION)
    return evaluation.evaluate(generator, None), generator.asked


def test_prompts_seeds_and_names_are_the_harnesss():
    figures, asked = evaluated(benchmark="shades", steps=3)
    assert figures.values == {f"shades/{name}": 1 for name in ("brightness", "of_groups", "bright")}
    seeds = [seed for batch in asked for seed in batch[2]]
    expected = [Request(f"p{n}", "", k) for n in range(4) for k in (1, 2)]
    assert seeds == [seed_of("shades", each) for each in expected]
    assert [len(batch[0]) for batch in asked] == [3, 3, 2] and asked[0][4] == 3
    assert {batch[1] for batch in asked} == {(2, 4)}  # cells of the run's commonest size
    few, asked = evaluated(benchmark="shades", sample=1)
    assert len(asked[0][0]) == 3 and asked[0][4] == 9 and few.values == figures.values


def test_images_to_edit_are_seen_and_chains_left_out():
    figures, asked = evaluated(benchmark="chains", size="64x32")
    assert figures.values == {"chains/there": 1}
    start, brought = asked  # each of its own size; of a chain that begins with an image only that
    assert (brought[0], brought[1]) == (["an edit"], (2, 6))
    assert [each.shape for each in brought[3][0].references] == [(1, 2, 6)]
    assert brought[3][0].images == () and start[1] == (2, 4) and start[3][0].references == ()


def test_a_judge_is_asked_where_it_is_given_and_its_failure_ends_no_run(monkeypatch):
    with pytest.raises(UsageError, match="expected --judge URL"):
        HarnessSlice(benchmark="judged").begin()
    monkeypatch.setattr(judges, "_RETRIES", 0)
    with serving() as server:
        server.said = completion("yes")
        given = {"benchmark": "judged", "judge": server.url, "judge_model": "v", "at_once": 1}
        figures, _ = evaluated(**given)
        assert figures.values == {"judged/yes (v)": 1, "judged/bright": 1}
        assert len(server.asked) == 6  # nothing is kept of the answers
        server.states = [500]
        figures, _ = evaluated(**given)
    assert figures.values == {} and "judged: no figures: 1 of 3 images were not" in figures.sentence


def test_what_a_run_cannot_be_asked_is_refused_before_it_begins():
    with pytest.raises(UsageError, match="did you mean 'shades'"):
        HarnessSlice(benchmark="shadez").begin()
    with pytest.raises(UsageError, match="judges an autoencoder"):
        HarnessSlice(benchmark="autoencoder").begin()
    with pytest.raises(UsageError, match=r"p0: 40x16 px; expected sides that are multiples of 16"):
        evaluated(benchmark="shades", size="40x16")
