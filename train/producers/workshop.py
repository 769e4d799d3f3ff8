"""What makes units: the plan with its encoders and their weights, set up from settings alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from curation.failures.errors import UsageError
from train import settling
from train.configuration import Configuration
from train.data import features, loading
from train.data.loading import Data, Sources
from train.producers import agreed, fingerprints, spans, stand_ins
from train.producers.making import Maker
from train.producers.plans import Encoders, Plan
from train.producers.units import FORMAT
from train.seeds import seed_for
from train.text_encoders import text_encoder
from train.text_encoders.text_encoder import TextEncoder


@dataclass(frozen=True)
class Workshop:
    """A plan, and what makes its units."""

    plan: Plan
    maker: Maker


def opened(
    configuration: Configuration, pattern: str, root: Path, tell: Callable[[str], None]
) -> Workshop:
    """Set up for the shards of ``pattern``, in agreement with what lies below ``root``.

    Raises ``UsageError`` where the units there are of something else, and as loading does.
    """
    settling.check_parts(configuration)
    device = settling.usable_device(configuration.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(configuration.seed, "weights"))
        encoder = text_encoder.build(configuration.text_encoder)
    if not features.is_learnt(encoder):
        text_encoder.place(encoder, configuration.text_encoder, device)
    sources = Sources(
        pattern,
        device=device,
        notice=lambda bad: tell(f"skipped: {bad}"),
        judged=False,
        tell=tell,
    )
    data = loading.load(sources, configuration)
    plan = Plan(sources, configuration, data, encoders_of(configuration, data, encoder))
    agreed.agree(root, content(plan, configuration, data), configuration, pattern)
    at_once = configuration.text_encoder.at_once
    return Workshop(plan, Maker(plan, encoder, configuration.seed, at_once=at_once))


def encoders_of(configuration: Configuration, data: Data, encoder: TextEncoder) -> Encoders:
    """What tells these encoders from others. Raises ``UsageError`` for one without a folder."""
    prints = {
        "autoencoder": fingerprints.of_autoencoder(configuration, data.autoencoder),
        "text_encoder": fingerprints.of_text_encoder(configuration, encoder),
    }
    lines = {}
    if configuration.autoencoder.kind != "patch_pca":
        lines["autoencoder"] = stand_ins.autoencoder_lines(data.autoencoder)
    if configuration.text_encoder.kind != "byte":
        lines["text_encoder"] = stand_ins.text_encoder_lines(encoder)
    for name, value in prints.items():
        if value is None:
            raise UsageError(f"{name}.path: no config.json there: name its folder with --config")
    known = {name: value for name, value in prints.items() if value}
    return Encoders(known, data.autoencoder.channels, data.autoencoder.factor, encoder.width, lines)


def content(plan: Plan, configuration: Configuration, data: Data) -> dict[str, Any]:
    """What ``plan.json`` says that units are of."""
    prints = plan.encoders.fingerprints
    return {
        "format": FORMAT,
        "rows": data.digest,
        "seed": configuration.seed,
        "unit": configuration.model.unit(data.autoencoder.factor),
        "encoders": plan.encoders.plain(),
        "phases": [spans.of_phase(phase, prints) for phase in plan.at(1).phases],
    }
