"""Shards loaded as a run loads them, and what is seen of them."""

from typing import Any

from train.configuration import AutoencoderConfiguration, Configuration
from train.data import loading
from train.data.loading import Sources

BATCH = 16


def configuration(evaluation: dict[str, Any] | None = None, **data: Any) -> Configuration:
    """Settings of a small run with these of ``data``."""
    given = {"data": data, "evaluation": evaluation or {}}
    autoencoder = AutoencoderConfiguration(channels=8)
    return Configuration.model_validate(
        {"preset": "test", "batch": BATCH, "autoencoder": autoencoder, **given}
    )


def load(pattern, **options):
    """What a run trains on."""
    return loading.load(Sources(str(pattern)), configuration(**options))


def shown(pattern, **options):
    """The first training examples with their pixels, in order."""
    pairs = []
    sources = Sources(str(pattern), watch=lambda *pair: bool(pairs.append(pair)) or True)
    loading.load(sources, configuration(**options))
    return pairs


def steps(loaded):
    """The batches of the first epoch."""
    count = loaded.plan.per_epoch
    return [loaded.at(step) for step in range(1, count + 1)]


def trained(loaded):
    """Latents (C, h, w) and caption of every row that the first epoch shows."""
    return [
        pair for batch in steps(loaded) for pair in zip(batch.latents, batch.captions, strict=True)
    ]
