"""What a Parquet table of images looks like, by the names and types of its columns."""

from dataclasses import dataclass

import pyarrow as pa

from curation.sources import fields, image_names
from curation.sources.fields import USUAL, Columns
from curation.sources.image_names import Role


@dataclass(frozen=True)
class Table:
    """The image column (a struct or plain bytes), those of an edit's inputs, and what else is read.

    ``key`` is the key column; None where the image's own path comes first (Hugging Face).
    ``wanted`` is what the user named, some of which may be among ``columns``. ``is_shard``: ours.
    """

    image: str
    is_struct: bool
    key: str | None
    columns: tuple[str, ...]
    wanted: Columns = USUAL
    inputs: tuple[tuple[str, Role], ...] = ()
    is_shard: bool = False


def recognise(schema: pa.Schema, wanted: Columns = USUAL) -> Table | None:
    """Find the image column: by the usual names first, else the only candidate; None without.

    A candidate is plain bytes or a struct with the bytes in a field ``bytes``, under no name that
    says otherwise: a column ``text`` of bytes holds text. Where columns hold the inputs of edits,
    the image is their result.
    """
    others = set(fields.read_of(schema.names, wanted))
    single = [name for name in schema.names if schema.names.count(name) == 1]
    roles = {
        name: role
        for name in single
        if name not in others
        and _is_images(schema.field(name).type)
        and (role := image_names.role_of(name))
    }
    image = _image(schema, others, roles)
    if image is None:
        return None
    inputs = [entry for entry in image_names.of_kind(roles.items(), "input") if entry[0] != image]
    if not inputs and image in roles:  # a result: the usual name of an image is that of its input
        usual = [name for name in image_names.IMAGE if name in single and name not in others]
        usual = [name for name in usual if _is_image(schema.field(name).type)]
        inputs = [(name, Role("input", name, None, (0, 0))) for name in usual[:1]]
    is_struct = pa.types.is_struct(schema.field(image).type)
    own = is_struct and "id" in schema.names and "caption_raw" in schema.names
    key = next((name for name in fields.KEY if name in schema.names), None)
    # a name that two columns share is left out: Arrow could not tell which one is meant
    known = others | set(fields.KEY)
    taken = {image, *(name for name, _ in inputs)}
    columns = tuple(name for name in single if name in known and name not in taken)
    first = key if own or not is_struct else None
    return Table(image, is_struct, first, columns, wanted, tuple(inputs), own)


def _image(schema: pa.Schema, others: set[str], roles: dict[str, Role]) -> str | None:
    candidates = [f.name for f in schema if _is_image(f.type) and f.name not in others]
    results = [n for n, _ in image_names.of_kind(roles.items(), "result") if n in candidates]
    if results and len(candidates) > len(results):
        return results[0]
    plain = [name for name in candidates if name not in roles] or candidates
    named = [name for name in image_names.IMAGE if plain.count(name) == 1]
    if not named and len(plain) != 1:
        return None
    return named[0] if named else plain[0]


def _is_images(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return _is_image(kind.value_type if is_list else kind)


def _is_image(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(child.name == "bytes" and _is_binary(child.type) for child in kind)
    return _is_binary(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
