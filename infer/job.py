"""One run of ``python -m infer``: which images, to which files. Heavy imports come late."""

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation import progress, storage
from curation.failures.errors import UsageError
from curation.storage import ownership, user_paths
from infer import checkpoints, generating
from infer import prompts as prompt_files
from infer.generating import Asked

if TYPE_CHECKING:
    from PIL.Image import Image

    from infer.engine.execution import Execution
    from infer.engine.request import Settings

KIND = "inference"
SHEET = "contact sheet"  # what tells one of ours


@dataclass(frozen=True)
class Job:
    """What is ``asked`` for, and into which files. ``folder`` is the run's own, None where files
    were named.
    """

    asked: Asked
    targets: tuple[Path, ...]
    folder: Path | None
    sheet: Path | None


@dataclass(frozen=True)
class Arguments:
    """Those of the command: prompts, a ``file`` of more, where to write, and the
    images that are to be edited, or followed (``generating.following``).
    """

    texts: tuple[str, ...]
    file: str | None
    output: Path
    seed: int = 0
    checkpoint: Path | None = None
    size: str | None = None
    sheet: Path | None = None
    inputs: tuple[str, ...] = ()
    following: tuple[str | None, str | None, float, tuple[float, float]] = (None, None, 1, (0, 1))


def prepare(given: Arguments) -> Job:
    """Check everything that can be checked before weights are read. Raises ``UsageError``."""
    file, output, sheet = given.file, given.output, given.sheet
    prompts = prompt_files.from_arguments(given.texts) + (prompt_files.read(file) if file else [])
    if not prompts:
        raise UsageError("nothing to generate; give a prompt or a file of them with --prompts")
    _check_names(output, sheet)
    asked = generating.settle(prompts, given.seed, given.checkpoint, given.size, given.inputs)
    asked = generating.following(asked, *given.following)
    targets = name_files(output, len(prompts))
    sheet = sheet or (_sheet_name(output) if len(prompts) > 1 else None)
    _refuse_strangers((*targets, *([sheet] if sheet else [])))
    return Job(asked, targets, None if output.suffix else output, sheet)


def _check_names(output: Path, sheet: Path | None) -> None:
    for path in (output, sheet):
        if path is not None and path.suffix.lower() not in {"", ".png"}:
            raise UsageError(f"{path}: images are written as PNG; name it {path.stem}.png")
    if sheet is not None and not sheet.suffix:
        raise UsageError(f"{sheet}: a contact sheet is one file; name it {sheet.name}.png")


def run(
    job: Job,
    settings: "Settings",
    device: str,
    at_once: int,
    columns: int | None,
    carried: "Execution | None" = None,
) -> dict[str, Any]:
    """Generate and write everything, so many images ``at_once``; says what was written.

    Raises ``UsageError``, ``OwnershipError``, ``OSError``.
    """
    with ownership.held(str(job.folder), KIND) if job.folder else nullcontext():
        return _run(job, settings, device, at_once, columns, carried)


def _run(
    job: Job,
    settings: "Settings",
    device: str,
    at_once: int,
    columns: int | None,
    carried: "Execution | None",
) -> dict[str, Any]:
    from curation.picture import contact_sheet

    asked, checkpoint = job.asked, job.asked.checkpoint
    name = checkpoints.name(checkpoint)
    warnings = generating.beyond(asked, settings)
    for warning in warnings:
        _tell(f"warning: expect nonsense of {name}: {warning}")
    if trained := checkpoints.trained(checkpoint):
        _tell(f"{name}: {trained}")
    if unfinished := checkpoints.unfinished(checkpoint):
        _tell(f"warning: {name}: {unfinished}")
        warnings.insert(0, unfinished)
    for path in {target.parent for target in job.targets}:
        path.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    small: list[Image] = []
    images = generating.generate(asked, settings, device, at_once, carried)
    with progress.watch("", "images", lambda: (len(job.targets), len(rows))):
        for target, (image, facts) in zip(job.targets, images, strict=True):
            storage.write_bytes(str(target), png(image, facts))
            rows.append({"file": str(target), **facts})
            if job.sheet:
                small.append(contact_sheet.fit(image))
    if job.sheet:
        _write_sheet(job, small, columns)
    return {
        "checkpoint": str(checkpoint),
        "images": rows,
        "sheet": str(job.sheet) if job.sheet else None,
        "warnings": warnings,
    }


def planned(
    checkpoint: Path | None, size: str | None, at_once: int, guidance: float | None, as_json: bool
) -> str:
    """What generating would take of a GPU's memory, as text or JSON. Raises ``UsageError``."""
    from infer.engine import plan

    folder = checkpoints.find(checkpoint)
    usual = checkpoints.defaults(folder)
    width, height = generating.asked_size(size) if size else (usual.width, usual.height)
    checkpoints.check_size(width, height, checkpoints.size_unit(folder))
    guided = (usual.guidance if guidance is None else guidance) > 1
    made = plan.plan(folder, (width, height), at_once, guided)
    return json.dumps(asdict(made)) if as_json else "\n".join(plan.lines(made))


def _refuse_strangers(targets: Sequence[Path]) -> None:
    """Raise ``UsageError`` for a file that would be overwritten and was not written here."""
    from PIL import Image

    for path in targets:
        user_paths.refuse_folder(str(path))
        if not path.exists():
            continue
        try:
            with Image.open(path) as image:
                is_ours = image.info.keys() >= {"prompt", "checkpoint"} or SHEET in image.info
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            is_ours = False
        if not is_ours:
            raise UsageError(f"{path}: is there and was not written here; name another --output")


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


def _sheet_name(output: Path) -> Path:
    return output.with_name(f"{output.stem}-sheet.png") if output.suffix else output / "sheet.png"


def _write_sheet(job: Job, images: Sequence["Image"], columns: int | None) -> None:
    from PIL.PngImagePlugin import PngInfo

    from curation.picture import contact_sheet

    captions = [prompt.given or prompt.text for prompt in job.asked.prompts]
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
