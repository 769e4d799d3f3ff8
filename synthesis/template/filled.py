"""Mode template: slots of a layout filled with texts."""

from random import Random

from synthesis.job import Job
from synthesis.problems import UsageError
from synthesis.sample import Rejected, Sample


def draw(random: Random, job: Job) -> Sample | Rejected:
    """One sample or the reason why its text was discarded."""
    raise UsageError("mode template is not here yet")
