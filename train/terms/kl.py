"""How far the posterior is from a standard normal distribution (VAE, arXiv 1312.6114)."""

from typing import TYPE_CHECKING, ClassVar

from train.terms.term import Amount, Measure, Seen, Term

if TYPE_CHECKING:
    from torch import Tensor

    from train.autoencoders.trainable import Trainable


class Kl(Term):
    """The Kullback-Leibler divergence, the mean over the values of a sample's latents; the usual
    weight, 1e-6, hardly holds anything but the scale of latents.
    """

    needs_encoder: ClassVar[bool] = True

    weight: Amount | tuple[Amount, Amount] = 1e-6

    def begin(self, network: "Trainable", device: str) -> Measure:
        """As ``Term``."""
        return _divergence


def _divergence(seen: Seen) -> "Tensor":
    posterior = seen.posterior
    assert posterior is not None
    mean, log_variance = posterior.mean, posterior.log_variance
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean((1, 2, 3))
