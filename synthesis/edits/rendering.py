"""Mode edit: pairs of which exactly what the instruction names is changed."""

from random import Random

from synthesis.edits import kinds
from synthesis.edits.sample import sample
from synthesis.job import Job
from synthesis.sample import Rejected, Sample
from synthesis.unrenderable import UnrenderableError


def render(random: Random, job: Job) -> Sample | Rejected:
    """One pair, or the reason why it was discarded."""
    edit = kinds.choose(random, job).make(random, job)
    if isinstance(edit, Rejected):
        return edit
    try:
        return sample(random, job, edit)
    except UnrenderableError as problem:
        return Rejected(problem.reason, problem.detail)
