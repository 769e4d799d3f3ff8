"""Everything a training run is told, frozen and strict: data alone, which others build from.

Imports neither torch nor diffusers, so that ``--help`` and a wrong key answer at once.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from curation.picture.sizes import RATIOS

CaptionColumn = Literal["caption_raw", "caption_recaption", "caption_fused"]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfiguration(_Frozen):
    """What is read from the shards, and how pictures become buckets of equal size.

    ``resolution`` 0 keeps native sizes, cropped to whole tokens; R > 0 scales every picture to
    cover, and crops it to, the nearest of ``aspect_ratios`` (width/height) at about R x R pixels;
    256, 640 and 1328 are the classes that text images are rendered in, and leave those as they are.
    ``sizes`` ("WIDTHxHEIGHT"), where given, are the only buckets. ``captions`` are columns; each
    time a picture is shown one of its captions is drawn. ``caption_dropout`` is the share of
    pictures shown without caption, which guidance needs. ``held_out`` is the share of TEXTS (of
    captions, where a picture has no text) never trained on, chosen by their hash.
    ``memory_bytes`` bounds the latents, which are held in memory.
    """

    captions: tuple[CaptionColumn, ...] = ("caption_recaption", "caption_fused", "caption_raw")
    caption_dropout: Share = 0.1
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.125
    resolution: Annotated[int, Field(ge=0, le=4096)] = 0
    aspect_ratios: tuple[Positive, ...] = tuple(width / height for width, height in RATIOS)
    sizes: tuple[str, ...] = ()
    memory_bytes: Count = 4 << 30


class CodecConfiguration(_Frozen):
    """The image codec: ``patch_pca`` fitted on the training pictures, or ``qwen`` from ``path``.

    ``channels`` and ``factor`` (pixels per latent cell side) describe ``patch_pca`` only.
    """

    kind: Literal["patch_pca", "qwen"] = "patch_pca"
    path: str = ""
    channels: Count = 16
    factor: Count = 8


class TextEncoderConfiguration(_Frozen):
    """The text encoder: ``byte``, learnt with the model, or frozen ``qwen`` from ``path``.

    ``width`` is the feature width of ``byte``.
    """

    kind: Literal["byte", "qwen"] = "byte"
    path: str = ""
    width: Count = 128


class ModelConfiguration(_Frozen):
    """The size of the MMDiT. Width is ``heads`` x ``head_width``; ``rope_axes`` (frame, row,
    column) sum up to ``head_width``; ``patch`` is the side of a token in latent cells.

    ``attention`` is diffusers' name of the kernel: for short sequences on a CPU plain matrix
    products ("_native_math") cost less than the fused kernel ("native").
    """

    layers: Count = 60
    heads: Count = 24
    head_width: Count = 128
    rope_axes: tuple[int, int, int] = (16, 56, 56)
    patch: Count = 2
    attention: Literal["native", "_native_math"] = "native"


class FlowConfiguration(_Frozen):
    """The fields of ``train.flow.Flow``, which explains them; the values are Qwen-Image's."""

    logit_mean: float = 0.0
    logit_deviation: Positive = 1.0
    base_shift: float = 0.5
    max_shift: float = 0.9
    base_tokens: Count = 256
    max_tokens: Count = 8192
    terminal: Annotated[float, Field(ge=0, lt=1)] = 0.02


class OptimiserConfiguration(_Frozen):
    """``muon`` takes the two-dimensional weights inside the blocks, AdamW all the rest;
    ``adamw`` takes everything. ``learning_rate`` is AdamW's, ``muon_learning_rate`` Muon's.

    Rates rise over ``warmup`` steps and fall linearly to 0 over the last ``decay`` share of all.
    """

    kind: Literal["adamw", "muon"] = "adamw"
    learning_rate: Positive = 1e-4
    muon_learning_rate: Positive = 3e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup: Annotated[int, Field(ge=0)] = 20
    decay: Share = 0.0
    clip: Positive = 1.0


class EvaluationConfiguration(_Frozen):
    """Drawing held-out captions: ``every`` so many steps, ``pictures`` of them (all at the end).

    ``grid`` is the number of pictures in the sample grid.
    """

    every: Count = 1000
    pictures: Count = 256
    steps: Count = 50
    guidance: Annotated[float, Field(ge=1)] = 1.0
    batch: Count = 128
    grid: Count = 24


class CheckpointConfiguration(_Frozen):
    """A checkpoint ``every`` so many steps; the newest ``keep`` stay, and the last one before the
    learning rate falls, from which a longer run would go on.
    """

    every: Count = 1000
    keep: Count = 2


class Configuration(_Frozen):
    """A whole run. ``precision`` "auto" is bf16 autocast where the hardware computes in it."""

    preset: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Count = 1000
    batch: Count = 128
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    device: str = "auto"
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    log_every: Count = 10
    data: DataConfiguration = DataConfiguration()
    codec: CodecConfiguration = CodecConfiguration()
    text_encoder: TextEncoderConfiguration = TextEncoderConfiguration()
    model: ModelConfiguration = ModelConfiguration()
    flow: FlowConfiguration = FlowConfiguration()
    optimiser: OptimiserConfiguration = OptimiserConfiguration()
    evaluation: EvaluationConfiguration = EvaluationConfiguration()
    checkpoint: CheckpointConfiguration = CheckpointConfiguration()


# One font, four cells of 16x32 px: tuned by benchmarks/held_out_strings.py on two CPU cores.
DEMO = Configuration(
    preset="demo",
    steps=240,
    ema=0.98,
    data=DataConfiguration(sizes=("64x32",)),
    codec=CodecConfiguration(channels=24),
    model=ModelConfiguration(
        layers=6, heads=2, head_width=64, rope_axes=(16, 24, 24), attention="_native_math"
    ),
    optimiser=OptimiserConfiguration(
        kind="muon", learning_rate=3e-3, muon_learning_rate=2e-2, decay=0.4
    ),
    evaluation=EvaluationConfiguration(every=50, steps=8),
    checkpoint=CheckpointConfiguration(every=100),
)

# The published sizes; it shows how to name the real parts, and is too large for one machine.
QWEN_IMAGE = Configuration(
    preset="qwen-image",
    steps=100_000,
    batch=256,
    ema=0.9999,
    data=DataConfiguration(resolution=256),
    codec=CodecConfiguration(kind="qwen", path="Qwen-Image/vae"),
    text_encoder=TextEncoderConfiguration(kind="qwen", path="Qwen-Image/text_encoder"),
    optimiser=OptimiserConfiguration(learning_rate=1e-4, warmup=1000),
    evaluation=EvaluationConfiguration(guidance=4.0, pictures=64, batch=8),
)

PRESETS = {found.preset: found for found in (DEMO, QWEN_IMAGE)}
