"""Which measurements each rule is fitted on, to which damage, and where it is asked to see it."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.defects.logistic import Recipe

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """The copies of a ladder from ``strength`` on, worse the ``rising`` or falling it is.

    ``bar`` is the strength at which a bound is asked to catch them; ``change`` the least that the
    damage must have done (see ``measured.Table``): "chroma" is what one clean photograph in twenty
    has.
    """

    ladder: str
    strength: float
    bar: float
    rising: bool = True
    change: float | str = 0.0


@dataclass(frozen=True)
class Plan:
    """A rule to fit to its ``targets``, of single columns and of products of two of these.

    Its bound is set by the first target: the strictest that still catches ``recall`` of it at its
    bar, but none that costs more than ``lost`` of the clean images.
    """

    targets: tuple[Target, ...]
    recipes: tuple[Recipe, ...]
    products: Pairs = ()
    recall: float = 0.98
    lost: float = 0.002


def _share(column: str) -> Recipe:
    return Recipe(column, "log", 1e-4)


NOISE = Recipe("mean_noise", "log", 0.27)
QUIET_NOISE = Recipe("texture", "log", 0.04)
CURVATURE = Recipe("curvature", "sqrt")
OCTAVE = Recipe("finest_octave")
LEAST_FINE = Recipe("least_fine_sharpness")
LUMPS = Recipe("lumps", "log", 1e-3)

PLANS: Mapping[str, Plan] = {
    "blurred": Plan(
        (Target("gaussian", 2, 2),),
        (Recipe("least_sharpness", "sqrt"), CURVATURE, Recipe("clarity"), NOISE),
    ),
    "motion_blurred": Plan(
        (Target("motion", 11, 11),),
        (Recipe("clarity"), Recipe("least_step"), NOISE, Recipe("luma_range"), CURVATURE),
    ),
    "enlarged": Plan(
        (Target("enlarged", 3, 3),),
        (
            Recipe("sharpness"),
            OCTAVE,
            NOISE,
            LEAST_FINE,
            CURVATURE,
            Recipe("least_inner"),
            Recipe("clarity"),  # or smooth large letters are taken for enlarged
        ),
    ),
    "posterised": Plan(
        (Target("posterised", 4, 4, rising=False),),
        (
            Recipe("comb"),
            Recipe("capped_comb"),
            _share("empty_border"),
            CURVATURE,
            _share("flat_border"),
            LUMPS,
            Recipe("median_noise", "sqrt"),
        ),
    ),
    "dithered": Plan(
        (Target("dithered", 16, 16, rising=False),),
        (
            LEAST_FINE,
            Recipe("entropy"),
            LUMPS,
            QUIET_NOISE,
            OCTAVE,
            Recipe("least_sharpness", "sqrt"),
        ),
        recall=0.8,
        lost=0.001,
    ),
    "oversaturated": Plan(
        (Target("saturation", 3.3, 3.3, change="chroma"),),
        (
            _share("clipped_colour"),
            _share("gently_empty"),
            Recipe("low_chroma", "sqrt"),
            _share("pure_colour"),
            _share("empty"),
            LUMPS,
            CURVATURE,
        ),
        (("clipped_colour", "clipped_colour"),),
        recall=0.88,
    ),
    "overexposed": Plan(
        (Target("brightened", 1.8, 1.8, change=0.05),),
        (
            Recipe("overexposure", "log", 3e-4),
            QUIET_NOISE,
            _share("partly_clipped"),
            _share("flat_border"),
            NOISE,
            Recipe("white_border", "log", 2e-3),
            Recipe("noise", "log", 0.025),
            Recipe("entropy"),
            Recipe("end_spike", "log", 0.01),
            Recipe("shadow", "sqrt"),
        ),
        (
            ("overexposure", "overexposure"),
            ("texture", "mean_noise"),
            ("mean_noise", "entropy"),
            ("flat_border", "flat_border"),
        ),
        recall=0.79,
    ),
    "blocky": Plan(
        (Target("jpeg-resized", 12, 7, rising=False),),
        (
            Recipe("overtones"),
            Recipe("grid", "log", 0.05),
            LEAST_FINE,
            Recipe("few_colours"),
            Recipe("ripple", "log", 0.02),
            Recipe("inner"),
            Recipe("quiet"),
            Recipe("clarity"),
        ),
        recall=0.9,
    ),
}
