"""Which file is what, by its name alone.

The rule: every file is an input row, whatever its name, so that nothing is lost silently; except
captions and metadata (``NOT_PICTURES``, such as ``.txt``, ``.json``, ``.csv``, and names such as
``.DS_Store``), containers (``.tar``, ``.parquet``, ``.jsonl``, which hold rows of their own), what
lies in folders whose name starts with a dot, and temporary files of an interrupted write. What is
then no image ends in quarantine, under its own name.
"""

import hashlib
import re
from typing import Literal

_FROM_A_ROOT = re.compile(r"[\\/]|[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.-]*://")
Kind = Literal["image", "sidecar", "tar", "packed tar", "parquet", "manifest", "ignored"]

SIDECARS = (".txt", ".caption", ".json")  # in the order in which their captions are given
NOT_PICTURES = frozenset(
    {
        *(*SIDECARS, ".csv", ".tsv", ".md", ".yaml", ".yml", ".xml", ".log", ".lock"),
        *(".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle", ".safetensors", ".msgpack"),
        *(".cls", ".id", ".index"),
    }
)
METADATA = ("metadata.csv", "metadata.parquet")  # Hugging Face's lists; .jsonl is one by kind
NOT_IMAGE_NAMES = frozenset(
    {
        *(".ds_store", "thumbs.db", "desktop.ini", "_success", ".gitkeep"),
        *(".inkstone", ".inkstone.lock", ".inkstone.export"),  # markers of ownership, an export
    }
)
_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.lz4")
_BY_SUFFIX: dict[str, Kind] = {
    **dict.fromkeys(NOT_PICTURES, "ignored"),
    **dict.fromkeys(SIDECARS, "sidecar"),
    ".tar": "tar",
    ".parquet": "parquet",
    ".jsonl": "manifest",
    ".ndjson": "manifest",
}


def kind(name: str) -> Kind:
    """What a file is, by its name (with or without folders)."""
    base = name[name.rfind("/") + 1 :].lower()
    dot = base.rfind(".")
    suffixed = _BY_SUFFIX.get(base[dot:]) if dot > 0 else None
    if suffixed:
        return suffixed
    if base.endswith(_PACKED):
        return "packed tar"
    return "ignored" if base in NOT_IMAGE_NAMES else "image"


def suffix_of(name: str) -> str:
    """The last extension with its dot, as written; empty where there is none (``.hidden``)."""
    base, dot = name.rfind("/") + 1, name.rfind(".")
    return name[dot:] if dot > base else ""


def stem_of(name: str) -> str:
    """The name, folders included, without its last extension."""
    suffix = suffix_of(name)
    return name[: -len(suffix)] if suffix else name


def side_file_order(name: str) -> tuple[int, int, str]:
    """The order of an image's side files: text before JSON, ``a.jpg.txt`` before ``a.txt``.

    Sorts the names of one folder.
    """
    return SIDECARS.index(suffix_of(name).lower()), -len(name), name


def is_hidden(relative: str) -> bool:
    """Whether one of the folders of a relative path starts with a dot."""
    return (relative.startswith(".") and "/" in relative) or "/." in relative.rpartition("/")[0]


def portable(name: str) -> str:
    """The name of an image as it may be published: relative ones as they are, bit by bit.

    One that starts at the root of a machine, or climbs out of its folder, would tell of that
    machine, or lead whoever writes to it elsewhere: it becomes ``<16 digits>/<its last part>``,
    where the digits are a hash of the name, so that different names stay different.
    """
    parts = re.split(r"[\\/]", name)
    if not _FROM_A_ROOT.match(name) and ".." not in parts:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    last = next((part for part in reversed(parts) if part not in ("", ".", "..")), "")
    return f"{digest}/{last}"
