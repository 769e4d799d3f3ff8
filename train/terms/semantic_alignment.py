"""Latents that are alike where a frozen vision network, the teacher, sees alike: VA-VAE (arXiv
2501.01423, section 3), by which a generator of many latent channels learns faster.

Latents are projected to the teacher's width. At each place the projection is to point where the
teacher's feature does; and two places of an image are to be as similar in both. The term is
balanced: its gradient at the encoder's last convolution is as long as that of all others, times
``weight``.

Shapes: n samples of a portion, F width of the teacher's features, h w latent cells, T = h w.
"""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from train.kinds import Count, Frozen
from train.terms.term import Amount, Measure, Term

if TYPE_CHECKING:
    from train.autoencoders.trainable import Trainable

Margin = Annotated[float, Field(ge=0, le=2)]
_LITE0, _LAYER = "efficientnet_lite0", 10


class Later(Frozen):
    """What stands in place of the term's own from the 1-based step ``since`` on, where given."""

    since: Count
    weight: Amount | None = None
    cosine_margin: Margin | None = None
    similarity_margin: Margin | None = None


class SemanticAlignment(Term):
    """The sum of two means: over places, by how much 1 - the cosine of projection and feature is
    more than ``cosine_margin``; over pairs of places, by how much their similarities differ by more
    than ``similarity_margin``.

    ``encoder`` is the teacher, as of ``repa``: the folder of a vision transformer such as DINOv2,
    or ``efficientnet_lite0``, of which the block of the number ``layer`` is looked at: the 10th has
    a map of a 16th of the sides, the 15th and last of a 32nd. Images are scaled so that the map has
    as many places as there are latent cells. ``later`` are changes during training, the last given
    counts: VA-VAE has 0.5 without margins for 10 of 13 parts, then 0.1, and in the last part
    margins of 0.5 and 0.25.
    """

    balanced: ClassVar[bool] = True
    needs_encoder: ClassVar[bool] = True

    weight: Amount | tuple[Amount, Amount] = 0.5
    cosine_margin: Margin = 0.0
    similarity_margin: Margin = 0.0
    later: tuple[Later, ...] = ()
    encoder: str = _LITE0
    layer: Annotated[int, Field(ge=0, le=15)] = _LAYER

    @model_validator(mode="after")
    def _in_order(self) -> "SemanticAlignment":
        since = [each.since for each in self.later]
        if since != sorted(set(since)):
            raise ValueError(f"later: since {since}: expected steps in order, each once")
        return self

    @model_validator(mode="after")
    def _layer_of_lite0(self) -> "SemanticAlignment":
        if self.encoder != _LITE0 and self.layer != _LAYER:
            raise ValueError(f"layer: {self.layer}: it is of {_LITE0}: leave it out with a folder")
        return self

    def weight_at(self, step: int, steps: int) -> float:
        """As ``Term``."""
        weights = [each.weight for each in self._so_far(step) if each.weight is not None]
        return weights[-1] if weights else super().weight_at(step, steps)

    def margins_at(self, step: int) -> tuple[float, float]:
        """Of cosines, and of similarities, at the 1-based ``step``."""
        cosine, similarity = self.cosine_margin, self.similarity_margin
        for each in self._so_far(step):
            cosine = cosine if each.cosine_margin is None else each.cosine_margin
            similarity = similarity if each.similarity_margin is None else each.similarity_margin
        return cosine, similarity

    def _so_far(self, step: int) -> list[Later]:
        return [each for each in self.later if each.since <= step]

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``; its projection is trained with the autoencoder."""
        from train import alignment
        from train.reconstruction import teaching

        seen = alignment.encoder(self.encoder, device, "objective.terms: encoder", self.layer)
        return teaching.Taught(self.margins_at, seen, network.channels).to(device)
