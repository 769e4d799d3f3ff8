"""The id of a sample: of its bytes, and of an edit sample's inputs and instruction; and a digest
of its captions, which together with the id tells image-text pairs apart.
"""

import hashlib
import json

from curation import shard
from curation.sources.fields import CAPTION_COLUMNS
from curation.sources.sample import Sample


def content_id(sample: Sample) -> str:
    """The id that the sample has in ledgers and shards. Raises ``ValueError`` without bytes."""
    if sample.data is None:
        raise ValueError(f"{sample.uri}: no id without its bytes")
    inputs = [image.data for image in sample.inputs or ()]
    said = sample.caption_instruction or ()
    instruction = shard.of_source({"text": of.text, "origin": of.origin} for of in said)
    return shard.content_id(sample.data, inputs, instruction)


def captions_digest(sample: Sample) -> int:
    """64 bits of the texts of its captions, whatever their order; 0 without any but blank ones.

    Languages and origins do not count, nor does an instruction, which is part of the id.
    """
    said = {
        name: sorted({of.text for of in getattr(sample, name) or () if of.text.strip()})
        for name in CAPTION_COLUMNS
        if name != "caption_instruction"
    }
    if not any(said.values()):
        return 0
    text = json.dumps([*said.values()])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
