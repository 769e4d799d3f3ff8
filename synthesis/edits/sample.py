"""An edit as a sample: two images and a mask as PNG files, and its instructions."""

from random import Random

from synthesis import png
from synthesis.edits.edit import Edit
from synthesis.edits.instructions import both
from synthesis.job import Job
from synthesis.sample import Pair, Sample


def sample(random: Random, job: Job, edit: Edit, step: str | None = None) -> Sample:
    """The result with what it was made from; ``step`` is its place in a chain, ``step2``.

    Raises ``UnrenderableError`` (``unquotable``).
    """
    height, width = edit.target.shape[:2]
    pair = Pair(
        inputs=(png.encode(edit.source),),
        boxes=(edit.before,),
        instructions=tuple((said.language, said.text) for said in both(random, edit.change)),
        mask=None if edit.mask is None else png.encode_grey(edit.mask),
        operation=edit.change.operation,
        step=step,
    )
    return Sample(
        image=png.encode(edit.target),
        width=width,
        height=height,
        text="\n".join(box.text for box in edit.after if box.level == "block"),
        caption="",
        language=job.language,
        boxes=edit.after,
        font=edit.font,
        edit=pair,
    )
