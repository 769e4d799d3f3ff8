"""Examples -> buckets of equal size, encoded once and held as latents.

Shapes: N examples of a bucket, C latent channels, h w latent cells, H W pixels.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from train import codec as codecs
from train import examples
from train.codec import Codec
from train.configuration import CodecConfiguration, DataConfiguration
from train.examples import Example, Pixels
from train.patch_pca import PatchPcaCodec
from train.skipped import Skipped
from train.trained_on import Captions

_CHUNK = 2048  # pictures decoded before they are encoded
_FIT = 1024  # training pictures that a patch PCA is fitted on, at most
_ENCODE = 64  # pictures encoded at once

Row = tuple[Example, Pixels]
Kind = tuple[bool, Size]  # held out?, size of the bucket


@dataclass(frozen=True)
class Bucket:
    """Examples of one ``size`` (width, height) in pixels, with ``latents`` (N, C, h, w)."""

    size: Size
    examples: list[Example]
    latents: Tensor


@dataclass(frozen=True)
class Data:
    """What a run trains on and is judged by.

    ``buckets`` are the training examples, ``held_out`` those with unseen texts; both ordered by
    size and, inside, as in the shards. ``skipped`` are the rows left out, ``seen`` what the
    training captions say. ``digest`` identifies examples, split and order.
    """

    buckets: tuple[Bucket, ...]
    held_out: tuple[Bucket, ...]
    codec: Codec
    skipped: Skipped
    seen: Captions
    digest: str


Watcher = Callable[[Example, Pixels], None]


def load(
    pattern: str,
    configuration: DataConfiguration,
    codec: CodecConfiguration,
    patch: int,
    *,
    stored: Codec | None = None,
    device: str = "cpu",
    watch: Watcher | None = None,
) -> Data:
    """Read every shard that matches ``pattern``, in order of path, and encode its pictures.

    A ``patch_pca`` that is not ``stored`` is fitted on the first training pictures; a network
    encodes on ``device``. Latents are kept on the CPU. ``watch`` is called with every training
    example and its pixels (H, W, 3). Raises ``UsageError`` where nothing is left to train on,
    ``shard.ShardError`` for a damaged shard.
    """
    ready = stored or codecs.build(codec)
    network: object = ready
    if isinstance(network, nn.Module):
        network.to(device)
    unit = (ready.factor if ready else codec.factor) * patch
    skipped, seen = Skipped(), Captions()
    gathered: dict[Kind, list[tuple[list[Example], Tensor]]] = {}
    digest = hashlib.blake2b(digest_size=16)
    used = 0
    for chunk in _chunks(examples.read(pattern, unit, configuration, skipped)):
        held = [examples.is_held_out(example, configuration.held_out) for example, _ in chunk]
        ready = ready or _fit(chunk, held, codec)
        for (example, pixels), out in zip(chunk, held, strict=True):
            digest.update(f"{example.id}:{out:d}:{example.captions}\n".encode("utf-8", "replace"))
            if not out:
                seen.add(example.captions, example.languages)
                if watch:
                    watch(example, pixels)
        for kind, found, latents in _encode(chunk, held, ready):
            gathered.setdefault(kind, []).append((found, latents))
            used += latents.nbytes
        if used > configuration.memory_bytes:
            raise UsageError(
                f"data.memory_bytes is {configuration.memory_bytes:,}; the latents of {pattern}"
                " need more: raise it, or train on fewer shards"
            )
    training, kept = _buckets(gathered, out=False), _buckets(gathered, out=True)
    if ready is None or not training:
        told = "; ".join(skipped.lines(configuration)) or "the shards have no rows"
        raise UsageError(f"--data {pattern}: nothing to train on: {told}")
    return Data(training, kept, ready, skipped, seen, digest.hexdigest())


def _fit(chunk: list[Row], held: list[bool], codec: CodecConfiguration) -> PatchPcaCodec:
    seen = [_scaled(pixels) for (_, pixels), out in zip(chunk, held, strict=True) if not out]
    if not seen:
        raise UsageError(f"data.held_out: all of the first {len(chunk)} pictures are held out")
    return PatchPcaCodec.fit(seen[:_FIT], codec.factor, codec.channels)


def _buckets(
    gathered: dict[Kind, list[tuple[list[Example], Tensor]]], out: bool
) -> tuple[Bucket, ...]:
    return tuple(
        Bucket(
            kind[1],
            [example for found, _ in gathered[kind] for example in found],
            torch.cat([latents for _, latents in gathered[kind]]),
        )
        for kind in sorted(gathered)
        if kind[0] == out
    )


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _encode(
    chunk: list[Row], held: list[bool], codec: Codec
) -> Iterator[tuple[Kind, list[Example], Tensor]]:
    groups: dict[Kind, list[int]] = {}
    for place, ((_, pixels), out) in enumerate(zip(chunk, held, strict=True)):
        groups.setdefault((out, (pixels.shape[1], pixels.shape[0])), []).append(place)
    for key, places in groups.items():
        encoded = [
            codec.encode(torch.cat([_scaled(chunk[place][1]) for place in part])).float().cpu()
            for part in (
                places[start : start + _ENCODE] for start in range(0, len(places), _ENCODE)
            )
        ]
        yield key, [chunk[place][0] for place in places], torch.cat(encoded)


def _scaled(pixels: Pixels) -> Tensor:
    """(H, W, 3) bytes -> (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
