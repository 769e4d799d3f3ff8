"""From an exception to an exit code and one line for the user. Imports nothing heavy.

Failures are told apart by class name, because a runner hands on a worker's exception as text.
"""

import errno
import os
import re

from curation.failures.interruption import MESSAGE
from curation.failures.memory import ran_out

USAGE = (
    "ConfigurationError",
    "SourceError",
    "OwnershipError",
    "ExplainError",
    "UsageError",
    "VersionError",
    "UnmeasuredColumnError",
    "MissingModelError",
)
INCOMPLETE = ("LedgerError", "IncompleteError")
STORAGE = (
    *("OutputError", "InputChangedError", "InputError", "ShardError", "ColumnFileError"),
    *("CheckpointError", "TooLargeError", "MemoryError"),
)
BUG, WRONG_USAGE, DOES_NOT_ADD_UP, INPUT_OUTPUT, INTERRUPTED = 1, 2, 3, 4, 130
_CODES = {
    **dict.fromkeys(USAGE, WRONG_USAGE),
    **dict.fromkeys(INCOMPLETE, DOES_NOT_ADD_UP),
    **dict.fromkeys(STORAGE, INPUT_OUTPUT),
    "WorkersLostError": BUG,
}
_NAMED = re.compile(rf"(?:^|[\s.'\"(])({'|'.join(_CODES)})(?::\s*|\(['\"])(.+)", re.MULTILINE)
_WHERE = re.compile(r"\s*\[while running .*\]$")


def exit_code_of(error: BaseException) -> tuple[int, str | None]:
    """The exit code, and the line to show; None for a bug, which deserves its traceback."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if "KeyboardInterrupt" in names or "Abort" in names:
        return INTERRUPTED, MESSAGE
    if "ClickException" in names:  # by name: typer carries its own copy of click
        usage = getattr(error, "format_message", error.__str__)()
        return WRONG_USAGE, f"{usage} (try --help)"
    if name := next((name for name in names if name in _CODES), None):
        return _CODES[name], of_memory(error) if name == "MemoryError" else str(error)
    if isinstance(error, OSError):
        return INPUT_OUTPUT, of_disk(error)
    named = _NAMED.findall(str(error)) if isinstance(error, RuntimeError) else []
    if named:
        name, message = named[-1]
        message = _WHERE.sub("", message.strip()).rstrip("'\")")
        return _CODES[name], of_memory(message) if name == "MemoryError" else message
    # Torch's is a RuntimeError.
    return (_CODES["MemoryError"], of_memory(error)) if ran_out(error) else (BUG, None)


def of_memory(error: BaseException | str) -> str:
    """What needed how much, as far as the error tells, and what to do."""
    return (
        f"{str(error) or 'out of memory'}: this machine has too little memory free; free some, "
        "then run the same command again to go on"
    )


_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space there"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "choose another path, or change its permissions"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "check the path"),
    errno.ENOENT: "check the path",
    errno.EROFS: "choose another path",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
}


def of_disk(error: OSError, place: str = "") -> str:
    """What failed where, and what to do; ``place`` is named where the error knows no path."""
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else place
    what = error.strerror or str(error) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0, "see whether the disk and the network are well")
    failure = f"{path}: {what}" if path else what
    return f"{failure}; {remedy}, then run the same command again to go on"
