"""What all tests share: no clock in properties, nothing from a hub."""

import os

from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
