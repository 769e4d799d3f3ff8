"""The noise levels that a pipeline of diffusers steps through, by its stored scheduler."""

import math
from pathlib import Path

from curation.failures.errors import UsageError
from train import stored_json
from train.flow import Flow

_UNSUPPORTED = (
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "invert_sigmas",
    "stochastic_sampling",
)


def read(folder: Path) -> Flow:
    """The flow that ``scheduler/scheduler_config.json`` describes, as diffusers would step it.

    Raises ``UsageError`` for a schedule we do not have.
    """
    path = folder / "scheduler" / "scheduler_config.json"
    content = stored_json.read(path)
    for name in _UNSUPPORTED:
        if content.get(name):
            raise UsageError(f"{path}: {name} is set; only plain Euler flow matching is supported")
    if content.get("time_shift_type", "exponential") != "exponential":
        raise UsageError(f"{path}: time_shift_type must be exponential")
    terminal = content.get("shift_terminal") or 0.0
    if not content.get("use_dynamic_shifting", False):
        fixed = math.log(content.get("shift", 1.0))
        return Flow(base_shift=fixed, max_shift=fixed, terminal=terminal)
    return Flow(
        base_shift=content.get("base_shift", 0.5),
        max_shift=content.get("max_shift", 1.15),
        base_tokens=content.get("base_image_seq_len", 256),
        max_tokens=content.get("max_image_seq_len", 4096),
        terminal=terminal,
    )
