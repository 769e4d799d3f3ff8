"""The id of a sample: of its bytes, and of an edit sample's inputs and instruction."""

from curation import shard
from curation.sources.sample import Sample


def content_id(sample: Sample) -> str:
    """The id that the sample has in ledgers and shards. Raises ``ValueError`` without bytes."""
    if sample.data is None:
        raise ValueError(f"{sample.uri}: no id without its bytes")
    inputs = [image.data for image in sample.inputs or ()]
    instruction = [caption.text for caption in sample.caption_instruction or ()]
    return shard.content_id(sample.data, inputs, instruction)
