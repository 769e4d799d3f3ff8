"""Which folder to generate with, and the noise schedule it asks for. Imports nothing heavy."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from curation.failures.errors import UsageError
from curation.picture.sizes import CLASSES, of_class
from train import checkpoint_folder, families, stored_json
from train.adapters import adapter_folder
from train.checkpoint_folder import CheckpointError

if TYPE_CHECKING:
    from train.flow import Flow
    from train.trained_on import TrainedOn

DEFAULT = Path("demo/train")
_INDEX = "model_index.json"
_OF_RUN = re.compile(r"checkpoint-\d+")
_CONVENTIONS = {"QwenImage21Pipeline": (40, 1.0)}  # steps and guidance
_NO_EDITS = ("QwenImagePipeline",)


def find(directory: Path | None, *, generates: bool = True) -> Path:
    """The checkpoint folder: the one given, or the newest a training output names in ``latest``;
    where nothing is to be generated, that of an autoencoder too.

    None means ``./demo/train``. Raises ``UsageError`` where there is none.
    """
    base = directory or DEFAULT
    try:
        folder = checkpoint_folder.find(base)
    except CheckpointError as error:
        raise UsageError(str(error)) from error
    if folder and adapter_folder.holds_adapter(folder):
        beside = stored_json.read(folder / "training_state" / "configuration.json").get("weights")
        raise UsageError(f"{base}: a LoRA, not a model: --checkpoint {beside} --lora {base}")
    if folder and generates and adapter_folder.holds_autoencoder(folder):
        raise UsageError(
            f"{base}: an autoencoder alone, not a model: put {folder.name}/vae in place of the vae"
            " of a published folder, and name that by --checkpoint"
        )
    if folder and adapter_folder.holds_controlnet(folder):
        beside = stored_json.read(folder / "training_state" / "configuration.json").get("weights")
        raise UsageError(
            f"{base}: a ControlNet, not a model: --checkpoint {beside} --controlnet {base}"
        )
    if folder:
        return folder
    remedy = (
        f"expected {_INDEX} (a diffusers folder) or latest (an output of `python -m train`)"
        if directory
        else "train one with `python -m train --preset demo`, or name one with --checkpoint"
    )
    raise UsageError(f"{base}: no checkpoint here; {remedy}")


def name(folder: Path) -> str:
    """What a checkpoint is called wherever it is named: its folder, and of a training output the
    output's, too, as ``train/checkpoint-200``. Never a whole path: results and images travel.
    """
    place = Path(os.path.abspath(folder))
    return f"{place.parent.name}/{place.name}" if _OF_RUN.fullmatch(place.name) else place.name


def controlnet(folder: Path) -> Path:
    """A ControlNet's folder: of an output of training one the newest checkpoint, which may be
    another later. Raises ``UsageError``.
    """
    try:
        return checkpoint_folder.find(folder) or folder
    except CheckpointError as error:
        raise UsageError(f"--controlnet {folder}: {error}") from error


@dataclass(frozen=True)
class Defaults:
    """What to generate with where nothing else is asked for; sizes in pixels."""

    width: int
    height: int
    steps: int
    guidance: float


def defaults(folder: Path) -> Defaults:
    """A training output's own: the size it saw most, the steps and guidance it was judged with.

    What its pipeline takes for any other folder.
    """
    state = folder / "training_state"
    record, configuration = _trained_on(folder), state / "configuration.json"
    width, height = record.sizes[0] if record else of_class(CLASSES[-1])[0]
    if configuration.is_file():
        judged = stored_json.read(configuration).get("evaluation", {})
        return Defaults(width, height, judged.get("steps", 50), judged.get("guidance", 4.0))
    steps, guidance = _CONVENTIONS.get(_pipeline(folder), (50, 4.0))
    return Defaults(width, height, len(_distilled(folder)) or steps, guidance)


def trained(folder: Path) -> str | None:
    """How long a checkpoint was trained, and on what; None for a foreign folder.

    Raises ``UsageError`` for a damaged record.
    """
    record = _trained_on(folder)
    return record.sentence() if record else None


def unfinished(folder: Path) -> str | None:
    """What to say of a checkpoint from the midst of a run; None at its end, or for a foreign one.

    Raises ``UsageError`` for a damaged record.
    """
    state = folder / "training_state"
    paths = (state / "progress.json", state / "configuration.json")
    if not all(path.is_file() for path in paths):
        return None
    progress, planned = stored_json.read(paths[0]), stored_json.read(paths[1]).get("steps")
    step = progress.get("step")
    if progress.get("ended") or step is None or planned is None or step >= planned:
        return None
    return f"step {step} of {planned}: training is not finished"


def beyond(
    folder: Path, prompts: Sequence[str], size: tuple[int, int], *, edits: bool = False
) -> list[str]:
    """What is asked for and was never trained on, a sentence each; of a foreign folder it is known
    only whether it edits images, as ``edits`` asks for.

    ``size`` is (width, height) in pixels. Raises ``UsageError`` for a damaged record.
    """
    record = _trained_on(folder)
    if record:
        return list(record.beyond(prompts, size, edits=edits))
    named = _pipeline(folder)
    if edits and named in _NO_EDITS:
        return [f"a {named} was never trained on edits: it cannot know what images are for"]
    return []


def _pipeline(folder: Path) -> str:
    """The class of pipeline that a folder names; empty where it names none."""
    path = folder / _INDEX
    return str(stored_json.read(path).get("_class_name")) if path.is_file() else ""


def _trained_on(folder: Path) -> "TrainedOn | None":
    from train import trained_on

    try:
        return trained_on.read(folder)
    except ValueError as error:
        raise UsageError(f"{folder / trained_on.NAME}: not readable ({error})") from error


def size_unit(folder: Path) -> int:
    """Width and height must be multiples of this many pixels, by the family of the network.

    Read from the configurations alone, so that a wrong size costs no loading of weights.
    """
    try:
        family = families.of_folder(folder)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    ours = folder / "autoencoder" / "config.json"
    if ours.is_file():
        return family.unit(int(stored_json.read(ours)["factor"]))
    vae = stored_json.read(folder / "vae" / "config.json")
    if "scale_factor_spatial" in vae:
        return family.unit(int(vae["scale_factor_spatial"]))
    return family.unit(2 ** len(vae.get("temperal_downsample", [0, 0, 0])))


def check_size(width: int, height: int, unit: int) -> None:
    """Raise ``UsageError``, naming the nearest size, unless both are multiples of ``unit``."""
    if width % unit or height % unit:
        near = "x".join(str(max(unit, round(side / unit) * unit)) for side in (width, height))
        raise UsageError(
            f"size {width}x{height}: this checkpoint generates multiples of {unit} pixels;"
            f" the nearest is {near}"
        )


def schedule(folder: Path) -> "Flow":
    """The flow that a pipeline's folder describes, as diffusers would step it.

    Raises ``UsageError`` for a schedule we do not have.
    """
    from train import stored_flow

    return replace(stored_flow.read(folder), sigmas=_distilled(folder))


def _distilled(folder: Path) -> tuple[float, ...]:
    """The levels of a model that was distilled to a few steps; none of any other."""
    path = folder / _INDEX
    levels = (stored_json.read(path).get("sample_sigmas") or ()) if path.is_file() else ()
    if not all(isinstance(level, int | float) and 0 < level <= 1 for level in levels):
        raise UsageError(f"{path}: sample_sigmas: expected numbers above 0, at most 1")
    return tuple(float(level) for level in levels)
