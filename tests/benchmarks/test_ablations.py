"""Arms cost what the baseline does, differ in what they say; figures have honest intervals."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from benchmarks import ablation_data, ablations, seeds
from benchmarks.ablations import GROUPS, Bench, Run
from benchmarks.families.running_positions import RunningPositions, positions
from train.configuration import Configuration
from train.models.qwen_image import QwenImage
from train.packing.layout import ImageSpan, Layout, TextSpan

SMALL = {"layers": 1, "heads": 1, "head_width": 16, "rope_axes": (4, 6, 6)}


def test_an_interval_is_that_of_student():
    values = [0.81, 0.9, 0.84]
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert seeds.halfwidth(values) == pytest.approx((high - low) / 2, rel=2e-3)
    assert seeds.interval([1.0, 2.0, 3.0]) == "2.0±2.5"
    assert seeds.interval([1.0]) == "1.0"


def test_phases_of_a_curriculum_cost_what_the_last_alone_does(tmp_path):
    (pages,) = (group for group in GROUPS if group.name == "pages")
    costs = {"cost-pages": 2.0, "cost-lines": 1.0, "cost-pages-of-48x32-px": 0.5}
    (tmp_path / "costs.json").write_text(json.dumps(costs))
    bench = Bench(tmp_path, 1, 10)
    alone, lines, half = (bench.settings(pages, arm) for arm in pages.arms)
    assert alone["steps"] == pages.steps
    for settings, first in ((lines, 1.0), (half, 0.5)):
        begun = settings["phases"][0]["steps"]
        assert begun * first + (settings["steps"] - begun) * 2 == pytest.approx(
            alone["steps"] * 2, abs=2
        )
        Configuration.model_validate_json(json.dumps({"preset": "test", **settings}))
    assert Path(lines["phases"][0]["sources"][0]["data"]).name == "lines"
    assert half["phases"][0]["resolution"] == 39


def test_arms_differ_from_the_baseline_in_one_thing(tmp_path):
    (strings,) = (group for group in GROUPS if group.name == "strings")
    (tmp_path / "costs.json").write_text(
        json.dumps({"cost-strings-curated": 1.0, "cost-strings-captions": 0.5})
    )
    bench = Bench(tmp_path, 1, 10)
    settings = {arm.name: bench.settings(strings, arm) for arm in strings.arms}
    base = settings["curated"]
    assert settings["raw"] == base
    mix = settings["three kinds of captions"]
    assert (mix["steps"], mix["data"]["captions"]) == (2 * base["steps"], {})
    assert base["data"]["captions"] == {"caption_recaption": 1}
    running = settings["1-D positions"]
    assert running.pop("model")["name"] == "running_positions"
    assert running == base


def test_the_table_compares_seed_by_seed():
    runs = [
        Run("strings", arm, seed, 90, 50, accuracy, 0.02)
        for arm, values in (("curated", (0.8, 0.9)), ("raw", (0.6, 0.72)))
        for seed, accuracy in enumerate(values)
    ]
    first, last = ablations.table(runs).splitlines()[1:]
    assert first.split()[:5] == ["strings", "curated", "2", "90", "50"]
    assert last.split()[-1] == "-19.0±12.7"


def test_of_three_kinds_of_captions_two_say_the_text():
    said = {"text": 'The text "AB" in red on a white background.', "language": "en"}
    row = ablation_data.captioned({"caption_recaption": [said]})
    (crawled,), (fused,) = row["caption_raw"], row["caption_fused"]
    assert (crawled["text"], crawled["language"]) == ("red sign", "en")
    assert fused["text"] == 'A sign with the text "AB" in red on a white background.'


def test_running_positions_count_the_image_then_the_text():
    layout = Layout(
        (
            (TextSpan(3), ImageSpan(2, 2, target=True)),
            (TextSpan(1), ImageSpan(1, 2, target=True), ImageSpan(1, 1, target=False)),
        )
    )
    assert positions(layout)[:, 0].tolist() == [4, 5, 6, 0, 1, 2, 3, 3, 0, 1, 2]


def test_the_family_of_running_positions_differs_in_angles_alone_and_is_stored(tmp_path):
    networks = []
    for family in (QwenImage(**SMALL), RunningPositions(**SMALL)):
        torch.manual_seed(0)
        networks.append(family.build(4, 8))
    usual, running = networks
    for name, weight in usual.named_parameters():
        assert torch.equal(weight, running.get_parameter(name))
    layout = Layout(((TextSpan(2), ImageSpan(2, 3, target=True)),))
    where = [network.places(layout, torch.device("cpu")) for network in networks]
    assert where[0].image_turn.cos.shape == where[1].image_turn.cos.shape
    assert not torch.equal(where[0].image_turn.cos, where[1].image_turn.cos)
    family = RunningPositions(**SMALL)
    family.save(running, tmp_path)
    loaded = family.load(tmp_path / "transformer", 4, 8)
    assert type(loaded) is type(running)
    content = json.loads((tmp_path / "transformer" / "config.json").read_text())
    assert QwenImage.recognised(content) is None
