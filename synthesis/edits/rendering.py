"""Mode edit: pairs of which exactly what the instruction names is changed."""

from random import Random

from synthesis.edits import chains, kinds
from synthesis.edits.sample import sample
from synthesis.job import Job
from synthesis.sample import Rejected, Sample
from synthesis.unrenderable import UnrenderableError


def render(random: Random, job: Job, index: int, attempt: int) -> Sample | Rejected:
    """Pair ``index``, alone or one of a chain, or the reason why it was discarded."""
    link = chains.link(job, index)
    if link is None:
        edit = kinds.choose(random, job).make(random, job)
    else:
        edit = chains.edit(job, link, attempt)
    if isinstance(edit, Rejected):
        return edit
    try:
        return sample(random, job, edit, str(link) if link else None)
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)
