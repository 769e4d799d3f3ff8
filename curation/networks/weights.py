"""Weights on this machine: in installed packages, or files that a user names. None is fetched.

Packages are looked up and their files read; the packages themselves, which pin old versions of
much else, are not imported.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any


class MissingModelError(ImportError):
    """A model is not here or cannot be loaded; the message says what it needs, and whence."""


def packaged(package: str, file: str, advice: str) -> Path:
    """A file inside an installed package. Raises ``MissingModelError`` with the ``advice``."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingModelError(f"needs the package {package!r}: {advice}", name=package)
    path = Path(spec.origin).parent / file
    if not path.is_file():
        raise MissingModelError(f"needs {path}, of the package {package!r}: {advice}")
    return path


def need(advice: str, *packages: str) -> None:
    """Raises ``MissingModelError``, with the ``advice``, unless all of these can be imported."""
    for package in packages:
        if find_spec(package) is None:
            raise MissingModelError(f"needs the package {package!r}: {advice}", name=package)


def check_transformers(model: str) -> None:
    """Raises ``MissingModelError`` unless a model of transformers is here: as a folder, or by its
    name on the Hub where it was downloaded before.
    """
    if (Path(model) / "config.json").is_file():
        return
    need("pip install transformers", "huggingface_hub")
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        there = try_to_load_from_cache(model, "config.json")
    except HFValidationError:
        there = None
    if not isinstance(there, str):
        raise MissingModelError(
            f"needs the weights of {model!r}: fetch them where there is a network "
            f"(hf download {model} --local-dir FOLDER), then set 'model' to that folder"
        )


def session(path: Path) -> Any:
    """An ONNX file ready to run on one thread: other threads and processes have their own rows."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Without it products of 8-bit numbers overflow on x86 CPUs that have no VNNI, and models of 8
    # bits say other things there than elsewhere; where there is VNNI it changes nothing.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
