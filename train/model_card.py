"""The model card of a checkpoint: ``README.md``, as Hugging Face reads it, made of the other files.

It says what was trained on, what was never shown, and only figures that were measured. Nothing in
it depends on the clock, so that a resumed run has the same bytes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from math import prod
from pathlib import Path
from typing import Any

from curation import storage
from curation.shard.cards import code
from train import checkpoint, checkpoint_folder, trained_on
from train.adapters import adapter_folder
from train.configuration import Configuration
from train.trained_on import TrainedOn

NAME = "README.md"
_FOLDER = Path(__file__).parent
_PACKAGES = ("inkstone", "torch", "diffusers", "transformers")
_TIMES = ("cpu_seconds", "wall_seconds")
_ELSEWHERE = (
    "preset",
    "step",
    "checkpoint",
    "samples",
    "loss",
)  # of a result: in the card already, or paths; the loss is of the last steps of this start
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TASKS = {
    "t2i": "images of captions",
    "ti2i": "edits of images by instructions",
    "i2i": "images of what the text encoder sees of them",
}


def write(folder: Path, result: Mapping[str, Any] | None = None) -> None:
    """Write the card into a checkpoint's ``folder``, with the figures of a run's ``result`` where
    it is at its end. Raises ``CheckpointError``, ``OSError``.
    """
    seen, settings = trained_on.read(folder), checkpoint.read_configuration(folder)
    if seen is None or settings is None:
        raise ValueError(f"{folder}: no checkpoint of ours")
    storage.write_bytes(str(folder / NAME), _card(folder, seen, settings, result or {}).encode())


def _card(folder: Path, seen: TrainedOn, settings: Configuration, result: Mapping[str, Any]) -> str:
    import yaml
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": lambda value: Markup(code(value)), "number": "{:,}".format}
    environment.filters["place"] = _place
    text: str = environment.get_template(
        "card_autoencoder.md" if settings.reconstructs else "card.md"
    ).render(
        head=Markup(yaml.safe_dump(_head(seen, settings), sort_keys=False)),
        title=_title(settings),
        parameters=_parameters(folder / _part(folder, settings)),
        part=_part(folder, settings),
        seen=seen,
        unfinished=seen.steps < settings.steps and not _ended(folder),
        settings=settings,
        tasks=", ".join(_TASKS[task] for task in seen.tasks),
        rows=Markup(_rows(settings)),
        figures=_figures(result),
        unseen="; ".join(_unseen(seen)),
        how=_how(folder),
        training=_training(settings),
        versions=list(_versions()),
    )
    return text


def _ended(folder: Path) -> bool:
    """Whether a run ended with this one before its last step."""
    there = (folder / checkpoint_folder.STATE / "progress.json").is_file()
    return there and checkpoint.read_progress(folder).ended


def _title(settings: Configuration) -> str:
    if settings.reconstructs:
        return "Autoencoder, trained with Inkstone"
    of = "LoRA of " if settings.adapter else "ControlNet of " if settings.control else ""
    return f"{of}{settings.model.name}, trained with Inkstone"


def _part(folder: Path, settings: Configuration) -> str:
    """Below a checkpoint, where what was trained is."""
    if settings.reconstructs:
        return "vae" if (folder / "vae").is_dir() else "autoencoder"
    if settings.adapter:
        return ""
    return "controlnet" if settings.control else "transformer"


def _place(pattern: str) -> str:
    """The end of where shards are: a card travels, and above it is what its author's disk is."""
    return "/".join(pattern.rstrip("/").split("/")[-2:])


def _head(seen: TrainedOn, settings: Configuration) -> dict[str, Any]:
    edits = set(seen.tasks) == {"ti2i"}
    head: dict[str, Any] = {
        "library_name": "diffusers",
        "pipeline_tag": "image-to-image" if edits else "text-to-image",
        "license": "other",
        "tags": ["inkstone", "text-rendering"],
    }
    if settings.reconstructs:
        head |= {"pipeline_tag": "image-to-image", "tags": ["inkstone", "autoencoder"]}
        return head
    if languages := [name for name in seen.languages if _LANGUAGE.fullmatch(name)]:
        head["language"] = languages
    return head


def _parameters(folder: Path) -> int:
    """How many numbers a network has, by the headers of its files."""
    from safetensors import safe_open

    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="np") as opened:
            total += sum(prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118
    return total


def _rows(settings: Configuration) -> str:
    """Which rows of its shards a run took, as its settings say."""
    data = settings.data
    said = [f"of stage {code(data.stage)} or deeper"] if data.stage else []
    said += [
        f"{code(name)} within {code(bound.model_dump(exclude_none=True))}"
        for name, bound in data.where.items()
    ]
    said += [f"shown by the weight {code(name)}" for name in data.weight]
    if settings.phases:
        said.append(f"in {len(settings.phases)} phases, each with its own sources and mix")
    held_out = f"{100 * data.held_out:g} % of texts held out"
    return ", ".join([*said, held_out])


def _figures(result: Mapping[str, Any]) -> dict[str, Any]:
    left_out = (*_TIMES, *_ELSEWHERE)
    return {
        name: _rounded(each) for name, each in result.items() if name not in left_out and each != {}
    }


def _rounded(value: Any) -> Any:
    """Numbers to four digits: more of a figure were never measured."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _unseen(seen: TrainedOn) -> Iterator[str]:
    if seen.quotes:
        yield "characters that it was not shown to write, and longer texts"
    else:
        yield "text to write, of which no caption had any in quotation marks"
    yield "prompts of another form" if seen.frames else "what no caption described"
    yield "other sizes"
    if "ti2i" not in seen.tasks:
        yield "edits of images"
    if "t2i" not in seen.tasks:
        yield "prompts without an image"


def _how(folder: Path) -> str:
    """What opens the folder: ``own`` code in it, a class of diffusers, or ``infer`` alone; or what
    reads it beside another one: a ``lora`` or a ``controlnet``; of an autoencoder its class.
    """
    if adapter_folder.holds_adapter(folder):
        return "lora"
    if adapter_folder.holds_controlnet(folder):
        return "controlnet"
    if adapter_folder.holds_autoencoder(folder):
        part = "vae" if (folder / "vae").is_dir() else "autoencoder"
        content = json.loads((folder / part / "config.json").read_text("utf-8"))
        return str(content["_class_name"])
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    name = index["_class_name"]
    if isinstance(name, list):
        return "own"
    return "infer" if name == "InkstonePipeline" else str(name)


def _training(settings: Configuration) -> dict[str, Any]:
    optimiser, ema = settings.optimiser, settings.ema
    rates: dict[str, Any] = {"learning rate": optimiser.learning_rate}
    if optimiser.kind == "muon":
        rates["learning rate of Muon"] = optimiser.muon_learning_rate
    if settings.adapter:
        rates["LoRA"] = settings.adapter.model_dump()
    if settings.control:
        rates["ControlNet"] = settings.control.model_dump(include={"blocks"})
        rates["follows"] = dict(settings.data.conditions) or "maps that rows bring along"
    if settings.reconstructs:
        return {
            "objective": settings.objective.model_dump(),
            "seed": settings.seed,
            "batch": settings.batch,
            "precision": settings.precision,
            "optimiser": optimiser.kind,
            **rates,
            "weights averaged by": ema.model_dump(include={"kind", *_ema(ema.kind)}),
        }
    if settings.beside:
        rates["of"] = _place(settings.weights)
    return {
        "network": settings.model.model_dump(),
        "objective": settings.objective.name,
        "seed": settings.seed,
        "batch": settings.batch,
        "precision": settings.precision,
        "optimiser": optimiser.kind,
        **rates,
        "weights averaged by": ema.model_dump(include={"kind", *_ema(ema.kind)}),
        "autoencoder": settings.autoencoder.kind,
        "text encoder": settings.text_encoder.kind,
        "judged with": {
            "steps": settings.evaluation.steps,
            "guidance": settings.evaluation.guidance,
        },
    }


def _ema(kind: str) -> set[str]:
    return {"decay"} if kind == "decay" else {"widths"}


def _versions() -> Iterator[str]:
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
