"""Images of a checkpoint of ours, or a published diffusers folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation import progress, storage
from infer import checkpoints
from infer.harness.sources import Task
from infer.job import png

if TYPE_CHECKING:
    from infer.engine.engine import Engine
    from infer.engine.request import Settings
    from infer.inputs import Inputs

_PIXELS_AT_ONCE, _MOST_AT_ONCE = 1 << 22, 64


def at_once(size: tuple[int, int]) -> int:
    """How many images of a size are generated together where nobody says it: about 4 megapixels."""
    return max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (size[0] * size[1])))


@dataclass(frozen=True)
class Checkpoint:
    """Generates with ``checkpoint``, by ``usual`` settings, ``batch_size`` images at once;
    ``digest`` is of its weights.

    Batches are the same however often a run was ended: with them the last bits of images are.
    """

    checkpoint: Path
    digest: str
    usual: "Settings"
    batch_size: int
    device: str
    folder: Path

    @property
    def size(self) -> tuple[int, int]:
        return self.usual.width, self.usual.height

    @property
    def identity(self) -> Mapping[str, Any]:
        return {
            "kind": "checkpoint",
            "name": checkpoints.name(self.checkpoint),
            "hash": self.digest,
        }

    @property
    def settings(self) -> Mapping[str, Any]:
        usual = self.usual
        made = {"steps": usual.steps, "guidance": usual.guidance, "negative": usual.negative}
        return {**made, "batch_size": self.batch_size, "size": list(self.size)}

    def make(self, benchmark: str, tasks: Sequence[Task]) -> None:
        """Images of texts first, then edits, one by one, in the order of the tasks."""
        left = [task for task in tasks if not self._path(task).exists()]
        if not left:
            return
        from infer.engine.engine import Engine

        self._warn(tasks)
        self.folder.mkdir(parents=True, exist_ok=True)
        engine = Engine.load(self.checkpoint, self.device)
        done, edits = len(tasks) - len(left), [task for task in tasks if _is_edit(task)]
        with progress.watch("", "images", lambda: (len(tasks), done)):
            for batch in _batches(tasks, self.batch_size):
                if all(self._path(task).exists() for task in batch):
                    continue
                done += self._write(benchmark, engine, batch, None)
            for task in edits:
                if not self._path(task).exists():
                    done += self._write(benchmark, engine, [task], self._inputs(engine, task))

    def _warn(self, tasks: Sequence[Task]) -> None:
        """Say what the checkpoint was never trained on, as ``python -m infer`` does."""
        said = [checkpoints.unfinished(self.checkpoint)]
        for is_edit in (False, True):
            prompts = [task.request.prompt for task in tasks if _is_edit(task) == is_edit]
            if prompts:
                said += checkpoints.beyond(self.checkpoint, prompts, self.size, edits=is_edit)
        for warning in dict.fromkeys(filter(None, said)):
            progress.say(f"warning: {checkpoints.name(self.checkpoint)}: {warning}")

    def _write(
        self, benchmark: str, engine: "Engine", batch: list[Task], inputs: "Inputs | None"
    ) -> int:
        """Generate a batch and write what was missing of it; how much that was."""
        from infer.engine.request import Request

        size = inputs.size if inputs and batch[0].request.size is None else batch[0].size
        settings = replace(self.usual, width=size[0], height=size[1])
        asked = [Request(task.request.prompt, task.seed, settings, inputs) for task in batch]
        images = engine.generate(asked, len(batch))
        written = 0
        for task, image in zip(batch, images, strict=True):
            if not self._path(task).exists():
                facts = facts_of(benchmark, task) | self._facts(size)
                storage.write_bytes(str(self._path(task)), png(image, facts))
                written += 1
        return written

    def _facts(self, size: tuple[int, int]) -> dict[str, Any]:
        made = {**self.settings, "size": f"{size[0]}x{size[1]}"}
        return {
            **made,
            "checkpoint": checkpoints.name(self.checkpoint),
            "checkpoint_hash": self.digest,
        }

    def _inputs(self, engine: "Engine", task: Task) -> "Inputs | None":
        from infer import inputs

        request = task.request
        given = list(request.inputs)
        if request.edits is not None:
            before = replace(request, id=request.edits)
            given.append((self.folder / before.file).read_bytes())
        named = [(f"{request.id}, input {n}", each) for n, each in enumerate(given, 1)]
        return inputs.of_bytes(named, self.checkpoint, engine.unit)

    def _path(self, task: Task) -> Path:
        return self.folder / task.request.file


def facts_of(benchmark: str, task: Task) -> dict[str, Any]:
    """What stands in every image that is made here."""
    request = task.request
    which = {"benchmark": benchmark, "prompt_id": request.id, "repetition": request.k}
    return {"prompt": request.prompt, "seed": task.seed, **which}


def _is_edit(task: Task) -> bool:
    return bool(task.request.inputs) or task.request.edits is not None


def _batches(tasks: Sequence[Task], most: int) -> list[list[Task]]:
    """The tasks without inputs, those of one size together."""
    by_size: dict[tuple[int, int], list[Task]] = {}
    for task in tasks:
        if not _is_edit(task):
            by_size.setdefault(task.size, []).append(task)
    batches: list[list[Task]] = []
    for same in by_size.values():
        waiting = iter(same)
        while batch := list(islice(waiting, most)):
            batches.append(batch)
    return batches
