"""Network addresses: their form, whether they answer, whether they are this machine's."""

import ipaddress
import os
import re
import socket
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from curation.failures.errors import UsageError

SECONDS = 3.0
Answer = TypeVar("Answer")
Otherwise = TypeVar("Otherwise")
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})/?")


def split(address: str) -> tuple[str, int] | None:
    """``HOST:PORT`` taken apart, or None."""
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    return match["host"].strip("[]"), int(match["port"])


def silence(host: str, port: int) -> str | None:
    """Why nothing answers there, or None when something does."""

    def connect() -> str | None:
        try:
            socket.create_connection((host, port), SECONDS).close()
        except OSError as error:
            return error.strerror or str(error)
        return None

    return _in_time(connect, f"nothing within {SECONDS:g} seconds")


def require_form(option: str, address: str) -> tuple[str, int]:
    """Host and port of an option. Raises ``UsageError`` for another form."""
    parts = split(address)
    if parts is None:
        raise UsageError(f"{option}={address}: expected HOST:PORT, such as localhost:8099")
    return parts


def silence_of(option: str, address: str) -> str | None:
    """``silence`` for an option's ``HOST:PORT``. Raises ``UsageError`` for another form."""
    return silence(*require_form(option, address))


def require(option: str, address: str, advice: str) -> None:
    """Raise ``UsageError`` unless something answers there."""
    if why := silence_of(option, address):
        raise UsageError(f"{option}={address}: no answer ({why}); {advice}, or correct it")


def is_loopback(host: str) -> bool:
    """Whether the name means the machine that uses it, whichever that is."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_here(address: str) -> bool:
    """Whether a ``HOST`` or ``HOST:PORT`` is this machine; no when that cannot be told."""
    host, _ = split(address) or (address, 0)
    return is_loopback(host) or bool(_addresses(host) & _own())


@cache
def _own() -> frozenset[str]:
    return frozenset({"127.0.0.1", "127.0.1.1", "::1"}) | _addresses(socket.gethostname())


def _addresses(host: str) -> frozenset[str]:
    def resolve() -> frozenset[str]:
        try:
            return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(host, None))
        except (OSError, UnicodeError):
            return frozenset()

    return _in_time(resolve, frozenset())


def proxied() -> bool:
    """Whether the environment sends web traffic through a proxy."""
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    return any(os.environ.get(name) for name in names)


def _in_time(ask: Callable[[], Answer], otherwise: Otherwise) -> Answer | Otherwise:
    """The answer, or ``otherwise`` after a while: looking up a name has no limit of its own."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(SECONDS + 0.5)
    return answers[0] if answers else otherwise
