"""An autoencoder gives back the image that it was shown: terms of pixels, of what networks see in
them, of the posterior.

**What is trained.** ``trained: decoder`` leaves the encoder as it is, so that latents, and whatever
was trained on them, stay valid; each image is encoded once. ``both`` trains the encoder too, from
weights of any kind, random ones as well, on samples of its posterior.

**Another autoencoder** has ``trainable(encoder)``, which gives a ``Trainable``
(``train/autoencoders/trainable.py``): posterior, decoder, anchor, and how it is saved. Nothing here
knows its layers.

**Another term** is a file in ``train/terms`` with a class that derives from ``Term``. It sees the
images, what came back, latents and posterior (``Seen``), and may have weights of its own to train
(``begin`` returns an ``nn.Module``), such as a projection of latents to a teacher's width. A
term with ``balanced = True`` counts with its weight times |gradient of all terms that are not| /
(|its own gradient| + 1e-4), both of means over a portion, at the ``anchor``, the last convolution
of the encoder, and detached (VA-VAE, arXiv 2501.01423): so the alignment of latents with semantic
features is one file, and its strength follows that of reconstruction.

Shapes: n samples of a portion, H W pixels, c latent channels, h w latent cells.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from curation.failures.errors import UsageError
from curation.strict_yaml import choice
from train.kinds import Count
from train.objectives.objective import Losses, Objective

if TYPE_CHECKING:
    from torch import Tensor

    from train.data.batches import Shown
    from train.parts import Parts
    from train.terms.term import Seen

TermChoice = Annotated[Any, choice("train.terms.term.Term")]
_TERMS = ("pixels", {"name": "lite0", "weight": (0.05, 0.01)})


@dataclass(frozen=True)
class Cut:
    """A sample of a step: its image (3, H, W), its latents (c, h, w), of no channels where the
    encoder is trained, ``noise`` of the same shape as the posterior's, and its groups.
    """

    image: "Tensor"
    latents: "Tensor"
    noise: "Tensor"
    groups: tuple[str, ...]


class Reconstruction(Objective):
    """Trains the autoencoder of the run: its decoder, or ``both`` halves, by the sum of ``terms``.

    ``crop`` is the side in pixels of a square that is cut out of each image anew each time that it
    is shown, where it is larger; 0 shows all of it. A batch goes through in portions of images of
    one size, of at most ``pixels_at_once`` pixels together, or one image.
    """

    trains: ClassVar[str] = "autoencoder"

    trained: Literal["decoder", "both"] = "decoder"
    terms: Annotated[tuple[TermChoice, ...], Field(validate_default=True, min_length=1)] = _TERMS
    crop: Annotated[int, Field(ge=0)] = 0
    pixels_at_once: Count = 1 << 20

    @property
    def moves(self) -> bool:
        """As ``Objective``."""
        return any(term.moves for term in self.terms)

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``: the mean over samples of the weighted sum of terms."""
        import torch

        samples = self.shown(parts, step)
        latents = []
        for portion in portions(samples, self.pixels_at_once):
            seen = self._seen(parts, portion, step)
            latents.append(seen.latents.detach())
            of_sample, apart = self._summed(parts, seen, step)
            flops = len(portion) * parts.transformer.flops(*portion[0].image.shape[1:])
            groups = tuple(each.groups for each in portion)
            yield Losses(of_sample, 1 / len(samples), groups, flops, apart)
        network = parts.transformer.network
        if network.encodes:
            cells = [each.transpose(0, 1).flatten(1) for each in latents]
            network.remember(torch.cat(cells, 1)[None, :, :, None], step)

    def shown(self, parts: "Parts", step: int) -> list[Cut]:
        """What the 1-based ``step`` shows, cut."""
        return [
            self._cut(parts, shown, step, place) for place, shown in parts.data.batches.at(step)
        ]

    def _cut(self, parts: "Parts", shown: "Shown", step: int, place: int) -> Cut:
        import torch

        from train.pixels import scaled
        from train.seeds import seed_for

        image, latents = scaled(shown.images[0])[0], shown.latents
        network = parts.transformer.network
        factor, (height, width) = network.factor, image.shape[1:]
        random = torch.Generator().manual_seed(
            seed_for(parts.configuration.seed, "cut", step, place)
        )
        rows, columns = (min(self.crop or side, side) // factor for side in (height, width))
        top, left = (
            int(torch.randint(side // factor - cells + 1, (), generator=random))
            for side, cells in ((height, rows), (width, columns))
        )
        latents = latents[:, top : top + rows, left : left + columns]
        top, left, down, across = (factor * each for each in (top, left, rows, columns))
        image = image[:, top : top + down, left : left + across]
        channels = network.channels if network.encodes else 0
        noise = torch.randn(channels, rows, columns, generator=random)
        groups = (f"size/{across}x{down}", f"source/{shown.source}")
        return Cut(image, latents, noise, groups)

    def _seen(self, parts: "Parts", portion: Sequence[Cut], step: int) -> "Seen":
        """A portion through the network."""
        import torch

        from train.autoencoders.alpha import over_white, with_alpha
        from train.terms.term import Seen

        network = parts.transformer.network
        image = torch.stack([each.image for each in portion]).to(parts.device)
        target = with_alpha(image) if network.colours == 4 else image
        posterior = None
        if network.encodes:
            posterior = network.posterior(target)
            noise = torch.stack([each.noise for each in portion]).to(parts.device)
            latents = posterior.sample(noise)
        else:
            stored = torch.stack([each.latents for each in portion]).to(parts.device)
            latents = network.unnormalised(stored)
        output = network.decode(latents)
        return Seen(target, output, image, over_white(output), latents, posterior, step)

    def _summed(
        self, parts: "Parts", seen: "Seen", step: int
    ) -> "tuple[Tensor, dict[str, Tensor]]":
        """The weighted sum of terms (n,), and each term by itself, not weighted."""
        import torch

        apart: dict[str, Tensor] = {}
        together = seen.output.new_zeros(len(seen.output))
        balanced: list[tuple[float, Tensor]] = []
        for term, measure in zip(self.terms, parts.transformer.measures, strict=True):
            own = measure(seen)
            apart[term.name] = own.detach()
            weight = term.weight_at(step, parts.configuration.steps)
            if weight and term.balanced:
                balanced.append((weight, own))
            elif weight:
                together = together + weight * own
        for weight, own in balanced:
            ratio = _ratio(together, own, parts.transformer.network.anchor)
            together = together + weight * ratio * own
        if torch.is_grad_enabled() and not together.requires_grad:
            raise UsageError(
                f"step {step}: no term of a weight above 0 depends on what is trained in it: see"
                " objective.terms, and frozen of phases"
            )
        return together, apart


def _ratio(of_others: "Tensor", own: "Tensor", anchor: "Tensor") -> "Tensor | float":
    """By how much longer the gradient of the mean over a portion (n,) is at the ``anchor``; 1 where
    that is frozen, and only weights of the term itself are moved by it.
    """
    import torch

    from train.terms.term import BALANCE_FLOOR

    if not anchor.requires_grad:
        return 1.0
    others, ours = (
        torch.autograd.grad(each.mean(), anchor, retain_graph=True)[0].norm()
        for each in (of_others, own)
    )
    ratio: Tensor = (others / (ours + BALANCE_FLOOR)).detach()
    return ratio


def portions(samples: Sequence[Cut], most: int) -> Iterator[list[Cut]]:
    """Samples of one size together, of at most ``most`` pixels, or one."""
    by_size: dict[tuple[int, ...], list[Cut]] = {}
    for sample in samples:
        by_size.setdefault(tuple(sample.image.shape), []).append(sample)
    for shape, own in by_size.items():
        count = max(1, most // (shape[1] * shape[2]))
        for start in range(0, len(own), count):
            yield own[start : start + count]
