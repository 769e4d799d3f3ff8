"""What generating takes of a GPU's memory, by precision, before any weight is read: ``--plan``.

Weights are counted by the sizes in configurations, those around the network by their files where
these are there, and activations on the meta device (``infer.engine.peaks``). Neither is torch's own
share of a GPU in it (about a GiB), nor what single kernels take.

Shapes: c latent channels, D text feature width, h w latent cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from curation.failures.errors import UsageError
from curation.picture.sizes import Size
from infer.engine.peaks import peak
from infer.engine.precision import BITS, Precision
from train import families, quieten
from train.models.family import Family
from train.packing.packed import Item, pack

CARDS = (12, 24, 80)  # GB
GB = 10**9
OVERHEAD = 10**9  # what CUDA, its kernels and the allocator take of a card, roughly
_HALF = 2  # bytes: activations, and weights that are not of the network, are bfloat16
_COUNTED = 2  # layers: what is there at the same time does not depend on how many follow
_TEXT = 128  # tokens of a prompt
# What a configuration of other types, or without what is read of it, comes to.
_ODD = (TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, AssertionError)


@dataclass(frozen=True)
class Row:
    """Bytes of one precision: of the network's ``weights`` (without modulation, where tables take
    its place), and of all that is on a card when everything stays there, and when weights of a
    block at a time do (``offloaded``), also with the text encoder on the CPU (``smallest``).
    """

    precision: Precision
    weights: int
    resident: int
    offloaded: int
    smallest: int


@dataclass(frozen=True)
class Plan:
    """Bytes. ``encoder`` and ``autoencoder`` are weights as stored, else in bfloat16 by their
    configurations; ``encoder`` is 0 where that does not say how many (it ``is_counted``).
    ``steps`` are activations of the network, ``decoding`` those of the autoencoder, of one image.
    """

    network: str
    parameters: int
    encoder: int
    autoencoder: int
    steps: int
    decoding: int
    rows: tuple[Row, ...]

    @property
    def is_counted(self) -> bool:
        """Whether the text encoder is in all sums."""
        return self.encoder > 0


def plan(folder: Path, size: Size, at_once: int, guided: bool) -> Plan:
    """Of a checkpoint that generates images of ``size`` in pixels, so many at once.

    Raises ``UsageError`` for a folder without the configurations that it needs.
    """
    quieten.libraries()
    try:
        family = families.of_folder(folder)
        channels, factor, decoding, published = _autoencoder(folder, size)
        width = _text_width(folder)
        with torch.device("meta"):
            network: Any = family.model_copy(update={"layers": _COUNTED}).build(channels, width)
    except UsageError:
        raise
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: {error}") from error
    except _ODD as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(f"{folder}: its configurations fit no network we have: {what}") from error
    network = network.to(torch.bfloat16)
    layers = int(family.model_dump().get("layers", _COUNTED))
    block = sum(weight.numel() for weight in network.blocks[0].parameters())
    outside = sum(weight.numel() for weight in network.parameters()) - _in_blocks(network)
    last = sum(weight.numel() for weight in network.blocks[-1].parameters())
    tabled = sum(
        weight.numel()
        for name, weight in network.blocks[0].named_parameters()
        if name.startswith("modulation")
    )
    grid = (size[1] // factor, size[0] // factor)
    steps = _steps(family, network, (channels, *grid), width, at_once * (2 if guided else 1))
    encoder = _stored(folder, "text_encoder") or _of_encoder(folder / "text_encoder")
    stored = _stored(folder, "vae", "autoencoder") or published
    counts = _Counts(layers, block, last, tabled, outside)
    around = stored + max(steps, decoding) + OVERHEAD
    return Plan(
        str(family.name),
        (layers - 1) * block + last + outside,
        encoder,
        stored,
        steps,
        decoding,
        tuple(_rows(counts, encoder, around)),
    )


@dataclass(frozen=True)
class _Counts:
    """Parameters: of a block and of the last, of the modulation in each, and outside of blocks."""

    layers: int
    block: int
    last: int
    tabled: int
    outside: int

    @property
    def blocks(self) -> int:
        """Of all blocks, without their modulation, for which there is a table."""
        return (self.layers - 1) * self.block + self.last - self.layers * self.tabled


def _rows(counts: _Counts, encoder: int, around: int) -> Iterator[Row]:
    for precision, bits in BITS.items():
        weights = round(counts.blocks * bits / 8) + counts.outside * _HALF
        block = round((counts.block - counts.tabled) * bits / 8)
        # Offloaded, the text encoder leaves before the network comes, and of that two blocks are
        # there: the one that computes, and the next.
        smallest = 2 * block + counts.outside * _HALF + around
        offloaded = max(encoder + OVERHEAD, smallest)
        yield Row(precision, weights, weights + encoder + around, offloaded, smallest)


def _in_blocks(network: Any) -> int:
    return sum(weight.numel() for weight in network.blocks.parameters())


def _steps(
    family: Family, network: Any, shape: tuple[int, int, int], width: int, samples: int
) -> int:
    """Bytes of activations of a pass over so many samples."""
    text = torch.zeros(_TEXT, width, dtype=torch.bfloat16, device="meta")
    item = Item((text,), torch.zeros(shape, dtype=torch.bfloat16, device="meta"))
    items, sigma = [item] * samples, torch.ones(samples, device="meta")
    packed = pack(items, [family.order(each) for each in items], sigma, family.patch)
    return peak(lambda: network(packed))


def _autoencoder(folder: Path, size: Size) -> tuple[int, int, int, int]:
    """Channels, pixels of a latent cell, bytes of activations while an image is decoded, and those
    of a published one's weights.
    """
    import json

    ours, theirs = folder / "autoencoder" / "config.json", folder / "vae" / "config.json"
    if ours.is_file():
        content = json.loads(ours.read_text("utf-8"))
        channels, factor = int(content["channels"]), int(content["factor"])
        if channels < 1 or factor < 1:
            raise ValueError(f"{ours}: channels, factor: expected at least 1 each")
        return channels, factor, 3 * 4 * size[0] * size[1], 0
    if not theirs.is_file():
        raise FileNotFoundError("no autoencoder here; expected vae/ with a config.json")
    from diffusers import AutoencoderKLQwenImage, AutoencoderKLQwenImage21

    content = json.loads(theirs.read_text("utf-8"))
    kinds = {each.__name__: each for each in (AutoencoderKLQwenImage, AutoencoderKLQwenImage21)}
    if content.get("_class_name") not in kinds:
        raise ValueError(f"{theirs}: class {content.get('_class_name')!r} is not known")
    with torch.device("meta"):
        model = kinds[content["_class_name"]].from_config(content).to(torch.bfloat16)
    channels = int(content["z_dim"])
    factor = int(content.get("scale_factor_spatial") or 0) or 2 ** len(
        content["temperal_downsample"]
    )
    if channels < 1 or factor < 1:
        raise ValueError(f"{theirs}: {channels} channels, {factor} pixels a cell; expected 1 each")
    cells = (1, channels, 1, size[1] // factor, size[0] // factor)
    latents = torch.zeros(cells, dtype=torch.bfloat16, device="meta")
    weights = sum(weight.nbytes for weight in model.parameters())
    return channels, factor, peak(lambda: model.decode(latents)), weights


def _of_encoder(folder: Path) -> int:
    """Bytes of a published text encoder in bfloat16, by its configuration; 0 where that is none."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModelForImageTextToText

    own: dict[str, Any] = {"trust_remote_code": False}  # else it asks whether to run what is there
    try:
        configuration = AutoConfig.from_pretrained(folder, local_files_only=True, **own)
        with torch.device("meta"):
            model = AutoModelForImageTextToText.from_config(configuration, **own)
    except (OSError, ValueError, ImportError, StrictDataclassError, *_ODD):
        return 0
    count: int = sum(weight.numel() for weight in model.parameters())
    return _HALF * count


def _text_width(folder: Path) -> int:
    import json

    path = folder / "text_encoder" / "config.json"
    if not path.is_file():
        raise UsageError(f"{path}: missing; expected the text encoder's configuration")
    content = json.loads(path.read_text("utf-8"))
    width = content.get("text_config", content).get("hidden_size", content.get("width"))
    if not isinstance(width, int):
        raise UsageError(f"{path}: no hidden_size or width")
    return width


def _stored(folder: Path, *names: str) -> int:
    """Bytes of weights in the first of these folders that is there."""
    for name in names:
        if (folder / name).is_dir():
            return sum(path.stat().st_size for path in (folder / name).glob("*.safetensors"))
    return 0


def lines(made: Plan, cards: Sequence[int] = CARDS) -> list[str]:
    """The plan as people read it: GB, and which cards of so many GB hold it."""
    encoder = f"{made.encoder / GB:.1f}" if made.is_counted else "unknown, and not counted"
    said = [
        f"{made.network}: {made.parameters:,} parameters; GB of the text encoder"
        f" {encoder}, the autoencoder {made.autoencoder / GB:.2f}; activations of a"
        f" step {made.steps / GB:.2f}, of decoding {made.decoding / GB:.2f}",
        f"{'precision':<11}{'network':>9}{'all':>7}{'offloaded':>11}{'no text':>9}   "
        + "   ".join(f"{card} GB" for card in cards),
    ]
    for row in made.rows:
        held = "   ".join(f"{_how(row, card):<{len(str(card)) + 3}}" for card in cards)
        said.append(
            f"{row.precision:<11}{row.weights / GB:>9.1f}{row.resident / GB:>7.1f}"
            f"{row.offloaded / GB:>11.1f}{row.smallest / GB:>9.1f}   {held}".rstrip()
        )
    return [
        *said,
        "all: everything stays on the card; off.: it fits with --offload; cpu: with --offload and"
        " --encode-on-cpu; no: it does not",
    ]


def _how(row: Row, card: int) -> str:
    if row.resident <= card * GB:
        return "all"
    if row.offloaded <= card * GB:
        return "off."
    return "cpu" if row.smallest <= card * GB else "no"
