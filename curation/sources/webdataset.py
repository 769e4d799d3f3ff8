"""WebDataset tars, as img2dataset writes them: consecutive members of one stem are one sample."""

import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from curation import storage
from curation.sources import annotation
from curation.sources.annotation import Annotation
from curation.sources.files import LARGEST_PICTURE, LARGEST_SIDECAR, storable
from curation.sources.layout import kind, suffix_of
from curation.sources.sample import Part, Sample

_TAR_ERRORS = (tarfile.TarError, OSError, ValueError, EOFError, OverflowError)
_TRAILER = 1 << 16


@dataclass(frozen=True)
class _Picture:
    name: str
    data: bytes | None
    error: str | None


@dataclass
class _Group:
    """The members of one sample, as they come."""

    key: str
    pictures: list[_Picture] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    said: list[Annotation] = field(default_factory=list)


class _Truncated(tarfile.ReadError):
    """The data of a member ends before its size."""


def read_part(part: Part, only: Collection[str] | None) -> Iterator[Sample]:
    """The samples of a tar, one at a time.

    The key is the member's name up to the first dot of its last component, as in WebDataset; a
    key with several pictures is several samples. A damaged or truncated tar yields all its good
    members, then one sample with the error; so does a caption without a picture.
    """
    taken: dict[str, int] = {}
    for group in _groups(part, only):
        said = annotation.merge(group.said) if group.said else Annotation()
        pictures = group.pictures or [_orphan(name) for name in group.captions[:1]]
        for picture in pictures:
            taken[picture.name] = taken.get(picture.name, 0) + 1
            again = f"#{taken[picture.name]}" if taken[picture.name] > 1 else ""
            uri = storable(f"{part.path}#{picture.name}{again}")
            if only is None or uri in only:
                yield _sample(uri, storable(group.key), picture, said)


def _sample(uri: str, key: str, picture: _Picture, said: Annotation) -> Sample:
    return Sample(
        uri=uri,
        key=key,
        data=picture.data,
        error=picture.error,
        path=storable(picture.name.rsplit("/", 1)[-1]),
        caption_raw=said.caption_raw,
        caption_recaption=said.caption_recaption,
        caption_fused=said.caption_fused,
        text_boxes=said.text_boxes,
        source=said.source,
        licence=said.licence,
        synthetic=said.synthetic,
    )


def _orphan(name: str) -> _Picture:
    reason = "missing: a caption without a picture; the members of a sample must be neighbours"
    return _Picture(name, None, reason)


def _groups(part: Part, only: Collection[str] | None) -> Iterator[_Group]:
    group: _Group | None = None
    problem = None
    position = 0
    try:
        with storage.open_read(part.path) as stream:
            for member in _members(stream):
                position = member.offset
                key = _key(member.name)
                if group is not None and group.key != key:
                    yield group
                    group = None
                group = group or _Group(key)
                _add(group, member, stream, f"{part.path}#{member.name}", only)
                if group.pictures and (group.pictures[-1].error or "").endswith(_CUT):
                    break
    except FileNotFoundError:
        problem = "missing: no such file"
    except _TAR_ERRORS as error:
        problem = f"unreadable: damaged tar after byte {position}: {error}"
    if group is not None:
        yield group
    if problem is not None:
        place = f"@{position}"
        yield _Group(f"{part.key}#{place}", [_Picture(place, None, annotation.clean(problem))])


_CUT = "the tar is cut off here"


def _members(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """The members in order, none kept. Raises ``tarfile.ReadError`` for any but a proper end."""
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # tarfile would keep every header of the archive
            if not member.isdir():
                yield member
        stream.seek(tar.offset)
        trailer = stream.read(_TRAILER)
    if len(trailer) < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it ends without an end marker, as if cut off")
    if trailer.strip(b"\0"):
        raise tarfile.ReadError("what follows is no member")


def _key(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    dot = base.find(".", 1)
    return folder + slash + (base[:dot] if dot > 0 else base)


def _add(
    group: _Group,
    member: tarfile.TarInfo,
    stream: BinaryIO,
    place: str,
    only: Collection[str] | None,
) -> None:
    what = kind(member.name)
    base = member.name.rsplit("/", 1)[-1]
    if what == "ignored" or (base.startswith("__") and base.endswith("__")):
        return
    if what == "sidecar":
        group.captions.append(member.name)
        if member.isreg() and member.size <= LARGEST_SIDECAR:
            data = _data(stream, member)
            is_text = suffix_of(base).lower() == ".txt"
            group.said.append(annotation.from_text(data) if is_text else annotation.from_json(data))
        return
    group.pictures.append(_picture(member, stream, place, only))


def _picture(
    member: tarfile.TarInfo, stream: BinaryIO, place: str, only: Collection[str] | None
) -> _Picture:
    if not member.isreg():
        return _Picture(member.name, None, "unreadable: a link or device, not a file")
    if member.size > LARGEST_PICTURE:
        reason = f"unreadable: {member.size} bytes, at most {LARGEST_PICTURE} are read"
        return _Picture(member.name, None, reason)
    if only is not None and not any(uri.startswith(storable(place)) for uri in only):
        return _Picture(member.name, None, "unreadable: not wanted")
    try:
        return _Picture(member.name, _data(stream, member), None)
    except _Truncated:
        return _Picture(member.name, None, f"unreadable: {_CUT}")


def _data(stream: BinaryIO, member: tarfile.TarInfo) -> bytes:
    stream.seek(member.offset_data)
    data = stream.read(member.size)
    if len(data) < member.size:
        raise _Truncated("a member is cut off")
    return data
