"""``python -m train`` with the families of this folder beside those of ``train/models``.

python -m benchmarks.families --preset demo --config running.yaml --data SHARDS --out DIR
"""

from pathlib import Path

import train.models
from curation.failures import commands
from train.__main__ import app

if __name__ == "__main__":
    train.models.__path__.append(str(Path(__file__).parent))
    commands.main("train", app)
