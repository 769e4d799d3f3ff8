"""Networks, tokens and times for the checks of ``benchmarks.gpu``, and the rows of its table.

Shapes: A target tokens, C values of a token.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from train import execution
from train.models.family import Family
from train.models.qwen_image_21 import QwenImage21
from train.packing.layout import Layout
from train.packing.packed import Packed
from train.precision import autocast

VERDICTS = ("pass", "fail", "ran", "not run")
TINY: dict[str, Any] = {"layers": 2, "heads": 2, "head_width": 64, "rope_axes": (8, 28, 28)}


@dataclass(frozen=True)
class Place:
    """A ``device``, the network of 2.1's kind whose steps are timed there, its channels and width
    of text, the kernel of its attention, and samples as (tokens of text, side of the image in
    tokens).
    """

    device: str
    family: QwenImage21
    widths: tuple[int, int]
    samples: tuple[tuple[int, int], ...]
    repeats: int

    @property
    def is_gpu(self) -> bool:
        """Whether bars are for it."""
        return self.device != "cpu"

    def named(self) -> str:
        """For people."""
        return torch.cuda.get_device_name() if self.is_gpu else "a CPU: nothing here is judged"


GPU = Place(  # two images of 1024 px, four of 512 px, captions of many lengths
    "cuda",
    QwenImage21(layers=4, attention="varlen"),
    (64, 4096),
    ((512, 64), (128, 64), (1024, 32), (256, 32), (64, 32), (32, 32)),
    5,
)
CPU = Place("cpu", QwenImage21(**TINY), (8, 32), ((5, 4), (2, 2)), 1)


@dataclass(frozen=True)
class Row:
    """A line of the table: a ``value`` beside its ``bar``, whether it was reached, and why not."""

    name: str
    value: str
    bar: str
    verdict: str
    why: str = ""

    def on(self, place: Place) -> "Row":
        """The same; on a CPU nothing is judged."""
        judged = place.is_gpu or self.verdict == "not run"
        return self if judged else replace(self, verdict="ran")

    def __str__(self) -> str:
        return (
            f"{self.name:50} {self.value:>10} {self.bar:>12}  {self.verdict:8} {self.why}".rstrip()
        )


Check = Callable[[Place], Iterator[Row]]


def most(name: str, value: float, bar: float, why: str = "") -> Row:
    return Row(name, f"{value:.3g}", f"<= {bar:g}", "pass" if value <= bar else "fail", why)


def packed(family: Family, network: Any, place: Place, text_width: int) -> Packed:
    """Random tokens of the samples of a place, the same on every device."""
    layout = Layout(tuple(family.sample([text], (s, s), []) for text, s in place.samples))
    random = torch.Generator().manual_seed(0)
    text = torch.randn(sum(layout.text_lengths), text_width, generator=random)
    image = torch.randn(len(layout.is_target), network.image_in.in_features, generator=random)
    sigma = torch.rand(len(layout.samples), generator=random)
    return Packed(*(each.to(place.device) for each in (text, image, sigma)), layout)


def network(family: Family, place: Place, widths: tuple[int, int]) -> Any:
    """With weights that are nowhere zero, the same on every device where they fit there."""
    with torch.device("cpu" if family.model_dump()["heads"] <= 2 else place.device):
        torch.manual_seed(0)
        network: Any = family.build(*widths)
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.05 if weight.ndim < 2 else weight.shape[1] ** -0.5)
    return network.to(place.device)


def results(network: Any, packed: Packed, precision: str, device: str) -> list[Tensor]:
    """The velocity (A, C), and the gradient of the first weights."""
    network.zero_grad(set_to_none=True)
    with autocast(device, precision):
        velocity = network(packed)
    velocity.float().square().mean().backward()
    return [velocity.detach().float().cpu(), network.image_in.weight.grad.float().cpu()]


def apart(results: list[Tensor], expected: list[Tensor]) -> float:
    """The largest relative difference, by norm."""
    pairs = zip(results, expected, strict=True)
    return max(float((own - other).norm() / other.norm()) for own, other in pairs)


def seconds(network: Any, packed: Packed, place: Place, precision: str = "bf16") -> float:
    """Of a step, the median, after two that compile and warm up."""
    times: list[float] = []
    for _ in range(place.repeats + 2):
        begin = time.perf_counter()
        network.zero_grad(set_to_none=True)
        with autocast(place.device, precision):
            velocity = network(packed)
        velocity.float().square().mean().backward()
        if place.is_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return statistics.median(times[2:])


def compiled(network: Any, place: Place) -> Any:
    options = {} if place.is_gpu else {"backend": "eager"}  # as much of it as needs no compiler
    execution.compile_blocks(network, place.device, **options)
    return network
