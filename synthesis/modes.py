"""The modes, and the one function every image comes from."""

import hashlib
from random import Random

from synthesis.characters import sampler
from synthesis.edits import rendering as edits
from synthesis.fonts.face import font
from synthesis.job import Job
from synthesis.pure import paragraph, strings
from synthesis.sample import Rejected, Sample
from synthesis.scene import rendered
from synthesis.template import filled, resources

MOST_ATTEMPTS = 50
MOST_ATTEMPTS_RARE = 5  # then an image whose turn it is to show rare characters shows others
MIX = {"pure": 0.4, "scene": 0.3, "template": 0.3}  # ours: the reports publish no shares
BESIDE_RARE = {"pure": 0.1, "scene": 0.45, "template": 0.45}  # a third are pure for rare characters


def render(job: Job, index: int, attempt: int = 0) -> Sample | Rejected:
    """Image ``index`` of the job: a function of its arguments alone, in any process and order."""
    random = _random(job, index, attempt)
    rare = _rare(random, job, index, attempt)
    mode = _mixed(random, job.language, rare) if job.mode == "mix" else job.mode
    if mode == "edit":
        return edits.render(random, job, index, attempt)
    if mode == "strings":
        shows = job.needed.turns[index][1][0] if job.need else ""
        return strings.render(random, job.language, font(job.fonts[0]), job.sizes[0], shows)
    if mode == "scene":
        return rendered.render(random, job)
    if mode == "template":
        return filled.render(random, job)
    return paragraph.render(random, job, rare)


def _rare(random: Random, job: Job, index: int, attempt: int) -> str | None:
    """The text of an image whose turn it is to show rare characters."""
    if job.mode not in {"pure", "mix"} or (attempt >= MOST_ATTEMPTS_RARE and not job.need):
        return None
    return sampler.text(random, job, index)


def _mixed(random: Random, language: str, rare: str | None) -> str:
    """The mode of an image of mode mix; rare characters are shown on clean pages.

    Where templates have no contents in a language, its images are of the other modes.
    """
    if rare:
        return "pure"
    shares = BESIDE_RARE if language == "zh" else MIX
    modes = [mode for mode in shares if mode != "template" or language in resources.languages()]
    return random.choices(modes, [shares[mode] for mode in modes])[0]


def render_until_kept(job: Job, index: int) -> tuple[Sample | None, list[Rejected]]:
    """The first attempt at ``index`` that is not rejected, and the rejections before it.

    ``None`` after ``MOST_ATTEMPTS`` rejections.
    """
    rejections: list[Rejected] = []
    for attempt in range(MOST_ATTEMPTS):
        result = render(job, index, attempt)
        if isinstance(result, Sample):
            return result, rejections
        rejections.append(result)
    return None, rejections


def _random(job: Job, index: int, attempt: int) -> Random:
    name = f"{job.seed}/{job.mode}/{job.language}/{index}/{attempt}"
    return Random(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest()))
