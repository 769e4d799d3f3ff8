"""What is planted in the pool: defects, each for the stage that is to catch it, at several
strengths, of which the mildest may cost a model nothing.
"""

from dataclasses import dataclass

from benchmarks.curation_bench import damages
from benchmarks.curation_bench.damages import Image, Source, Words
from benchmarks.defects import ladders
from benchmarks.defects.ladders import RGB
from curation.failures.errors import UsageError


@dataclass(frozen=True)
class Defect:
    """``weight`` is how many of 2,400 images have it, over all ``strengths``; ``photographs`` the
    share of these that are photographs, the others are strings. It damages the ``image`` or the
    ``words``.
    """

    name: str
    stage: str
    strengths: tuple[float, ...]
    weight: int
    image: Image | None = None
    words: Words | None = None
    photographs: float = 0.15


DEFECTS = (
    Defect("small", "s1", (200, 120), 40, damages.small),
    Defect("wide", "s1", (4, 6), 36, damages.wide, photographs=0),
    Defect("truncated", "s1", (0.6, 0.2), 24, damages.truncated),
    Defect("not an image", "s1", (1,), 16, damages.html),
    Defect("empty", "s1", (1,), 8, damages.empty),
    Defect("Gaussian blur", "s2", (4, 16, 40), 42, damages.ladder(ladders.gaussian)),
    Defect("motion blur", "s2", (21, 121), 24, damages.ladder(ladders.motion)),
    Defect("enlarged", "s2", (8, 32), 24, damages.ladder(ladders.enlarged)),
    Defect("noise", "s2", (27, 110), 24, damages.ladder(ladders.noisy)),
    Defect("washed out", "s2", (130, 190), 24, damages.ladder(ladders.lifted)),
    Defect("darkened", "s2", (0.25, 0.1), 24, damages.ladder(ladders.gained)),
    Defect("low contrast", "s2", (0.2, 0.08), 24, damages.ladder(ladders.faded)),
    Defect("brightened", "s2", (1.8, 3), 24, damages.ladder(ladders.gained)),
    Defect("oversaturated", "s2", (2.6, 4.5), 24, damages.ladder(ladders.saturated)),
    Defect("posterised", "s2", (4, 2), 24, damages.ladder(ladders.posterised)),
    Defect("compressed", "s2", (12, 4), 24, damages.ladder(ladders.compressed)),
    Defect("turned", "s2", (3, 6), 24, damages.turned),
    Defect("mirrored", "s2", (2,), 20, damages.turned),
    Defect("caption of another image", "s3", (1,), 150, words=damages.swapped),
    Defect("mistyped caption", "s3", (1, 2), 48, words=damages.mistyped),
    Defect("wrong colour in caption", "s3", (1,), 30, words=damages.recoloured, photographs=0),
    Defect("file name as caption", "s3", (1,), 30, words=damages.file_name),
    Defect("refusal as caption", "s3", (1,), 24, words=lambda _source, _strength: damages.REFUSAL),
    Defect("spam as caption", "s3", (1,), 30, words=lambda _source, _strength: damages.SPAM),
    Defect("dense text", "s4", (4, 12), 40, damages.dense, photographs=0),
    Defect("tiny text", "s4", (16, 32), 40, damages.tiny, photographs=0),
    Defect("tiled watermark", "s5", (0.3, 0.8), 32, damages.tiled_mark, photographs=0.3),
    Defect("central watermark", "s5", (0.3, 0.8), 32, damages.central_mark, photographs=0.3),
    Defect("QR code", "s5", (0.25, 0.5), 32, damages.code),
    Defect("frame", "s5", (0.1, 0.3), 32, damages.barred),
    Defect("collage", "s5", (2, 3), 32, damages.collage, photographs=0.4),
    Defect("screenshot", "s5", (0.12, 0.3), 24, damages.screenshot),
    Defect("stored as JPEG again", "s5", (20, 7), 24, damages.ladder(ladders.recompressed)),
    Defect("dithered", "s5", (16, 4), 20, damages.ladder(ladders.dithered)),
    Defect("mosaic", "s5", (16, 32), 24, damages.mosaic),
    Defect("below 640p", "s5", (300,), 32, damages.small, photographs=0),
)


def counts(defect: Defect, size: int) -> list[tuple[float, bool, int]]:
    """(strength, of photographs, how many) in a pool of ``size`` images."""
    made = []
    for number, strength in enumerate(defect.strengths):
        each = max(1, round(defect.weight * size / 2400 / len(defect.strengths)))
        of_photographs = round(each * defect.photographs + (0.01 if number else 0))
        made += [(strength, True, of_photographs), (strength, False, each - of_photographs)]
    return [entry for entry in made if entry[2]]


def planted(defect: Defect, source: Source, strength: float) -> tuple[RGB | bytes, str]:
    """The image (not yet stored unless as bytes) and the caption after damage."""
    if defect.image:
        return defect.image(source, strength), source.caption
    if defect.words:
        return source.rgb, defect.words(source, strength)
    raise UsageError(f"{defect.name}: damages nothing")
