"""What a run will take, worked out before it is started: ``python -m train --plan``.

Shapes: c latent channels, D text feature width.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict

from curation.picture import sizes
from curation.picture.sizes import Size
from train import devices, fitting, memory, peak, phases, reference
from train.adapters import base, base_size
from train.adapters.quantising import BITS
from train.configuration import Configuration, DataConfiguration, Task
from train.devices import Devices
from train.distributed import replicated
from train.distributed.world import axes_of, check_divided
from train.fitting import Fit
from train.memory import Memory
from train.packing.layout import Layout, Sample
from train.phases import Phase
from train.text_encoders import qwen_templates, text_encoder
from train.tuning import BaseNumbers

TYPICAL = 128  # tokens of text that phases are counted with
USEFUL = 0.4  # of the peak: what trainers of such networks reach
_TEXTS = (32, TYPICAL, 512, 1024)  # tokens of captions that FLOPs are said for
_PUBLISHED = {"qwen_image_21": (64, 16, 4096)}  # channels, pixels of a latent cell, text width
_PUBLISHED_QWEN_IMAGE = (16, 8, 3584)
_SEEN_CELL = 28  # pixels a side that Qwen2.5-VL makes a token of: 14 of a patch, 2 x 2 merged
_BYTE_CELL = 8  # pixels a side that the text encoder "byte" makes a token of


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class OfImage(_Frozen):
    """FLOPs of training on an image of ``size`` for a ``task``, by tokens of text; it has so many
    tokens more than an image of a caption: of ``references``, and ``seen`` by the text encoder.
    """

    size: str
    task: Task
    references: int
    seen: int
    flops: Mapping[int, int]


class Effort(_Frozen):
    """FLOPs, and hours of all devices together: at their peak, and at ``USEFUL`` of it."""

    flops: float
    hours_at_peak: float
    hours: float


class OfPhase(_Frozen):
    """``steps`` of ``batch`` samples, of ``tasks`` by their shares and of ``sizes`` in equal parts;
    ``named`` is what the phase is called. FLOPs are None where images keep their sizes.
    """

    named: str
    steps: int
    batch: int
    samples: int
    tasks: Mapping[Task, float]
    sizes: tuple[str, ...]
    flops_of_sample: float | None
    effort: Effort | None


class Plan(_Frozen):
    """All that ``--plan`` says; memory in bytes. Phases are counted with ``text`` tokens of text,
    their hours at ``mfu`` of the peak; ``effort`` is that of all. ``bases`` are bytes of a run that
    trains an adapter, by the numbers that its frozen network may be held in; ``beside`` is
    what is trained beside one. ``passes`` are the forward passes that a sample costs by an
    ``objective`` that generates images, or compares with another network.
    """

    network: str
    parameters: int
    trained: int
    channels: int
    text_width: int
    optimiser: str
    states: str
    tokens_at_once: int
    recompute: str
    text: int = TYPICAL
    mfu: float = USEFUL
    images: tuple[OfImage, ...]
    phases: tuple[OfPhase, ...]
    effort: Effort | None
    memory: Memory
    bases: Mapping[str, int] = {}
    beside: str = ""
    objective: str = ""
    passes: float = 0.0
    devices: Devices
    fit: Fit


def plan(configuration: Configuration, data: str, on: str = "") -> Plan:
    """The plan of a run on the shards ``data``, which need not be there, on the devices that ``on``
    names (``h100x64``), else on the device here.

    Raises ``UsageError`` for phases or parts that do not go together, or an unknown device.
    """
    configuration = _settled(configuration)
    chosen, configuration = devices.named(on, configuration)
    channels, factor, width = _parts(configuration)
    with torch.device("meta"):
        network: Any = configuration.model.build(channels, width)
    weights = list(network.parameters())
    counting = _Counting(configuration, network, factor, _seen(configuration))
    stretches = phases.of_run(configuration, data or "--data")
    _check(configuration, chosen, min(phase.batch for phase in stretches))
    each = tuple(_of_phase(counting, phase, chosen) for phase in stretches)
    known = [phase.effort.flops for phase in each if phase.effort]
    needed = memory.needed(configuration, network, channels, width)
    largest = counting.largest(stretches)
    fit = fitting.fit(needed, chosen, largest, configuration, network, (channels, width))
    return Plan(
        network=str(configuration.model.name),
        parameters=sum(weight.numel() for weight in weights),
        trained=memory.trained_beside(configuration, network)[0]
        if configuration.beside
        else sum(weight.numel() for weight in weights if weight.requires_grad),
        channels=channels,
        text_width=width,
        optimiser=configuration.optimiser.kind,
        states=configuration.optimiser.states,
        tokens_at_once=configuration.tokens_at_once,
        recompute=configuration.recompute,
        images=tuple(_of_images(counting, stretches)),
        phases=each,
        effort=_effort(sum(known), chosen) if len(known) == len(each) else None,
        memory=needed,
        objective=configuration.objective.name if configuration.objective.reference else "",
        passes=counting.passes,
        beside="LoRA" if configuration.adapter else "ControlNet" if configuration.control else "",
        bases=dict(_bases(configuration, network, needed)),
        devices=chosen,
        fit=fit,
    )


def _settled(configuration: Configuration) -> Configuration:
    """As the folder of an adapter's network says, where that is there; else as published."""
    if configuration.weights and configuration.beside and Path(configuration.weights).is_dir():
        return base.settled(configuration)
    return configuration


def _bases(
    configuration: Configuration, network: Any, needed: Memory
) -> Iterator[tuple[BaseNumbers, int]]:
    if not configuration.adapter:
        return
    own = base_size.weights(configuration, network) + base_size.computed_back(
        configuration, network
    )
    for numbers in BITS:
        update = {"base": numbers}
        adapter = configuration.adapter.model_copy(update=update)
        changed = configuration.model_copy(update={"adapter": adapter})
        other = base_size.weights(changed, network) + base_size.computed_back(changed, network)
        yield numbers, needed.total - own + other


def _check(configuration: Configuration, chosen: Devices, batch: int) -> None:
    """Raise ``UsageError`` where so many processes would refuse the smallest ``batch``, the states
    of the optimiser, or how they are to be divided.
    """
    if configuration.objective.reference:
        reference.check(configuration)
        reference.check_alone(configuration, chosen.count)
    if chosen.count > 1:
        axes_of(configuration.distributed, chosen.count)
        if configuration.beside:
            replicated.check(configuration.distributed.tensor)
        data_ranks = chosen.count // configuration.distributed.tensor
        check_divided(data_ranks, [batch], configuration.optimiser.states)


class _Counting(NamedTuple):
    """The run, its network, the pixels of a latent cell, and the tokens in the text for an image
    that the text encoder sees.
    """

    configuration: Configuration
    network: Any
    factor: int
    seen: int

    def sizes(self, data: DataConfiguration) -> list[Size]:
        """Those that stand for a phase's; none where they are those of the images."""
        step = self.configuration.model.unit(self.factor)
        if data.resolutions:
            return [sizes.of_ratio(side, 1.0, step) for side in data.resolutions]
        return [size for text in data.sizes if (size := sizes.parse(text))]

    def more(self, task: Task, data: DataConfiguration) -> tuple[int, int]:
        """References, and tokens of images in the text, of a sample; an edit has one input. What a
        ControlNet follows is in no sequence.
        """
        if self.configuration.control:
            return 0, 0
        references = int(task == "ti2i" and data.references != "text")
        looks = task == "i2i" or (task == "ti2i" and data.references != "latents")
        return references, self.seen * looks

    def sample(self, size: Size, text: int, more: tuple[int, int]) -> Sample:
        """Of an image of ``size``, inputs of which are of the same size, behind a token of text."""
        family, (references, seen) = self.configuration.model, more
        step = self.factor * family.patch
        grid = size[1] // step, size[0] // step
        before = [1] * references
        return family.sample([*before, text + seen - references], grid, [grid] * references)

    def flops(self, size: Size, text: int, more: tuple[int, int]) -> int:
        """Of training on it."""
        layout = Layout((self.sample(size, text, more),))
        settings, passes = self.configuration, self.passes
        if settings.control:  # which says what is trained and what is not
            blocks = memory.control_blocks(settings.control)
            return round(passes * memory.controlled(settings, self.network, blocks).flops(layout))
        return round(passes * settings.model.flops(self.network, layout))

    @property
    def passes(self) -> float:
        """Forward passes that a sample costs."""
        usual = peak.passes(frozen=self.configuration.beside)
        return float(self.configuration.objective.passes(usual, self.configuration))

    def largest(self, stretches: Sequence[Phase]) -> int:
        """Tokens of the largest sample, which goes through the network in a portion of its own."""
        longest = self.configuration.text_encoder.longest
        samples = [
            self.sample(size, longest, self.more(task, phase.data))
            for phase in stretches
            for size in self.sizes(phase.data)
            for task in phase.data.tasks
        ]
        return max((sum(span.tokens for span in sample) for sample in samples), default=1)


def _parts(configuration: Configuration) -> tuple[int, int, int]:
    """c, the pixels of a latent cell and D; where the parts are not here yet, as published."""
    channels, factor, width = _PUBLISHED.get(str(configuration.model.name), _PUBLISHED_QWEN_IMAGE)
    if configuration.autoencoder.kind == "patch_pca":
        channels, factor = configuration.autoencoder.channels, configuration.autoencoder.factor
    if configuration.text_encoder.kind == "byte":
        return channels, factor, configuration.text_encoder.width
    path = Path(configuration.text_encoder.path) / "config.json"
    if path.is_file():
        content = json.loads(path.read_text("utf-8"))
        width = int(content.get("text_config", content)["hidden_size"])
    return channels, factor, width


def _seen(configuration: Configuration) -> int:
    """Tokens in the text for an image that the text encoder sees, a square. Qwen3-VL leaves them to
    the latents; an encoder that is not here yet is taken for one that sees.
    """
    encoder = configuration.text_encoder
    if encoder.kind == "byte":
        return round(encoder.view / _BYTE_CELL) ** 2
    if configuration.model.name == "qwen_image_21":
        return 0
    with suppress(FileNotFoundError):
        if not text_encoder.sees_images(encoder):
            return 0
    path = Path(encoder.path)
    pipeline = path if (path / "text_encoder").is_dir() else path.parent
    return round(qwen_templates.of_folder(pipeline).side / _SEEN_CELL) ** 2


def _of_images(counting: _Counting, stretches: Sequence[Phase]) -> Iterator[OfImage]:
    """Every size of images of captions; of other tasks that differ, where a phase has them."""
    longest = counting.configuration.text_encoder.longest
    texts = sorted({min(text, longest) for text in _TEXTS})
    kinds: dict[tuple[Size, Task], tuple[int, int]] = {}
    for phase in stretches:
        for size in counting.sizes(phase.data):
            kinds[size, "t2i"] = (0, 0)
            wanted = {task: counting.more(task, phase.data) for task in phase.data.tasks}
            kinds |= {(size, task): more for task, more in wanted.items() if any(more)}
    for (size, task), more in sorted(kinds.items(), key=lambda kind: (kind[0][0], kind[1])):
        plain = counting.sample(size, TYPICAL, (0, 0))
        own = counting.sample(size, TYPICAL, more)
        beyond = sum(span.tokens for span in own) - sum(span.tokens for span in plain)
        yield OfImage(
            size=f"{size[0]}x{size[1]}",
            task=task,
            references=beyond - more[1],
            seen=more[1],
            flops={text: counting.flops(size, text, more) for text in texts},
        )


def _of_phase(counting: _Counting, phase: Phase, chosen: Devices) -> OfPhase:
    steps, own = phase.last - phase.first + 1, counting.sizes(phase.data)
    tasks: Mapping[Task, float] = phase.data.tasks
    every = sum(tasks.values())
    shares = {task: share / every for task, share in tasks.items()}
    of_sample = None
    if own:
        of_sample = sum(
            share * counting.flops(size, TYPICAL, counting.more(task, phase.data)) / len(own)
            for task, share in shares.items()
            for size in own
        )
    samples = steps * phase.batch
    return OfPhase(
        named=phase.named,
        steps=steps,
        batch=phase.batch,
        samples=samples,
        tasks=shares,
        sizes=tuple(f"{width}x{height}" for width, height in own),
        flops_of_sample=of_sample,
        effort=None if of_sample is None else _effort(samples * of_sample, chosen),
    )


def _effort(flops: float, chosen: Devices) -> Effort:
    return Effort(
        flops=flops, hours_at_peak=chosen.hours(flops, 1.0), hours=chosen.hours(flops, USEFUL)
    )
