"""Weights of a network from a GGUF file, as llama.cpp's tools and ComfyUI-GGUF quantise them.

They are computed back to numbers when they are read, tensor by tensor: what such a file saves is
disk and download. To save memory, too, choose a precision.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from curation.failures.errors import UsageError
from train.packing.keys import joined


def load(network: Any, path: Path, kind: torch.dtype) -> None:
    """Replace the weights of a packed ``network`` by those of a file, in numbers of a ``kind``. The
    file has the published names.

    Raises ``UsageError`` for a file that is no GGUF, or of another network.
    """
    try:
        import gguf
    except ImportError:
        raise UsageError(f"{path}: reading it needs gguf: pip install 'inkstone[adapt]'") from None
    try:
        stored = {tensor.name: tensor for tensor in gguf.GGUFReader(str(path)).tensors}
    except (ValueError, OSError, IndexError) as error:
        raise UsageError(f"{path}: no GGUF file that can be read ({error})") from error
    sources = network.sources()
    known = {part.key for source in sources.values() for part in source.parts}
    for problem, names in (
        ("no tensor", known - stored.keys()),
        ("a strange", stored.keys() - known),
    ):
        if names:
            raise UsageError(
                f"{path}: {problem} {min(names)}, and {len(names) - 1} others like it: of another"
                " network than this checkpoint's"
            )
    for name, parameter in list(network.named_parameters()):
        source = sources[name]
        rows = (parameter.shape[0] // len(source.parts), *parameter.shape[1:])
        parts = [_tensor(gguf, stored[part.key], rows, path) for part in source.parts]
        place, _, last = name.rpartition(".")
        made = nn.Parameter(joined(source, parts).to(kind), requires_grad=False)
        setattr(network.get_submodule(place), last, made)


def _tensor(gguf: Any, stored: Any, shape: tuple[int, ...], path: Path) -> Tensor:
    """A tensor as float32."""
    try:
        values = gguf.dequantize(stored.data, stored.tensor_type)
    except NotImplementedError as error:
        raise UsageError(f"{path}: {stored.name} is {stored.tensor_type.name}: {error}") from error
    if values.shape != shape:
        raise UsageError(
            f"{path}: {stored.name} is {values.shape}, not {shape}: of another network than this"
            " checkpoint's"
        )
    return torch.from_numpy(np.array(values, np.float32))
