"""What benchmarks share with tests: makers of inputs, which lie in ``tests/making``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from making import elements, tiny_captioner, tiny_qwen, training_shards
from making.defects import DEFECTS
from making.pipelines import DUPLICATES, pipeline_text

__all__ = [
    "DEFECTS",
    "DUPLICATES",
    "elements",
    "pipeline_text",
    "tiny_captioner",
    "tiny_qwen",
    "training_shards",
]
