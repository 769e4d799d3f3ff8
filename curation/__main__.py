"""``beam``, listening for signals before anything heavy is imported."""

import os
import sys
from typing import NoReturn

from curation.importing import TAKEN_ALONG, hide
from curation.interruption import carry_out


def main() -> NoReturn:
    """Entry point of ``beam`` and of ``python -m curation``."""
    carry_out("beam", _command)


def _command() -> int:
    if sys.argv[1:2] == ["run"]:
        hide(*TAKEN_ALONG)
        # Parquet's own buffers, too: what curation.memory chooses later is not for them.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    from curation import command

    return command.guarded(command.app)


if __name__ == "__main__":
    main()
