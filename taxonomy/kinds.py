"""What kind of image it is: a picture of things, or a page, a slide, a user interface, a code ...

ImageNet's classes know none of these: a page is an envelope to them. The kinds are nodes of our own
branches, told by a linear head over CLIP's vector, or by any image-text model from sentences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.networks import encoders, heads
from curation.networks.encoders import Named
from taxonomy.tree import DATA

FILE = DATA / "kinds.safetensors"
SHARPNESS = 2.0  # calibrated on half of the images of benchmarks.mixed_nodes, by likelihood
LEAN = 2.0  # towards pictures, of the log odds: pages are far away from them, photographs are not
PICTURE = "picture"  # of things, people and places, photographed or drawn: what classes are for
KINDS = (
    *(PICTURE, "document", "user_interface", "slide", "infographic", "chart", "map", "comic"),
    *("cover", "card", "poster", "packaging", "sign", "machine_code"),
)
# for image-text models: each kind is the mean of its sentences
SENTENCES: dict[str, tuple[str, ...]] = {
    PICTURE: ("a photo", "a photo of an animal", "a photo of a person", "a photo of an object",
              "a photo of a place", "a painting", "a cartoon drawing of a thing"),
    "document": ("a scanned page of text", "a printed document", "a receipt", "a form"),
    "user_interface": ("a screenshot of an app", "a screenshot of a website"),
    "slide": ("a presentation slide",),
    "infographic": ("an infographic", "a flow chart", "a diagram with boxes and arrows"),
    "chart": ("a bar chart", "a line chart", "a pie chart"),
    "map": ("a map",),
    "comic": ("a comic page with panels",),
    "cover": ("a book cover", "a magazine cover"),
    "card": ("a business card", "a ticket", "an invitation card", "a certificate"),
    "poster": ("a poster", "an advertisement banner"),
    "packaging": ("a product label",),
    "sign": ("a sign with nothing around it",),
    "machine_code": ("a QR code", "a barcode"),
}  # fmt: skip


@dataclass(frozen=True)
class Kinds:
    """A linear head: ``weight`` (K, D) and ``bias`` (K,) of the kinds over a vector (D,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, vector: Sequence[float] | NDArray[np.floating[Any]]) -> list[float]:
        """K that sum to 1. Raises ``ValueError`` for a vector of another size.

        Whether it is a picture is told more sharply than which of the others it is: its log odds
        count ``SHARPNESS`` times, and are raised by ``LEAN``.
        """
        logits = self.weight.astype(np.float64) @ np.asarray(vector, np.float64) + self.bias
        others = np.exp(logits[1:] - logits[1:].max())
        odds = logits[0] - logits[1:].max() - np.log(others.sum())
        rest = 1 / (1 + np.exp(np.clip(SHARPNESS * odds + LEAN, -50, 50)))
        return [1 - float(rest), *(rest * others / others.sum()).tolist()]


@cache
def fitted() -> Kinds:
    """The head over vectors of the embedded CLIP. Raises ``MissingModelError``.

    ``python -m benchmarks.fitting.kinds`` made it of our own renderings, of emoji and of
    photographs that anybody may use.
    """
    return Kinds(**heads.tensors(FILE))


@cache
def of_sentences(named: Named) -> tuple[Kinds, Callable[[encoders.Image], encoders.Vector]]:
    """A head whose weights are an image-text model's vectors of ``SENTENCES``, and what makes its
    vectors of images. Raises ``MissingModelError``.
    """
    encoder = encoders.image_text_encoder(named)
    means = [
        np.mean([encoder.text_vector(sentence) for sentence in SENTENCES[kind]], axis=0)
        for kind in KINDS
    ]
    unit = np.stack([mean / np.linalg.norm(mean) for mean in means])
    weight = (encoder.scale * unit).astype(np.float32)
    return Kinds(weight, np.zeros(len(KINDS), np.float32)), encoder.vector
