"""Asking models from another process, which may die or hang of an image while this one goes on.

The threads of a process share one, in which models are loaded when they are first asked. One that
gives no answer in time is ended, and one that ended is started again. Whoever lost a batch so asks
about each of its rows from a process of his own: what ends that one is the row's doing.
"""

import contextlib
import logging
import os
import signal as signals
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from curation.measuring import messages
from curation.networks.weights import MissingModelError
from curation.signals.row import Row
from curation.signals.signal import Settings, Signal

MOST_LOST = 5  # images in a row that get no answer: then it is not the images
MODULE = "curation.measuring.answering"
STARTING = 300.0  # seconds for a process to start, or a model to be loaded
# Threads of one model would wait for one another: other processes have their own rows. And what a
# network says depends in the last digits on how many threads share its sums.
ALONE = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_LOG = logging.getLogger(__name__)
_LOGGED: set[tuple[str, ...]] = set()
_RAISED = {of.__name__: of for of in (MissingModelError, ImportError, MemoryError, OSError)}


class HangError(Exception):
    """No answer in time."""


class DiedError(Exception):
    """The model ended its process."""


class FailedError(Exception):
    """What a model raised; ``is_unseen`` where the image does not decode any more."""

    def __init__(self, text: str, *, is_unseen: bool = False) -> None:
        super().__init__(text)
        self.is_unseen = is_unseen


class Asker(Protocol):
    """Asks models about the rows of a batch."""

    def begin(self, rows: Mapping[int, Row]) -> None:
        """Another batch, its rows by number."""

    def ask(
        self, entry: Signal, settings: Settings, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """The columns of rows of the batch, as declared; their own ``columns`` go with them.

        Raises ``HangError``, ``DiedError``, ``FailedError`` of these rows, ``MissingModelError``,
        ``ImportError``, ``MemoryError`` and ``OSError`` of the model.
        """


class _Process:
    """Another process: started with Python's own path, and ended with this one."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        command = [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), *modules]
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._process = subprocess.Popen(
            command,
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={**os.environ, **dict.fromkeys(ALONE, "1"), "PYTHONPATH": paths},
        )
        os.close(reading)
        theirs.close()
        self._lock, self._has_ended = threading.Lock(), False
        self._control.settimeout(STARTING)
        try:
            messages.receive(self._control)
        except (EOFError, OSError):
            raise MissingModelError(
                f"the process that models look from did not start; it ended {self.end()}"
            ) from None

    def connected(self) -> socket.socket:
        """A channel of one's own. Raises ``OSError``."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            socket.send_fds(self._control, [b"."], [theirs.fileno()])
        return ours

    def end(self, *, is_dying: bool = False) -> str:
        """End it, if it is not ``is_dying`` by itself; returns how it ended."""
        with self._lock:
            if is_dying:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(1)  # its end is seen a moment before its code
            self._process.kill()
            code = self._process.wait()
            if not self._has_ended:
                os.close(self._lifeline)
                self._control.close()
            self._has_ended = True
        return f"by {signals.Signals(-code).name}" if code < 0 else f"with code {code}"


@dataclass
class _Shared:
    """The process of a pipeline's ``modules`` that all threads here ask; ``users`` do so now."""

    process: _Process | None = None
    users: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Asking:
    """An ``Asker`` that knows the signals of the package and of ``modules``."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)
        self._channel: socket.socket | None = None
        self._process: _Process | None = None
        self._loaded: set[tuple[str, str]] = set()
        self._rows: Mapping[int, Row] = {}
        self._shown: set[int] = set()
        self._has_lost = False  # something of this batch
        self._lost = 0

    def begin(self, rows: Mapping[int, Row]) -> None:
        """Another batch, its rows by number."""
        self._rows, self._shown = rows, set()
        if self._has_lost:
            self.close()

    def ask(
        self, entry: Signal, settings: Settings, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """As ``Asker`` says; ``MissingModelError`` too where ``MOST_LOST`` rows had no answer."""
        self._load(entry, settings)
        was_alone = self._has_lost
        columns = [dict(self._rows[number].columns) for number in numbers]
        asked = {"do": "ask", "name": entry.name, "numbers": list(numbers), "columns": columns}
        try:
            answer = self._exchange(asked, entry.patience, numbers)
        except (HangError, DiedError):
            if len(numbers) > 1:
                raise
            if not was_alone:  # it may have been another's row
                return self.ask(entry, settings, numbers)
            self._lost += 1
            if self._lost < MOST_LOST:
                raise
            text = f"the signal {entry.name!r} gave no answer about {MOST_LOST} images in a row"
            raise MissingModelError(
                f"{text}: see that its model works, or do without it by --without {entry.name}"
            ) from None
        self._lost = 0
        values: list[dict[str, Any]] = _checked(answer)["values"]
        return values

    def close(self) -> None:
        """Ask no more; a process of one's own ends."""
        if self._channel:
            self._channel.close()
        if self._process and self._has_lost:
            self._process.end()
        self._channel = self._process = None
        self._has_lost = False

    def _load(self, entry: Signal, settings: Settings) -> None:
        """Have a model loaded where it is asked; if another's row ends that, in a process alone."""
        chosen = settings.model_dump_json()
        was_alone = self._has_lost
        try:
            self._connect()
            if (entry.name, chosen) not in self._loaded:
                load = {"do": "load", "name": entry.name, "settings": chosen}
                _checked(self._exchange(load, STARTING))
        except (HangError, DiedError) as error:
            if was_alone:
                raise MissingModelError(
                    f"the signal {entry.name!r} cannot load its model ({error}): install it again, "
                    f"or do without it by --without {entry.name}"
                ) from None
            self._load(entry, settings)
        self._loaded.add((entry.name, chosen))

    def _connect(self) -> None:
        if self._channel is not None:
            return
        process = _Process(self._modules) if self._has_lost else _shared_process(self._modules)
        self._process, self._loaded, self._shown = process, set(), set()
        try:
            self._channel = process.connected()
        except OSError:
            raise DiedError(f"its process ended {self._lose(is_dying=True)}") from None

    def _exchange(
        self, said: Mapping[str, Any], seconds: float, numbers: Sequence[int] = ()
    ) -> dict[str, Any]:
        assert self._channel
        try:
            self._channel.settimeout(STARTING)
            self._show(self._channel, [of for of in numbers if of not in self._shown])
            messages.send(self._channel, said)
            self._channel.settimeout(seconds)
            answer = messages.receive(self._channel)[0]
            _log(answer, str(said["name"]))
            return answer
        except TimeoutError:
            self._lose(is_dying=False)
            raise HangError(f"no answer in {seconds:g} s") from None
        except (EOFError, ConnectionError):
            how = self._lose(is_dying=True)
            raise DiedError(f"the model ended its process {how}") from None

    def _lose(self, *, is_dying: bool) -> str:
        """End the process; what is asked of this batch from now on is asked of another one."""
        assert self._process
        how = self._process.end(is_dying=is_dying)
        _forget(self._modules, self._process)
        if self._channel:
            self._channel.close()
        self._channel = self._process = None
        self._has_lost = True
        return how

    def _show(self, channel: socket.socket, numbers: Sequence[int]) -> None:
        """Send rows of the batch that are not there yet."""
        for number in numbers:
            row = self._rows[number]
            shown = {"number": number, "id": row.id, "captions": dict(row.captions)}
            shown |= {"do": "show", "is_first": not self._shown}
            messages.send(channel, shown, [row.data, *row.inputs])
            self._shown.add(number)


def _printable(text: str) -> str:
    """A message may hold a stranger's text, and a terminal would obey what controls it."""
    return "".join(of if of.isprintable() else "\ufffd" for of in text)


def _log(answer: Mapping[str, Any], name: str) -> None:
    """Say where a model failed, once for each place. Raises ``EOFError`` where its process did."""
    if "traceback" not in answer:
        return
    lines = [_printable(line) for line in answer["traceback"].splitlines()]
    place = name, *(line for line in lines if line.startswith("  "))  # without the message
    if place not in _LOGGED:
        _LOGGED.add(place)
        _LOG.warning("the signal %r failed:\n%s", name, "\n".join(lines))
    if "error" not in answer:
        raise EOFError


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer. Raises what it says was raised."""
    if "error" not in answer:
        return answer
    if answer["error"] in _RAISED:
        raise _RAISED[answer["error"]](answer["text"])
    raise FailedError(answer["text"], is_unseen=answer["is_unseen"])


@dataclass
class _Pool:
    """What this process shares, by modules; while it ``is_held``, steps leave it running."""

    shared: dict[tuple[str, ...], _Shared] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_held: bool = False

    def of(self, modules: tuple[str, ...]) -> _Shared:
        """The process of these modules."""
        with self.lock:
            return self.shared.setdefault(modules, _Shared())


_POOL = _Pool()


def _shared_process(modules: tuple[str, ...]) -> _Process:
    """The process that runs, or another one."""
    shared = _POOL.of(modules)
    with shared.lock:
        if shared.process is None:
            shared.process = _Process(modules)
        return shared.process


def _forget(modules: tuple[str, ...], process: _Process) -> None:
    """The process ended."""
    shared = _POOL.of(modules)
    with shared.lock:
        if shared.process is process:
            shared.process = None


@contextlib.contextmanager
def borrowed(modules: Sequence[str]) -> Iterator[Asker]:
    """An asker for the block."""
    asking, shared = Asking(modules), _POOL.of(tuple(modules))
    with shared.lock:
        shared.users += 1
    try:
        yield asking
    finally:
        with shared.lock:
            shared.users -= 1
        asking.close()


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Leave what is started in this process running until the block ends."""
    _POOL.is_held = True
    try:
        yield
    finally:
        _POOL.is_held = False
        end()


def leave() -> None:
    """End the processes that nobody asks, unless they are held."""
    if not _POOL.is_held:
        end()


def end() -> None:
    """End the processes that nobody asks."""
    with _POOL.lock:
        every = [*_POOL.shared.values()]
    for shared in every:
        with shared.lock:
            if shared.process and not shared.users:
                shared.process.end()
                shared.process = None
