"""One run of ``python -m infer``: which images, to which files. Heavy imports come late."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from curation import progress, storage
from curation.failures.errors import UsageError
from curation.picture import sizes
from curation.storage import ownership
from infer import checkpoints
from infer import prompts as prompt_files
from infer.checkpoints import Defaults
from infer.prompts import Prompt

if TYPE_CHECKING:
    from PIL.Image import Image

    from infer.engine.request import Settings
    from infer.inputs import Inputs

_LARGEST_SIDE = 8192
KIND = "inference"
SHEET = "contact sheet"  # what tells one of ours


@dataclass(frozen=True)
class Job:
    """What to generate (every prompt with its seed), with which checkpoint, into which files.

    ``folder`` is the run's own, None where files were named.
    ``usual`` is the size to generate at, and the steps and guidance unless others are asked for.
    ``inputs`` are what all prompts edit, by ``names``.
    """

    prompts: tuple[Prompt, ...]
    targets: tuple[Path, ...]
    folder: Path | None
    sheet: Path | None
    checkpoint: Path
    usual: Defaults
    inputs: "Inputs | None" = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line: prompts, a ``file`` of more, where to write, and the
    images that are to be edited.
    """

    texts: tuple[str, ...]
    file: str | None
    output: Path
    seed: int = 0
    checkpoint: Path | None = None
    size: str | None = None
    sheet: Path | None = None
    inputs: tuple[str, ...] = ()


def prepare(request: Request) -> Job:
    """Check everything that can be checked before weights are read. Raises ``UsageError``."""
    file, output, sheet = request.file, request.output, request.sheet
    asked = prompt_files.from_arguments(request.texts) + (prompt_files.read(file) if file else [])
    if not asked:
        raise UsageError("nothing to generate; give a prompt or a file of them with --prompts")
    _check_names(output, sheet)
    own = asked_size(request.size) if request.size else None
    folder = checkpoints.find(request.checkpoint)
    usual = checkpoints.defaults(folder)
    unit = checkpoints.size_unit(folder)
    inputs = _inputs(request.inputs, folder, unit)
    own_size = inputs.size if inputs else (usual.width, usual.height)
    width, height = own or own_size
    checkpoints.check_size(width, height, unit)
    targets = name_files(output, len(asked))
    sheet = sheet or (_sheet_name(output) if len(asked) > 1 else None)
    _refuse_strangers((*targets, *([sheet] if sheet else [])))
    return Job(
        prompts=tuple(prompt_files.with_seeds(asked, request.seed)),
        targets=targets,
        folder=None if output.suffix else output,
        sheet=sheet,
        checkpoint=folder,
        usual=replace(usual, width=width, height=height),
        inputs=inputs,
        names=tuple(PurePath(path).name for path in request.inputs),
    )


def _inputs(paths: tuple[str, ...], folder: Path, unit: int) -> "Inputs | None":
    from infer import inputs

    return inputs.read(paths, folder, unit)


def _check_names(output: Path, sheet: Path | None) -> None:
    for path in (output, sheet):
        if path is not None and path.suffix.lower() not in {"", ".png"}:
            raise UsageError(f"{path}: images are written as PNG; name it {path.stem}.png")
    if sheet is not None and not sheet.suffix:
        raise UsageError(f"{sheet}: a contact sheet is one file; name it {sheet.name}.png")


def run(
    job: Job, settings: "Settings", device: str, at_once: int, columns: int | None
) -> dict[str, Any]:
    """Generate and write everything, so many images ``at_once``; says what was written.

    Raises ``UsageError``, ``OwnershipError``, ``OSError``.
    """
    with ownership.held(str(job.folder), KIND) if job.folder else nullcontext():
        return _run(job, settings, device, at_once, columns)


def _run(
    job: Job, settings: "Settings", device: str, at_once: int, columns: int | None
) -> dict[str, Any]:
    from curation.picture import contact_sheet
    from infer.engine.engine import Engine
    from infer.engine.request import Request

    asked = [prompt.text for prompt in job.prompts]
    size = (settings.width, settings.height)
    warnings = checkpoints.beyond(job.checkpoint, asked, size, edits=bool(job.inputs))
    for warning in warnings:
        _tell(f"warning: expect nonsense of {job.checkpoint.name}: {warning}")
    if trained := checkpoints.trained(job.checkpoint):
        _tell(f"{job.checkpoint.name}: {trained}")
    if unfinished := checkpoints.unfinished(job.checkpoint):
        _tell(f"warning: {job.checkpoint.name}: {unfinished}")
        warnings.insert(0, unfinished)
    for path in {target.parent for target in job.targets}:
        path.mkdir(parents=True, exist_ok=True)
    engine = Engine.load(job.checkpoint, device)
    requests = [Request.of(prompt, settings, job.inputs) for prompt in job.prompts]
    rows: list[dict[str, Any]] = []
    small: list[Image] = []
    with progress.watch("", "images", lambda: (len(job.prompts), len(rows))):
        images = engine.generate(requests, at_once)
        for prompt, target, image in zip(job.prompts, job.targets, images, strict=True):
            facts = _facts(prompt, settings, job.checkpoint)
            if job.names:
                facts["inputs"] = ", ".join(job.names)
            storage.write_bytes(str(target), png(image, facts))
            rows.append({"file": str(target), **facts})
            if job.sheet:
                small.append(contact_sheet.fit(image))
    if job.sheet:
        _write_sheet(job, small, columns)
    return {
        "checkpoint": str(job.checkpoint),
        "images": rows,
        "sheet": str(job.sheet) if job.sheet else None,
        "warnings": warnings,
    }


def _refuse_strangers(targets: Sequence[Path]) -> None:
    """Raise ``UsageError`` for a file that would be overwritten and was not written here."""
    from PIL import Image

    for path in targets:
        if not path.exists():
            continue
        try:
            with Image.open(path) as image:
                is_ours = image.info.keys() >= {"prompt", "checkpoint"} or SHEET in image.info
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            is_ours = False
        if not is_ours:
            raise UsageError(f"{path}: is there and was not written here; name another --output")


def asked_size(text: str) -> tuple[int, int]:
    """``64x32`` -> (64, 32), width first. Raises ``UsageError``."""
    width, height = sizes.parse(text) or (0, 0)
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise UsageError(
            f"size {text!r}: expected WIDTHxHEIGHT in pixels, each from 1 to {_LARGEST_SIDE},"
            " such as 64x32"
        )
    return width, height


def name_files(output: Path, count: int) -> tuple[Path, ...]:
    """``x.png`` for one image, ``x-0001.png`` ... for several; a folder gets ``0001.png`` ..."""
    if not output.suffix:
        return tuple(output / f"{number:04d}.png" for number in range(1, count + 1))
    if count == 1:
        return (output,)
    return tuple(
        output.with_name(f"{output.stem}-{number:04d}.png") for number in range(1, count + 1)
    )


def png(image: "Image", facts: dict[str, Any]) -> bytes:
    """PNG bytes with the facts as text chunks (international ones where Latin-1 is not enough)."""
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for name, value in facts.items():
        chunks.add_text(name, str(value))
    stream = BytesIO()
    image.save(stream, "PNG", pnginfo=chunks)
    return stream.getvalue()


def _facts(prompt: Prompt, settings: "Settings", folder: Path) -> dict[str, Any]:
    return {
        "prompt": prompt.text,
        "seed": prompt.seed,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "negative": settings.negative,
        "size": f"{settings.width}x{settings.height}",
        "checkpoint": folder.name,  # never a whole path: images travel
    }


def _sheet_name(output: Path) -> Path:
    return output.with_name(f"{output.stem}-sheet.png") if output.suffix else output / "sheet.png"


def _write_sheet(job: Job, images: Sequence["Image"], columns: int | None) -> None:
    from PIL.PngImagePlugin import PngInfo

    from curation.picture import contact_sheet

    captions = [prompt.text for prompt in job.prompts]
    sheet = contact_sheet.compose(images, captions, columns)
    stream = BytesIO()
    chunks = PngInfo()
    chunks.add_text(SHEET, str(len(images)))
    sheet.image.save(stream, "PNG", pnginfo=chunks)
    storage.write_bytes(str(job.sheet), stream.getvalue())
    if sheet.missing:
        some = "".join(sorted(sheet.missing)[:12])
        _tell(
            f"no font here has {len(sheet.missing)} of the captions' characters ({some}); install"
            " one, on Debian: apt-get install fontconfig fonts-noto-cjk. The images are complete."
        )


def _tell(message: str) -> None:
    sys.stderr.write(f"infer: {message}\n")
