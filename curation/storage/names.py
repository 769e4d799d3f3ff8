"""What a path says by itself, and the way to Beam's remote filesystems (``gs://``, ``s3://``, ...).

apache_beam is imported for remote paths only.
"""

import os
import re
from functools import cache
from importlib.util import find_spec
from typing import Any

_REMOTE = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*://")
TEMPORARY_SUFFIX = ".partial"
_TEMPORARY = re.compile(r"[^/]\.[0-9a-f]{32}\.partial$")
_HIDDEN_TEMPORARY = re.compile(r"(^|/)\.[^/]+\.[0-9a-f]{32}\.partial$")
# The package that opens each of Beam's remote filesystems, and the extra of apache-beam with it.
_CLIENTS = {
    "gs": ("apitools", "gcp"),
    "s3": ("boto3", "aws"),
    "azfs": ("azure", "azure"),
    "hdfs": ("hdfs", "hadoop"),
}


def is_remote(path: str) -> bool:
    """Whether the path names a scheme (``gs://...``) rather than a local file."""
    return _REMOTE.match(path) is not None


def is_temporary(path: str) -> bool:
    """Whether the name is one that ``atomic_write`` gives to what is not yet whole."""
    pattern = _TEMPORARY if is_remote(path) else _HIDDEN_TEMPORARY
    return pattern.search(path) is not None


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def join(base: str, *parts: str) -> str:
    """Join path parts with ``/`` for remote and the local separator for local paths."""
    return "/".join([base.rstrip("/"), *parts]) if is_remote(base) else os.path.join(base, *parts)


def filesystems() -> Any:
    from apache_beam.io.filesystems import FileSystems  # heavy: only where a scheme asks for it

    return FileSystems


def uncompressed() -> Any:
    from apache_beam.io.filesystem import CompressionTypes

    return CompressionTypes.UNCOMPRESSED  # Beam would otherwise unpack by extension


def refusal(path: str) -> str | None:
    """Why no path of this remote scheme can be opened, and what to do about it, or None."""
    return _refusal_of(path.split("://", 1)[0].lower())


@cache
def _refusal_of(scheme: str) -> str | None:
    no_way = f"no way to this filesystem, {scheme}://"
    if scheme == "file":
        return f"{no_way}; expected the plain path, without file://"
    if scheme in _CLIENTS:
        package, extra = _CLIENTS[scheme]
        if find_spec(package) is None:  # Beam itself tells only when it opens the first file
            return (
                f"{no_way}: it needs {package}; install it by: pip install 'apache-beam[{extra}]'"
            )
    try:
        filesystems().get_filesystem(f"{scheme}://")
    except (ValueError, OSError, ImportError) as error:
        if scheme in _CLIENTS:
            return f"{no_way}: {error}"
        names = ", ".join(f"{name}://" for name in _CLIENTS)
        return (
            f"{no_way}; expected a local path or one of {names}; nothing is fetched from the web: "
            "fetch it first (img2dataset writes tars that can be read here)"
        )
    return None
