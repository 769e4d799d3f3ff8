"""A small raw collection for tests: synthetic images, duplicates of them, damage, captions."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def drawing(seed: int, side: int = 288) -> Image.Image:
    """A busy picture in natural tones: a gradient, many shapes, mild grain."""
    random = np.random.default_rng(seed)
    low, high = random.integers(20, 120, 3), random.integers(130, 235, 3)
    ramp = np.linspace(0, 1, side)[:, None, None]
    pixels = (low + (high - low) * ramp) * np.ones((side, side, 3))
    image = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(45):
        x, y, width, height = random.integers(0, side, 4)
        colour = tuple(int(value) for value in random.integers(20, 235, 3))
        box = (int(x), int(y), int(x + 4 + width // 4), int(y + 4 + height // 4))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=colour)
    grain = random.normal(0, 3, (side, side, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file's bytes."""
    stream = BytesIO()
    image.save(stream, kind, **({"quality": 90} | options if kind == "JPEG" else options))
    return stream.getvalue()


def make_folder(folder: Path, count: int = 24, seed: int = 0) -> dict[str, str]:
    """Write a collection of about ``count`` files; key -> verdict a right system gives.

    Of six, one gets an exact duplicate and one a near-duplicate; each gets a damaged version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    expected: dict[str, str] = {}

    def put(name: str, data: bytes, verdict: str, caption: str | None = None) -> None:
        (folder / name).write_bytes(data)
        expected[name] = verdict
        if caption is not None:
            (folder / name).with_suffix(".txt").write_text(caption, encoding="utf-8")

    for number in range(count):
        image = drawing(seed * 1000 + number)
        data = encoded(image)
        put(f"{number:04}.jpg", data, "kept", f"drawing {number} “{number}” 图")
        if number % 6 == 1:
            put(f"{number:04}-exact.jpg", data, "dropped")
        if number % 6 == 3:
            put(f"{number:04}-again.jpg", encoded(image, quality=60), "dropped")
        suffix, damaged, verdict = _damaged(image, data, number % 5)
        put(f"{number:04}-{suffix}", damaged, verdict)
    return expected


def _damaged(image: Image.Image, data: bytes, kind: int) -> tuple[str, bytes, str]:
    """One of five kinds of damage: the end of a name, the file, and the verdict."""
    if kind == 0:
        return "cut.jpg", data[: len(data) // 2], "quarantined"
    if kind == 1:
        return "small.jpg", encoded(image.resize((64, 64))), "dropped"
    if kind == 2:
        return "page.jpg", b"<html><body>404</body></html>", "quarantined"
    if kind == 3:
        return "blur.jpg", encoded(image.filter(ImageFilter.GaussianBlur(9))), "dropped"
    return "empty.png", b"", "quarantined"


def write_manifest(path: Path, folder: Path, seed: int | None) -> None:
    """A JSONL manifest of a folder's pictures, in an order of its own."""
    names = sorted(p.name for p in folder.iterdir() if p.suffix in (".jpg", ".png"))
    if seed is not None:
        np.random.default_rng(seed).shuffle(names)
    lines = [json.dumps({"path": str(folder / name), "caption": f"of {name}"}) for name in names]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
