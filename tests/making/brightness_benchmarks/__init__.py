"""Benchmarks of tests, as files that lie in ``infer/evaluation``, and images for them."""

import sys

from PIL import Image

from infer import evaluation


def contribute(monkeypatch):
    """Put them there for a test."""
    monkeypatch.setattr(evaluation, "__path__", [*evaluation.__path__, *__path__])
    for name in ("chains", "judged", "shades"):
        monkeypatch.delitem(sys.modules, f"infer.evaluation.{name}", raising=False)


def fill(folder, shades):
    """A folder with an image of each name, of a shade of grey (0 to 255) and of its own size."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, shade) in enumerate(shades.items()):
        Image.new("RGB", (16 + number, 8), (shade,) * 3).save(folder / f"{name}.png")
    return folder
