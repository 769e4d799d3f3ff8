"""What training starts with: a published network, or a sentence that says why not."""

import pytest
import torch

from curation.failures.errors import TooLargeError, UsageError
from train import starting
from train.configuration import Configuration
from train.distributed.world import World
from train.models.qwen_image import QwenImage

SIZE = {"layers": 1, "heads": 1, "head_width": 16, "rope_axes": (4, 6, 6)}


def configured(folder, **model):
    return Configuration(
        preset="demo",
        weights=str(folder),
        text_encoder={"width": 16},
        model={"name": "qwen_image", **SIZE, **model},
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with transformer/, and the network stored there, in bfloat16."""
    network = QwenImage(**SIZE).build(4, 16)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_()
    folder = tmp_path_factory.mktemp("published")
    QwenImage(**SIZE).save(network.to(torch.bfloat16), folder)
    return folder, network


@pytest.mark.parametrize("inside", ["", "transformer"])
def test_training_starts_with_what_is_published(published, inside):
    folder, network = published
    start = starting.build(configured(folder / inside), 4, World())
    starting.fill(start, (), World(), "cpu")
    weights = dict(start.raw["transformer"].named_parameters())
    assert {each.dtype for each in weights.values()} == {torch.float32}
    assert all(weights[name].equal(w.float()) for name, w in network.named_parameters())


def test_what_a_checkpoint_follows_is_not_read(published, tmp_path):
    start = starting.build(configured(tmp_path), 4, World(), fresh=False)
    assert not start.values


def test_other_networks_are_refused(published, tmp_path):
    folder, _ = published
    with pytest.raises(UsageError, match=r"weights: in .* model.layers is 1, not 2: set it"):
        starting.build(configured(folder, layers=2), 4, World())
    with pytest.raises(UsageError, match=r"weights: no config.json in .*: name a network's folder"):
        starting.build(configured(tmp_path), 4, World())
    narrower = starting.build(configured(folder), 8, World())
    with pytest.raises(UsageError, match=r"img_in.weight is \(16, 16\) .*expected \(16, 32\)"):
        starting.fill(narrower, (), World(), "cpu")


def test_what_the_machine_cannot_hold_is_refused_before_it_is_made(tmp_path):
    huge = configured("", layers=1, heads=2_000, head_width=128, rope_axes=(16, 56, 56))
    with pytest.raises(TooLargeError, match=r"billion parameters: .* machine has \d+; .*--plan"):
        starting.build(huge, 4, World())
    with torch.device("meta"):  # as whoever wants names of weights does
        assert starting.build(huge, 4, World(), fresh=False).raw["transformer"]
