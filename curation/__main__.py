"""``beam``, listening for signals before anything heavy is imported."""

import sys
from typing import NoReturn

from curation import importing
from curation.failures.interruption import carry_out


def main() -> NoReturn:
    """Entry point of ``beam`` and of ``python -m curation``."""
    carry_out("beam", _command)


def _command() -> int:
    importing.less(sys.argv[1:])
    from curation import command
    from curation.failures.commands import guarded

    return guarded("beam", command.app)


if __name__ == "__main__":
    main()
