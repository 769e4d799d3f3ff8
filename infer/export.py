"""``python -m infer.export``: a checkpoint in the form of other programs.

``--to diffusers`` is a folder that a pipeline of diffusers opens, ``--to comfyui`` the network as a
single file of safetensors with the names that ComfyUI knows a Qwen-Image by: those of diffusers,
without a prefix. ``--to comfyui-lora`` is a LoRA by itself, not merged, by ComfyUI's names.
"""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import user_paths
from curation.strict_yaml import expected_one_of
from infer import checkpoints, generating, options

app = commands.application()
FORMS = ("diffusers", "comfyui", "comfyui-lora")
_OURS = ("training_state",)
_OF_NONE = "a network of none of the published families"


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="A new folder, or NAME.safetensors.", parser=user_paths.path
        ),
    ],
    checkpoint: options.Checkpoint = None,
    to: Annotated[str, typer.Option(help="diffusers, comfyui, or comfyui-lora.")] = "diffusers",
    loras: options.Loras = None,
) -> None:
    """Write a checkpoint for diffusers or ComfyUI, with LoRAs merged into it.

    Example: python -m infer.export --checkpoint demo/train --to diffusers -o strings

    Example: python -m infer.export --checkpoint Qwen-Image --lora style.safetensors:0.8 \\
    --to comfyui -o style.safetensors

    Example: python -m infer.export --checkpoint Qwen-Image --lora my-lora --to comfyui-lora \\
    -o style.safetensors
    """
    if to not in FORMS:
        raise UsageError(f"--to {to}: {expected_one_of(to, FORMS)}")
    folder = checkpoints.find(checkpoint)
    if out.exists():
        raise UsageError(f"{out}: is there; name a new one")
    if to != "diffusers" and out.suffix != ".safetensors":
        raise UsageError(f"{out}: expected a name that ends in .safetensors")
    adapters = generating.execution(loras or ()).adapters
    if to == "comfyui-lora" and len(adapters) != 1:
        raise UsageError(f"--to {to}: expected one --lora, the one to write, not {len(adapters)}")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.partial")
    _remove(partial)
    try:
        if to == "comfyui":
            _single_file(_network(folder, adapters), partial)
        elif to == "comfyui-lora":
            _lora(_outline(folder), *adapters[0], partial)
        else:
            _folder(folder, adapters, partial)
        partial.rename(out)
    finally:
        _remove(partial)
    typer.echo(str(out))


def _network(folder: Path, adapters: Any) -> Any:
    """The network of a checkpoint, with adapters merged. Raises ``UsageError``."""
    from train.adapters import reading
    from train.checkpoint import load_for_inference

    try:
        network = load_for_inference(folder).transformer
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: not a whole checkpoint: {error}") from error
    if not hasattr(network, "sources"):
        raise UsageError(f"{folder}: {_OF_NONE}")
    reading.apply(network, adapters)
    return network


def _outline(folder: Path) -> Any:
    """The network of a checkpoint without its weights. Raises ``UsageError``."""
    from train import families

    try:
        network = families.of_folder(folder).outline(folder / "transformer")
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: not a whole checkpoint: {error}") from error
    if network is None:
        raise UsageError(f"{folder}: {_OF_NONE}")
    return network


def _lora(network: Any, file: Path, factor: float, path: Path) -> None:
    """A LoRA of a ``network``, times a factor."""
    from dataclasses import replace

    from train.adapters import reading, writing

    pairs = reading.read(file, network)
    scaled = {layer: replace(pair, scale=factor * pair.scale) for layer, pair in pairs.items()}
    writing.write(path, scaled, names="comfyui")


def _single_file(network: Any, path: Path) -> None:
    """All tensors by their published names."""
    from safetensors.torch import save_file

    from train.packing.keys import parted

    weights = dict(network.named_parameters())
    tensors = {
        key: tensor
        for name, source in network.sources().items()
        for key, tensor in parted(source, weights[name].detach())
    }
    save_file(tensors, str(path), metadata={"format": "pt"})
    path.chmod(0o644)  # it is made for its owner alone


def _folder(folder: Path, adapters: Any, to: Path) -> None:
    """A copy without what only training needs; the network anew where adapters change it."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns(*_OURS))
    if not adapters:
        return
    network = _network(folder, adapters)
    shutil.rmtree(to / "transformer")
    (to / "transformer").mkdir()
    network.save(to / "transformer")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    commands.main("infer.export", app)
