"""WebDataset tars, as img2dataset writes them: consecutive members of one stem are one sample."""

import tarfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from curation import storage
from curation.sources import annotation, edits, files
from curation.sources.annotation import Annotation
from curation.sources.edits import Group, Image
from curation.sources.fields import USUAL, Columns
from curation.sources.files import storable, too_large
from curation.sources.kind import kind, portable, side_file_order, stem_of
from curation.sources.sample import Part, Sample
from curation.sources.values import clean

_TAR_ERRORS = (tarfile.TarError, OSError, ValueError, EOFError, OverflowError)
_TRAILER = 1 << 16
_CUT = "the tar is cut off in this member"
_ORPHAN = "missing: a caption without an image; the members of a sample must be neighbours"


@dataclass(frozen=True)
class _ImageMember:
    uri: str
    name: str
    data: bytes | None
    error: str | None = None

    @property
    def image(self) -> Image:
        return Image(storable(self.name.rsplit("/", 1)[-1]), self.data, self.error)


@dataclass
class _Group:
    """The members of one sample, as they come."""

    key: str
    columns: Columns
    images: list[_ImageMember] = field(default_factory=list)
    said: list[tuple[str, Annotation]] = field(default_factory=list)  # with the member's name

    def rows(self) -> Iterator[tuple[_ImageMember, Group | None]]:
        """The images that are samples, and with what belongs to one that is an edit."""
        by_name = {member.name: member for member in self.images}
        said = (edits.instruction_of(name) for name, _ in self.said)
        groups = edits.groups(by_name, {parsed[0] for parsed in said if parsed})
        parts = {name for group in groups for name in group.parts}
        group_of = {name: group for group in groups for name in group.rows}
        for member in self.images:
            if member.name in parts:
                continue
            yield member, group_of.get(member.name)

    def named(self, names: Sequence[str]) -> list[Image]:
        """The images of these names."""
        by_name = {member.name: member.image for member in self.images}
        return [by_name[name] for name in names]

    def annotation(self, image: str, masks: Sequence[str] = ()) -> Annotation:
        """What is said about an image, its ``masks`` among that: not by side files that bear the
        name of another one.
        """
        others = {entry.name for entry in self.images if entry.name != image}
        others |= {stem_of(name) for name in others if edits.is_part(name)}
        own = [entry for entry in self.said if stem_of(entry[0]) not in others]
        own.sort(key=lambda entry: side_file_order(entry[0]))
        shown = (annotation.from_side_file(of.path, of.data, of.error) for of in self.named(masks))
        return annotation.merge([*(said for _, said in own), *shown])


def read_part(
    part: Part, only: Collection[str] | None, columns: Columns = USUAL
) -> Iterator[Sample]:
    """The samples of a tar, one at a time.

    The key is the member's name up to the first dot of its last component, as in WebDataset; a
    key with several images is several samples, unless it is an edit (``edits.groups``). A damaged
    or truncated tar yields all its good members, then one sample with the error; so does a caption
    without an image. Raises ``OSError`` when a remote filesystem is out.
    """
    for group in _groups(part, only, columns):
        for member, edit in group.rows():
            if only is None or member.uri in only:
                said = group.annotation(member.name, edit.masks if edit else ())
                problem = edit.problem if edit else None
                images = group.named(edit.inputs) if edit and not problem else ()
                image = Image(member.image.path, None, problem) if problem else member.image
                yield annotation.sample(
                    said,
                    annotation.with_input(said, image, images),
                    images,
                    uri=member.uri,
                    key=portable(storable(group.key)),
                )


def locations(part: Part, columns: Columns = USUAL) -> Iterator[str]:
    """Those of the samples that ``read_part`` yields, in its order; no image is read."""
    for group in _groups(part, (), columns):
        for picture, _ in group.rows():
            yield picture.uri


def _groups(part: Part, only: Collection[str] | None, columns: Columns) -> Iterator[_Group]:
    group: _Group | None = None
    problem = None
    position = 0
    taken: dict[str, int] = {}
    start = len(storable(part.path)) + 1
    keys = None if only is None else {_key(uri[start:]) for uri in only}
    try:
        with storage.open_read(part.path) as stream:
            for member in _members(stream):
                position = member.offset
                key = _key(member.name)
                if group is not None and group.key != key:
                    yield _finished(group, part)
                    group = None
                group = group or _Group(key, columns)
                uri = _uri(part, member.name, taken)
                wanted = keys is None or uri in (only or ())
                if not wanted and edits.is_part(member.name):  # of one that may be wanted
                    wanted = storable(key) in (keys or ())
                if not _add(group, member, stream, uri, wanted):
                    break
    except FileNotFoundError:
        problem = "missing: no such file"
    except _TAR_ERRORS as error:
        if storage.is_outage(part.path, error):
            raise
        problem = f"unreadable: damaged tar, at byte {position} or after: {error}"
    if group is not None and (problem is None or group.images):
        yield _finished(group, part)
    if problem is not None:
        place = f"#@{position}"
        lost = _ImageMember(storable(part.path + place), place, None, clean(problem))
        yield _Group(part.key + place, columns, [lost])


def _finished(group: _Group, part: Part) -> _Group:
    if group.said and not group.images:
        name = group.said[0][0]
        group.images.append(_ImageMember(storable(f"{part.path}#{name}"), name, None, _ORPHAN))
    return group


def _uri(part: Part, name: str, taken: dict[str, int]) -> str:
    """The member's location; a name that comes again is numbered."""
    taken[name] = taken.get(name, 0) + 1
    return storable(f"{part.path}#{name}" + (f"#{taken[name]}" if taken[name] > 1 else ""))


def _members(stream: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """The members in order, none kept. Raises ``tarfile.ReadError`` for any but a proper end."""
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # else it keeps every header
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
    uri: str,
    wanted: bool,
) -> bool:
    """Add a member to its group, with its bytes if wanted; False when the tar is cut off in it."""
    base = member.name.rsplit("/", 1)[-1]
    what = kind(base)
    if what == "ignored" or (base.startswith("__") and base.endswith("__")):
        return True
    if what == "sidecar":
        group.said.append((member.name, _said(member, stream, group.columns)))
        return True
    data: bytes | None = None
    error: str | None = None
    if not member.isreg() or member.issparse():
        error = "unreadable: a link, device or sparse file"
    elif wanted:
        refused = too_large(member.size, files.LARGEST_IMAGE)
        error = refused and f"unreadable: {refused}"
        try:
            data = None if error else _data(stream, member)
        except EOFError:
            error = f"unreadable: {_CUT}"
    group.images.append(_ImageMember(uri, member.name, data, error))
    return error is None or _CUT not in error


def _said(member: tarfile.TarInfo, stream: BinaryIO, columns: Columns) -> Annotation:
    name = storable(member.name)
    if not member.isreg() or member.issparse():
        return annotation.from_side_file(name, None, "a link, device or sparse file")
    if too_long := too_large(member.size, files.LARGEST_SIDECAR):
        return annotation.from_side_file(name, None, too_long)
    return annotation.from_side_file(name, _data(stream, member), None, columns)


def _data(stream: BinaryIO, member: tarfile.TarInfo) -> bytes:
    stream.seek(member.offset_data)
    data = stream.read(member.size)
    if len(data) < member.size:
        raise EOFError(_CUT)
    return data
