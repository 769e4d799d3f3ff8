"""Keeps libraries' progress bars and notices off the terminal: ours tell enough."""

import logging


def libraries() -> None:
    """Before any of them is imported: torch takes note of each of torchao's enums."""
    logging.getLogger("torch.utils._pytree").setLevel(logging.ERROR)
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity(logging.ERROR)
        library.disable_progress_bar()
