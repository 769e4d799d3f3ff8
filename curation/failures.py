"""From an exception to an exit code and one line for the user. Imports nothing heavy.

Failures are told apart by class name, because a runner hands on a worker's exception as text.
"""

import re

import click

USAGE = ("ConfigurationError", "SourceError", "ExplainError", "UsageError", "VersionError")
LEDGER = ("LedgerError",)
STORAGE = ("OutputError", "InputChangedError", "ShardError", "ColumnFileError")
BUG, WRONG_USAGE, DOES_NOT_ADD_UP, INPUT_OUTPUT, INTERRUPTED = 1, 2, 3, 4, 130
_CODES = {
    **dict.fromkeys(USAGE, WRONG_USAGE),
    **dict.fromkeys(LEDGER, DOES_NOT_ADD_UP),
    **dict.fromkeys(STORAGE, INPUT_OUTPUT),
}
_NAMED = re.compile(rf"(?:^|[\s.'\"(])({'|'.join(_CODES)})(?::\s*|\(['\"])(.+)", re.MULTILINE)


def exit_code_of(error: BaseException) -> tuple[int, str | None]:
    """The exit code, and the line to show; None for a bug, which deserves its traceback."""
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        return INTERRUPTED, "interrupted; run the same command again to go on"
    if isinstance(error, click.ClickException):
        return WRONG_USAGE, f"{error.format_message()} (try --help)"
    for kind in type(error).__mro__:
        if kind.__name__ in _CODES:
            return _CODES[kind.__name__], str(error)
    if isinstance(error, OSError):
        return INPUT_OUTPUT, f"{error}; free the disk or fix the path, then run again to go on"
    told = _NAMED.findall(str(error)) if isinstance(error, RuntimeError) else []
    if told:
        name, message = told[-1]
        return _CODES[name], message.strip().rstrip("'\")")
    return BUG, None
