"""Settings of what comes after pre-training: what is trained beside a network, which rows are
chosen, and when to stop.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from train.kinds import Count, Frozen, Positive, listed

BaseNumbers = Literal["stored", "float32", "bfloat16", "int8", "nf4"]
Rating = Annotated[int, Field(ge=1, le=5)]


class AdapterConfiguration(Frozen):
    """A LoRA (arXiv 2106.09685) that is trained beside the network in the folder ``weights``, which
    stays as it is: for some of its matrices a product of two of ``rank``, which counts ``alpha`` /
    ``rank`` (1 where alpha is not given).

    ``targets`` are ends of the published names of matrices, such as ``to_q`` or ``img_mlp.net.2``;
    without them all in blocks, but for modulation. ``base`` are the numbers in which the frozen
    network is held: ``int8`` and ``nf4`` are of the matrices in blocks, by torchao (QLoRA).
    ``start`` is a LoRA to go on with, a file or an output of ours; else it begins as nothing.
    """

    rank: Count = 16
    alpha: Positive | None = None
    targets: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    base: BaseNumbers = "stored"
    start: str = ""


class ControlConfiguration(Frozen):
    """A ControlNet (arXiv 2302.05543) that is trained beside the network in the folder ``weights``,
    which stays as it is: a copy of its first ``blocks``, or the one in the folder ``start``. What
    it follows is said by ``data.conditions`` and ``data.tasks``.
    """

    blocks: Count = 5
    start: str = ""


class ResidualConfiguration(Frozen):
    """Sizes of the residual autoencoder that is trained from scratch; the values are those that are
    published with Qwen-Image-2.1, 64 channels and 16 pixels of a latent cell.

    A level has ``base`` channels, in the decoder ``decoder_base``, times its multiplier of
    ``multipliers``, and ``blocks`` residual blocks, one more in the decoder; between two levels
    sides are halved. ``channels`` are those of latents. With ``alpha`` pixels have a fourth one.
    """

    channels: Count = 64
    base: Count = 96
    decoder_base: Count = 144
    multipliers: Annotated[tuple[Count, ...], Field(min_length=2, max_length=8)] = (1, 2, 4, 8, 8)
    blocks: Count = 2
    alpha: bool = True


class BestConfiguration(Frozen):
    """The ``count`` rows of each value of the column ``by`` that have most of the column ``order``,
    or ``least``. A row without one of them is none of the best.
    """

    by: str = "category"
    order: str
    count: Count
    least: bool = False


class StopConfiguration(Frozen):
    """When training ends early: after ``patience`` evaluations, of the last phase, that are no
    better than the best before. Of two evaluations that is better which has the better first of the
    ``figures``, such as ``held_out_accuracy``, or as good a first and the better second.

    The run ends with the weights of its best evaluation, also where it ends at its last step.
    """

    patience: Count = 3
    figures: Annotated[Mapping[str, Literal["max", "min"]], Field(min_length=1)] = {
        "held_out_accuracy": "max",
        "held_out_loss": "min",
    }
