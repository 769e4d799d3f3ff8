"""What students of few steps are drawn to, by networks whose velocity is known."""

from types import SimpleNamespace

import pytest
import torch

from train import distilling
from train.configuration import FlowConfiguration
from train.data.batches import Shown
from train.models.qwen_image import QwenImage
from train.objectives.dmd import Dmd
from train.objectives.imitation import Imitation
from train.packing import patches
from train.rollouts import Asking
from train.sampler import noise

SHAPES = ((1, 4, 4), (1, 2, 6))  # of latents, of 4 and 3 tokens of 4 values
STUDENT = torch.tensor([0.5, -1.0, 0.25, 2.0])
REAL = torch.tensor([0.3, -0.2, 1.0, 0.0])
FAKE = torch.tensor([-0.4, 0.6, 0.7, 1.5])


def constant(velocity):
    """A network of the same velocity everywhere."""
    return lambda packed: velocity.expand(len(packed.image), -1)


def expecting(data):
    """A network that expects the same tokens behind any noise."""

    def network(packed):
        lengths = torch.tensor(packed.layout.target_lengths)
        return (packed.image - data) / packed.sigma.repeat_interleave(lengths)[:, None]

    return network


@pytest.fixture
def parts(monkeypatch):
    """Of a run of two images of unlike sizes, with networks of ``changes``."""
    asked = [
        Asking(Shown(torch.zeros(shape), "", 0.0, "t2i", 0), "", (torch.zeros(1, 4),), seed)
        for seed, shape in enumerate(SHAPES)
    ]
    monkeypatch.setattr(distilling, "asking", lambda _parts, _step: asked)

    def call(**changes):
        family, flow = QwenImage(), FlowConfiguration()
        settings = {"seed": 0, "precision": "fp32", "tokens_at_once": 64, "flow": flow}
        of_family = {"patch": 2, "order": family.order, "flops": lambda *_: 0}
        data = SimpleNamespace(phases=(SimpleNamespace(last=1, learning_rate=0.0),))
        return SimpleNamespace(
            configuration=SimpleNamespace(**settings),
            family=SimpleNamespace(**of_family),
            device="cpu",
            data=data,
            **changes,
        )

    return call


@pytest.mark.parametrize("states", ["teacher", "student"])
def test_the_chord_of_a_teacher_that_goes_straight_is_its_velocity(states, parts):
    settings = Imitation(name="imitation", steps=2, teacher_steps=3, states=states)
    for off in (0.0, 1.5):
        run = parts(reference=constant(STUDENT), transformer=constant(STUDENT + off))
        of_states = torch.cat([each.of_sample for each in settings.losses(run, 1)])
        assert len(of_states) == len(SHAPES) * 2
        assert torch.allclose(of_states, torch.full((4,), off**2), atol=1e-4)


def test_the_gradient_of_a_sample_leads_from_the_fake_to_the_teacher(parts):
    """Of a single step, so that a sample is its noise less the student's velocity."""
    velocity = STUDENT.clone().requires_grad_()
    fake = SimpleNamespace(network=expecting(FAKE), update=lambda *given: sum(given[-1]))
    networks = {"transformer": constant(velocity), "reference": expecting(REAL), "fake": fake}
    for each in Dmd(name="dmd", steps=1, fake_updates=1).losses(parts(**networks), 1):
        each.total.backward()
    expected = torch.zeros(4)
    for seed, shape in enumerate(SHAPES):
        away = (patches.pack(noise(shape, seed), 2) - STUDENT - REAL).abs().mean()
        expected += (FAKE - REAL) / away / 4 / len(SHAPES)  # of 4 values, summed over tokens
    assert torch.allclose(velocity.grad, -expected, rtol=1e-3)
