"""A raw collection made of what a machine has: packaged photographs, stamps, drawn documents.

``python -m examples.gather --out demo/raw --documents demo/documents``
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from curation import shard, storage
from curation.failures import commands
from curation.storage import ownership, user_paths
from curation.storage.ownership import OwnershipError
from examples.damage import DAMAGE, jpeg

app = commands.application()
KIND = "gathering"
RECORD = "gathered.index"  # the names of all files that were gathered; no row of an input
STAMPS = Path("/usr/share/tuxpaint/stamps")  # Debian's tuxpaint-stamps-default
NO_PHOTOGRAPHS = {"chessboard_GRAY", "chessboard_RGB", "color", "phantom", "logo", "horse"}
REFUSAL = "I'm sorry, but I can't help with describing this image."
COPIES_PER_DAMAGE = 8
CROP = 384


@app.command()
def main(
    out: Annotated[Path, typer.Option(help="Folder to fill.", parser=user_paths.path)],
    documents: Annotated[
        list[Path] | None, typer.Option(help="Shards of rendered texts.", parser=user_paths.path)
    ] = None,
) -> None:
    """Fill a folder with several hundred images and captions, good and bad.

    Example: python -m examples.gather --out demo/raw --documents demo/documents
    """
    with ownership.held(str(out), KIND):
        partial = out / ".gathering.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        counts = {
            "photographs": _photographs(partial),
            "stamps": _stamps(partial),
            "documents": _documents(partial, documents or []),
            "damaged": _damaged(partial),
        }
        publish(partial, out)
    print(json.dumps(counts))


def publish(partial: Path, out: Path) -> None:
    """Move the files below ``partial`` to ``out``, and remove those of the gathering before.

    Raises ``OwnershipError`` where a file of the user's is in the way.
    """
    record = out / RECORD
    earlier = set(record.read_text("utf-8").splitlines()) if record.is_file() else set()
    paths = (path for path in partial.rglob("*") if path.is_file())
    now = {path.relative_to(partial).as_posix() for path in paths}
    for name in sorted(now - earlier):
        if (out / name).exists():
            raise OwnershipError(f"{out / name}: was not gathered by us; move it away")
    storage.write_bytes(str(record), "\n".join(sorted(earlier | now)).encode())
    for name in sorted(now):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).replace(out / name)
    for name in sorted(earlier - now):
        (out / name).unlink(missing_ok=True)
    storage.write_bytes(str(record), "\n".join(sorted(now)).encode())
    shutil.rmtree(partial)


def _put(folder: Path, name: str, data: bytes, caption: str | None) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    if caption is not None:
        (folder / name).with_suffix(".txt").write_text(caption, encoding="utf-8")


def _packaged() -> Iterator[Path]:
    for package in ("skimage.data", "sklearn.datasets.images"):
        folder = Path(str(resources.files(package)))
        for path in sorted(folder.iterdir()):
            if path.suffix in (".png", ".jpg") and path.stem not in NO_PHOTOGRAPHS:
                yield path


def _photographs(folder: Path) -> int:
    """The packaged photographs, whole, and squares cut from the large ones."""
    count = 0
    for path in _packaged():
        name = f"photographs/{path.stem}"
        caption = f"{path.stem.replace('_', ' ')}, from a Python package of image data"
        _put(folder, f"{name}{path.suffix}", path.read_bytes(), caption)
        image = Image.open(path).convert("RGB")
        for top in range(0, image.height - CROP + 1, CROP):
            for left in range(0, image.width - CROP + 1, CROP):
                crop = image.crop((left, top, left + CROP, top + CROP))
                title = f"part of {caption}"
                _put(folder, f"{name}-{left}-{top}.jpg", jpeg(crop), title)
                count += 1
        count += 1
    return count


def _stamps(folder: Path) -> int:
    """Tux Paint's stamps with their English and Chinese captions, where they are installed."""
    count = 0
    for path in sorted(STAMPS.rglob("*.png")) if STAMPS.is_dir() else []:
        lines = path.with_suffix(".txt").read_text("utf-8") if _has_text(path) else ""
        titles = dict(line.split("=", 1) for line in lines.splitlines()[1:] if "=" in line)
        english = lines.split("\n", 1)[0].strip()
        captions = [{"text": english, "language": "en"}] if english else []
        if titles.get("zh_CN.utf8"):
            captions.append({"text": titles["zh_CN.utf8"].strip(), "language": "zh"})
        name = f"stamps/{path.relative_to(STAMPS).as_posix()}"
        _put(folder, name, path.read_bytes(), None)
        record = {"captions": captions, "licence": "GPL-2", "source": "tuxpaint-stamps-default"}
        sidecar = (folder / name).with_suffix(".json")
        sidecar.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
        count += 1
    return count


def _has_text(path: Path) -> bool:
    return path.with_suffix(".txt").is_file()


def _documents(folder: Path, shards: list[Path]) -> int:
    """Pages drawn by our own renderer, as loose files."""
    count = 0
    for directory in shards:
        for info in shard.read_manifest(str(directory)):
            for batch in shard.read(str(directory / info.file)):
                for row in batch.select(["image", "key", "caption_recaption"]).to_pylist():
                    name = f"documents/{directory.name}-{count:04}.png"
                    _put(folder, name, row["image"]["bytes"], row["caption_recaption"][0]["text"])
                    count += 1
    return count


def _damaged(folder: Path) -> int:
    """Damaged copies of photographs, each kind of several; one caption is a refusal."""
    sources = sorted((folder / "photographs").glob("*.jpg"), key=_shuffled)
    count = 0
    for kind, damage in DAMAGE.items():
        for path in sources[count % len(sources) :][:COPIES_PER_DAMAGE]:
            name = f"damaged/{kind}-{path.name}"
            _put(folder, name, damage(Image.open(path)), f"a {kind} copy of {path.stem}")
            count += 1
    for path in sources[:COPIES_PER_DAMAGE]:
        _put(folder, f"damaged/duplicated-{path.name}", path.read_bytes(), REFUSAL)
        count += 1
    return count


def _shuffled(path: Path) -> str:
    return hashlib.blake2b(path.name.encode(), digest_size=8).hexdigest()


if __name__ == "__main__":
    commands.main("gather", app)
