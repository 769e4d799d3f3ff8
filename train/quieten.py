"""Keeps libraries' progress bars and notices off the terminal: ours tell enough."""

import logging
import os


def libraries() -> None:
    """Before any of them is imported: torch takes note of each of torchao's enums.

    transformers, whose import takes two seconds, is told before it is there.
    """
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from diffusers.utils import logging as diffusers_logging
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    diffusers_logging.set_verbosity(logging.ERROR)
    diffusers_logging.disable_progress_bar()
