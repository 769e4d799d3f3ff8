"""Files and folders, local or on any Beam filesystem, and who may write where."""

from curation.storage.files import (
    OutageError,
    atomic_write,
    delete,
    exists,
    is_outage,
    open_read,
    read_bytes,
    remove_partials,
    write_bytes,
)
from curation.storage.listing import (
    UNKNOWN_SIZE,
    FileEntry,
    is_empty,
    list_files,
    list_folder,
    times,
)
from curation.storage.names import TEMPORARY_SUFFIX, is_remote, is_temporary, join, name_of, refusal

__all__ = [
    "TEMPORARY_SUFFIX",
    "UNKNOWN_SIZE",
    "FileEntry",
    "OutageError",
    "atomic_write",
    "delete",
    "exists",
    "is_empty",
    "is_outage",
    "is_remote",
    "is_temporary",
    "join",
    "list_files",
    "list_folder",
    "name_of",
    "open_read",
    "read_bytes",
    "refusal",
    "remove_partials",
    "times",
    "write_bytes",
]
