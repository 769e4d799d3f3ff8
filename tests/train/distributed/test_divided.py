"""Networks divided among two processes take the steps of one: both families, both optimisers."""

import sys

import pytest
import torch
from making.distributed_drill import trained
from making.places import ROOT
from making.ranks import together
from safetensors import safe_open

from train.distributed.world import World
from train.optimisers import muon

CASES = (
    "qwen_image:adamw:1x2x1",
    "qwen_image:muon:2x1x1",
    "qwen_image:muon:1x1x2",
    "qwen_image_21:muon:1x2x1",
    "qwen_image_21:adamw:1x1x2",
)


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    folder = tmp_path_factory.mktemp("divided")
    command = [sys.executable, "-m", "making.distributed_drill", str(folder), *CASES]
    codes, said = together(2, command, ROOT)
    assert codes == [0, 0], said
    return folder


@pytest.mark.parametrize("case", CASES)
def test_two_clipped_steps_are_those_of_one_process(divided, case, monkeypatch):
    monkeypatch.setattr(muon, "NUMBERS", torch.float32)  # as there
    weights, norms = trained(*case.split(":")[:2], World())
    with safe_open(divided / f"{case}.safetensors", "pt") as stored:
        theirs = [float(norm) for norm in stored.metadata()["norms"].split(",")]
        off = {
            name: float((stored.get_tensor(name) - weight).abs().max())
            for name, weight in weights.items()
        }
    assert theirs == pytest.approx(norms, rel=1e-5)
    assert max(off.values()) < 2e-5, max(off, key=off.get)
