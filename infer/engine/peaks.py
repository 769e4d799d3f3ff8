"""How much memory a computation takes at its height, found without computing anything.

Run on the meta device, where tensors have sizes and no values: so for a network of 20 billion
weights too, in a second. What single kernels take for themselves besides is not in it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak(compute: Callable[[], Any]) -> int:
    """Bytes of all tensors that ``compute`` makes and that are there at the same time, at most,
    when it is called for the second time.
    """
    with torch.inference_mode():
        compute()
    with torch.inference_mode(), _Watching() as watching:
        compute()
    most: int = watching.most
    return most


class _Watching(TorchDispatchMode):
    """Adds up what was made and is still there, after each operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._made: dict[int, tuple[Any, int]] = {}
        self.most = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        before = {_place(tensor) for tensor in _tensors((args, kwargs))}
        result = function(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            storage = tensor.untyped_storage()
            if storage._cdata not in before:
                reference: Any = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._made[storage._cdata] = (reference, storage.nbytes())
        self._made = {place: of for place, of in self._made.items() if not of[0].expired()}
        self.most = max(self.most, sum(size for _, size in self._made.values()))
        return result


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _place(tensor: torch.Tensor) -> int:
    place: int = tensor.untyped_storage()._cdata
    return place
