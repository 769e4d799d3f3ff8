"""Another version of a plan, checked as the run will check it that takes it in."""

from pathlib import Path

import torch

from curation.failures.errors import UsageError
from train import configuration_file, parts, phases, starting
from train.configuration import Configuration
from train.data.loading import Sources
from train.distributed.world import World
from train.producers import agreed, fingerprints, plans, supply
from train.producers.plans import Encoders, Version
from train.producers.stand_ins import AbsentAutoencoder, AbsentTextEncoder
from train.saying import Tell
from train.text_encoders import text_encoder


def propose(root: Path, config: Path, first: int, tell: Tell) -> int:
    """Propose the phases of ``config`` from step ``first`` on for the folder ``root``; returns the
    number of the version.

    Raises ``UsageError`` for what a run would refuse, but for a batch that is smaller than the
    number of its processes, and as loading does.
    """
    plan = agreed.read(root)
    if plan is None:
        raise UsageError(f"--units {root}: no {agreed.PLAN}: expected a folder that a run uses")
    running, pattern = agreed.settings(root)
    wanted = configuration_file.over(running, config)
    for name in Configuration.model_fields:
        if name != "phases" and getattr(wanted, name) != getattr(running, name):
            raise UsageError(
                f"--config {config}: {name}: not that of the run; while it goes on phases alone can"
                " change"
            )
    if not wanted.phases:
        raise UsageError(f"--config {config}: expected phases: what is trained on from then on")
    encoders = plans.of_plain(plan["encoders"])
    is_learnt = encoders.fingerprints["text_encoder"] == fingerprints.LEARNT
    looks = not is_learnt or text_encoder.sees_images(running.text_encoder)
    version = Version(agreed.following(root), first, wanted.phases)
    sources = Sources(pattern, looks=looks, tell=tell)
    autoencoder = AbsentAutoencoder(encoders.channels, encoders.factor, {}, ())
    curriculum, *_ = plans.settle(version, sources, running, autoencoder)
    began = phases.of_run(running, pattern)
    supply.check(
        _trained(running, encoders, is_learnt=is_learnt),
        curriculum,
        repa=any(phase.repa for phase in began),
    )
    return agreed.propose(root, wanted.phases, first)


def _trained(running: Configuration, encoders: Encoders, *, is_learnt: bool) -> list[str]:
    """The names of the weights that the run trains, of networks without any."""
    if running.adapter:
        return ["adapter.layers"]
    absent = None if is_learnt else AbsentTextEncoder(encoders.width, {}, ())
    with torch.device("meta"):
        raw = starting.build(running, encoders.channels, World(), absent=absent, fresh=False).raw
    return [name for name, weight in parts.named_weights(raw) if weight.requires_grad]
