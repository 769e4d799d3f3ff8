"""Everything a training run is told, frozen and strict: data alone, which others build from.

Imports neither torch nor diffusers, so that ``--help`` and a wrong key answer at once.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from curation.picture import sizes
from curation.shard.selection import Bound
from curation.strict_yaml import choice
from train import families
from train.kinds import Count, Frozen, Positive, Share, listed
from train.models.qwen_image import QwenImage
from train.power import WIDEST
from train.tuning import (
    AdapterConfiguration,
    BestConfiguration,
    ControlConfiguration,
    Rating,
    ResidualConfiguration,
    StopConfiguration,
)

CaptionColumn = Literal["caption_recaption", "caption_fused", "caption_raw"]
Task = Literal["t2i", "ti2i", "i2i"]
Computed = Literal["canny", "soft_edge", "line_art", "inpaint"]


def _size(text: str) -> str:
    size = sizes.parse(text)
    if size is None:
        raise ValueError(f"expected WIDTHxHEIGHT such as 64x32, found {text!r}")
    return f"{size[0]}x{size[1]}"


def _shares(value: Any) -> Any:
    """A list of splits has equal shares."""
    if isinstance(value, list | tuple):
        return {name: 1.0 for name in value if isinstance(name, str)} or value
    return value


_Side = Annotated[int, Field(ge=0, le=4096)]


class DataConfiguration(Frozen):
    """Which rows of the shards are trained on, how often, and at which sizes.

    ``stage`` takes rows that passed this stage of curation or a deeper one; ``where`` bounds
    columns of the shards; a null is outside every bound. ``weight`` names columns: rows are shown
    in proportion to their product, in which a null is 1. ``picks`` is a file of what people said of
    images (`beam serve` writes it), of which those are taken that were picked, or rated ``rating``
    of 5 and more and not rejected; ``best`` takes of all that only some of each category.

    ``captions`` are splits with their shares, where given; else all have the same. Each time an
    image is shown one of the splits it has is chosen by share, and one of its captions there, of
    these by the shares of ``languages``, where given; others are not taken then.
    ``caption_dropout`` is the share of images shown with an empty caption, which guidance needs.

    ``tasks`` are shares of what is shown: ``t2i``, images of captions; ``ti2i``, edit pairs, whose
    inputs the network sees beside an instruction (as ``references`` says: their latents, what a
    text encoder sees of them, or both; ``condition``: what a ControlNet does); ``i2i``, images of
    what the text encoder sees of them.
    ``held_out`` is the share of TEXTS (of captions, where an image shows no text) never trained
    on, chosen by their hash.

    ``resolution`` R > 0 scales every image to cover, and crops it to, the size of the nearest
    aspect ratio in the class of R x R pixels (``curation.picture.sizes``: 256, 640 and 1328 are
    those that text images are rendered in, and leave those as they are). Of several, such as 640
    and 1328, each image is of the largest class that does not enlarge it, else of the smallest.
    Without it ``resize`` scales to the nearest of ``sizes`` ("WIDTHxHEIGHT"), if there are any;
    else images keep their native size, cropped to whole tokens. ``sizes``, where given, are the
    only ones.

    ``memory_bytes`` bounds the latents held in memory; images are read from the shards as needed.

    ``conditions`` are what a ControlNet (``control``) follows, computed of each image, with their
    shares; each row always has the same kind. ``inpaint`` is of an image with holes, and stands
    alone. Rows of ``ti2i`` bring their own: a map, such as of depth or a layout, as the input.

    ``units``, a folder or http://host:port, has latents and text features that producers make
    (`python -m train.produce`); ``prefetch`` batches of them are read ahead. ``cache`` is a folder
    in which a run without producers keeps what it encoded, at most ``cache_bytes``.
    """

    stage: str = ""
    where: Mapping[str, Bound] = {}
    weight: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    picks: str = ""
    rating: Rating = 4
    best: BestConfiguration | None = None
    captions: Annotated[Mapping[CaptionColumn, Positive], BeforeValidator(_shares)] = {}
    languages: Mapping[str, Positive] = {}
    caption_dropout: Share = 0.1
    tasks: Annotated[Mapping[Task, Positive], Field(min_length=1)] = {"t2i": 1.0}
    references: Literal["both", "latents", "text", "condition"] = "both"
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.125
    resolution: _Side | Annotated[tuple[_Side, ...], Field(min_length=1)] = 0
    resize: bool = False
    sizes: tuple[Annotated[str, AfterValidator(_size)], ...] = ()
    memory_bytes: Count = 4 << 30
    units: str = ""
    prefetch: Count = 4
    cache: str = ""
    cache_bytes: Count = 64 << 30
    conditions: Mapping[Computed, Positive] = {}

    @property
    def resolutions(self) -> tuple[int, ...]:
        """The classes that images are scaled to, smallest first; none where they are not."""
        given = (self.resolution,) if isinstance(self.resolution, int) else self.resolution
        return tuple(sorted({side for side in given if side}))

    @property
    def splits(self) -> Mapping[CaptionColumn, float]:
        """The splits of captions that are read, with their shares."""
        return self.captions or dict.fromkeys(get_args(CaptionColumn), 1.0)


class SourceConfiguration(Frozen):
    """Shards of a phase, from which ``share`` of what it shows comes: ``data`` is a folder or glob,
    empty for that of ``--data``. The others stand in place of those of ``data:``, where given.
    """

    data: str = ""
    share: Positive = 1.0
    stage: str | None = None
    where: Mapping[str, Bound] | None = None
    weight: Annotated[tuple[str, ...] | None, BeforeValidator(listed)] = None
    picks: str | None = None
    rating: Rating | None = None
    best: BestConfiguration | None = None


class PhaseConfiguration(Frozen):
    """A stretch of training. ``steps`` is its length; the last one goes on to the end of the
    run, which may also end before it.

    ``sources`` are what it is trained on, those of ``--data`` where there are none. ``frozen`` are
    beginnings of names of weights that are not trained in it, such as ``text_encoder`` or
    ``transformer.blocks.0.``. ``tread`` is the share of image tokens that go around the middle
    blocks (TREAD, arXiv 2501.04765), for images of many tokens; ``repa`` switches that on. The
    others stand in place of those of the whole run, where given.
    """

    label: str = ""
    steps: Count | None = None
    batch: Count | None = None
    learning_rate: Positive | None = None
    frozen: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    tread: Annotated[float, Field(ge=0, lt=1)] = 0.0
    repa: bool = False
    sources: tuple[SourceConfiguration, ...] = ()
    resolution: _Side | Annotated[tuple[_Side, ...], Field(min_length=1)] | None = None
    captions: Annotated[Mapping[CaptionColumn, Positive] | None, BeforeValidator(_shares)] = None
    languages: Mapping[str, Positive] | None = None
    caption_dropout: Share | None = None
    tasks: Annotated[Mapping[Task, Positive], Field(min_length=1)] | None = None


class AutoencoderConfiguration(Frozen):
    """The autoencoder: ``patch_pca`` fitted on the training images, ``qwen`` from ``path``, or a
    ``residual`` one of random weights, which ``objective: reconstruction`` trains.

    ``channels`` and ``factor`` (pixels per latent cell side) describe ``patch_pca`` only, as does
    ``whitening``: 1 gives all channels the same variance, 0 leaves them as they are in pixels. Of
    errors as large in every channel pixels have least at 0.5.
    """

    kind: Literal["patch_pca", "qwen", "residual"] = "patch_pca"
    path: str = ""
    channels: Count = 16
    factor: Count = 8
    whitening: Share = 1.0
    residual: ResidualConfiguration = ResidualConfiguration()


class TextEncoderConfiguration(Frozen):
    """The text encoder: ``byte``, learnt with the model, or frozen ``qwen`` from ``path``.

    ``width`` is the feature width of ``byte``, which sees of images a ``view`` of so many pixels
    squared, or nothing (0). It has a token for each byte of what is quoted; with ``characters``
    for each character, of a table of so many rows: 20992 keep hanzi apart. Captions are cut at
    ``longest`` tokens. A frozen one is on the ``device`` of the run, or on the ``cpu``, slower,
    where it takes nothing of a card. A producer gives a frozen one ``at_once`` captions of about
    the same length together, which a GPU needs to be busy; rounding makes of more than 1 other last
    bits than a run without producers has.
    """

    kind: Literal["byte", "qwen"] = "byte"
    path: str = ""
    width: Count = 128
    view: Annotated[int, Field(ge=0, le=512)] = 0
    characters: Annotated[int, Field(ge=0, le=0x110000)] = 0
    longest: Annotated[int, Field(ge=1, le=1024)] = 1024
    at_once: Count = 1
    device: Literal["run", "cpu"] = "run"


class FlowConfiguration(Frozen):
    """The fields of ``train.flow.Flow``, which explains them; the values are Qwen-Image's."""

    logit_mean: float = 0.0
    logit_standard_deviation: Positive = 1.0
    base_shift: float = 0.5
    max_shift: float = 0.9
    base_tokens: Count = 256
    max_tokens: Count = 8192
    terminal: Annotated[float, Field(ge=0, lt=1)] = 0.02


class OptimiserConfiguration(Frozen):
    """``muon`` takes the matrices inside the blocks, AdamW all the rest; ``adamw`` takes
    everything. ``learning_rate`` is AdamW's, ``muon_learning_rate`` Muon's, of steps as long.

    Rates rise over ``warmup`` steps and fall linearly to 0 over the last ``decay`` share of all.

    ``states`` int8 keeps AdamW's two moments in a byte each (torchao), a quarter of fp32; those of
    Muon stay.

    A step whose loss or gradient is not finite is skipped; ``skips`` of 100 steps may be.
    """

    kind: Literal["adamw", "muon"] = "adamw"
    learning_rate: Positive = 1e-4
    muon_learning_rate: Positive = 1e-3
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    warmup: Annotated[int, Field(ge=0)] = 20
    decay: Share = 0.0
    states: Literal["fp32", "int8"] = "fp32"
    clip: Positive = 1.0
    skips: Annotated[int, Field(ge=0, le=100)] = 10


class EmaConfiguration(Frozen):
    """Which averages of the weights are kept; images are generated by the first.

    ``decay`` keeps one: each step leaves ``decay`` of it, less at the start. ``power`` keeps those
    of relative ``widths`` (EDM2, arXiv 2312.02696) and writes them down every so many
    ``snapshots`` steps: `python -m train.averages` makes any other width of them later.
    """

    kind: Literal["decay", "power"] = "decay"
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    widths: Annotated[tuple[Annotated[float, Field(gt=0, le=WIDEST)], ...], Field(min_length=1)] = (
        0.05,
        0.1,
    )
    snapshots: Count = 1000


class AlignmentConfiguration(Frozen):
    """REPA (arXiv 2410.06940), in phases with ``repa: true``: image tokens of the ``block`` of this
    number are drawn towards what a frozen ``encoder`` sees in the image, the folder of a vision
    transformer such as DINOv2, or ``efficientnet_lite0``, which the extra ``curate`` brings along.
    """

    encoder: str = "efficientnet_lite0"
    block: Count = 8
    weight: Positive = 0.5


_FLOW_MATCHING: Mapping[str, str] = {"name": "flow_matching"}
Objective = Annotated[Any, choice("train.objectives.objective.Objective")]
Evaluator = Annotated[Any, choice("train.evaluators.evaluator.Evaluator")]


class EvaluationConfiguration(Frozen):
    """Judging by ``evaluators`` (names of files in ``train/evaluators``, or import paths).

    Held-out captions are generated ``every`` so many steps, ``images`` of them (all at the end).

    ``held_out`` is the most images that are held out in memory and judged; others are not trained
    on either. With ``stop`` a run may end early. ``grid`` is the number of images in the sample
    grid. ``gradients``: also measure the norm of the gradient of each noise level, size, task and
    source by itself, a pass each.
    """

    evaluators: Annotated[tuple[Evaluator, ...], Field(validate_default=True)] = (
        "held_out_strings",
    )
    every: Count = 1000
    images: Count = 256
    held_out: Count = 2048
    steps: Count = 50
    guidance: Annotated[float, Field(ge=1)] = 1.0
    batch: Count = 128
    grid: Count = 24
    gradients: bool = True
    stop: StopConfiguration | None = None


class CheckpointConfiguration(Frozen):
    """A checkpoint ``every`` so many steps; the newest ``keep`` stay, and the last one before the
    learning rate falls, from which a longer run would go on.
    """

    every: Count = 1000
    keep: Count = 2


class DistributedConfiguration(Frozen):
    """How the processes that torchrun started divide a run: ``replicate`` x ``shard`` x ``tensor``
    of them, ``shard`` 0 for all that are left.

    Weights, gradients, averages and what optimisers remember are divided among ``shard`` (FSDP2),
    of which there are ``replicate`` groups (HSDP); a batch is divided among all of these. The heads
    of attention, and the MLPs, are divided among ``tensor``.
    """

    shard: Annotated[int, Field(ge=0)] = 0
    replicate: Count = 1
    tensor: Count = 1


class Configuration(Frozen):
    """A whole run. ``precision`` "auto" is bf16 autocast where the hardware computes in it;
    "float8" is that with float8 for the matrices inside blocks. Weights stay fp32.

    ``model`` and ``objective`` are chosen by ``name``, that of a file in ``train/models`` and
    ``train/objectives`` or an import path; their other keys are settings of what was chosen.

    A batch goes through the network in portions of at most ``tokens_at_once`` image and text
    tokens; the gradient is that of the whole ``batch``.

    ``recompute`` saves memory for time: in the backward pass activations are computed again, of a
    whole "block" at a time, or "selective", all but those of matrices and attention. ``compile``
    compiles each block but its attention, once for all sizes.

    ``weights``, the folder of a published network of the same size or of a checkpoint, are those
    that training starts with, of a checkpoint also those of the small text encoder and autoencoder
    beside them; without it they are random. With an ``adapter``, or a ControlNet (``control``),
    that alone is trained, and everything else is as in the folder ``weights``.

    ``phases`` are the curriculum: what is trained on, and how, from step to step.
    """

    preset: str
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Count = 1000
    batch: Count = 128
    tokens_at_once: Count = 8192
    precision: Literal["auto", "bf16", "fp32", "float8"] = "auto"
    recompute: Literal["none", "block", "selective"] = "none"
    compile: bool = False
    device: str = "auto"
    ema: EmaConfiguration = EmaConfiguration()
    repa: AlignmentConfiguration = AlignmentConfiguration()
    log_every: Count = 10
    data: DataConfiguration = DataConfiguration()
    phases: tuple[PhaseConfiguration, ...] = ()
    autoencoder: AutoencoderConfiguration = AutoencoderConfiguration()
    text_encoder: TextEncoderConfiguration = TextEncoderConfiguration()
    model: families.Choice = QwenImage()
    weights: str = ""
    adapter: AdapterConfiguration | None = None
    control: ControlConfiguration | None = None
    objective: Annotated[Objective, Field(validate_default=True)] = _FLOW_MATCHING
    flow: FlowConfiguration = FlowConfiguration()
    optimiser: OptimiserConfiguration = OptimiserConfiguration()
    evaluation: EvaluationConfiguration = EvaluationConfiguration()
    checkpoint: CheckpointConfiguration = CheckpointConfiguration()
    distributed: DistributedConfiguration = DistributedConfiguration()

    @property
    def beside(self) -> bool:
        """Whether what is trained is beside the network in ``weights``, which stays as it is."""
        return bool(self.adapter or self.control)

    @property
    def reconstructs(self) -> bool:
        """Whether an autoencoder is trained, and no network that generates."""
        return bool(self.objective.trains == "autoencoder")

    def unit(self, factor: int) -> int:
        """Sides of images are multiples of so many pixels, where a latent cell has ``factor``."""
        return factor if self.reconstructs else self.model.unit(factor)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What is trained on in some phase or other."""
        mixes = [phase.tasks or self.data.tasks for phase in self.phases] or [self.data.tasks]
        return tuple(dict.fromkeys(task for mix in mixes for task in mix))
