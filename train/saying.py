"""Work that may take long: said when it begins, and while it lasts how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from curation import progress

Tell = Callable[[str], None]
Done = Callable[[int], None]


@contextmanager
def shown(tell: Tell | None, what: str, total: int, sentence: str = "") -> Iterator[Done]:
    """Tell a ``sentence``, if there is one, then show how many of ``what`` are done while the block
    runs, which calls what it is given with how many more are; nothing without ``tell``.
    """
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count

    if tell is None:
        yield more
        return
    if sentence:
        tell(sentence)
    with progress.watch("", what, lambda: (total, done)):
        yield more
