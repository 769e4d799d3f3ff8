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
    """The batches that show every row once, the last of them rows of the next epoch, too."""
    count = -(-sum(loaded.counts.values()) // BATCH)
    return [loaded.at(step) for step in range(1, count + 1)]


def trained(loaded):
    """Latents (c, h, w) and caption of every row, as the first epoch shows them."""
    shown = [each for batch in steps(loaded) for each in batch]
    return [(each.latents, each.caption) for each in shown[: sum(loaded.counts.values())]]
