"""Held-out images beside what an autoencoder gives back of them: PSNR, SSIM, and a grid."""

from typing import TYPE_CHECKING

from curation.failures.errors import UsageError
from train.evaluators.evaluator import Evaluation, Evaluator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from train.configuration import Configuration
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator

_TILE = 384  # pixels: the height of two images above one another in the grid, at most


class Reconstructions(Evaluator):
    """PSNR in dB and SSIM of RGB in bytes, means over images, as in the autoencoder benchmark of
    ``infer``; in the grid an image stands above its reconstruction. Sources of the last phase are
    also judged each by itself, where there are several.
    """

    def begin(self) -> Evaluation:
        """As ``Evaluator``."""
        return _Judging()


class _Judging(Evaluation):
    def prepare(self, data: "Data", configuration: "Configuration") -> None:
        """Raises ``UsageError`` for a run that trains no autoencoder."""
        if not configuration.reconstructs:
            raise UsageError(
                "evaluation.evaluators: reconstructions are of objective: reconstruction alone"
            )
        self._data = data

    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        """As ``Evaluation``."""
        import numpy as np
        from PIL import Image

        from curation.picture import contact_sheet, likeness
        from train.figures import Figures
        from train.pixels import as_image

        values: dict[str, float | None] = {"held_out_psnr": None, "held_out_ssim": None}
        measured: list[tuple[float, float]] = []
        tiles: list[Image.Image] = []
        said: list[str] = []
        for own, back in self._pairs(generator, images):
            written = np.asarray(as_image(back))
            measured.append((likeness.psnr(written, own), likeness.ssim(written, own)))
            if len(tiles) < generator.configuration.evaluation.grid:
                tiles.append(Image.fromarray(np.concatenate([own, written])))
                said.append(f"{measured[-1][0]:.2f} dB, SSIM {measured[-1][1]:.4f}")
        if not measured:
            return Figures(values, "no image is held out: nothing is judged")
        psnr, ssim = np.mean(measured, axis=0).tolist()
        values |= {"held_out_psnr": psnr, "held_out_ssim": ssim}
        sentence = f"held-out PSNR {psnr:.2f} dB, SSIM {ssim:.4f} of {len(measured)} images"
        grid = contact_sheet.compose(tiles, said, side=_TILE).image
        return Figures(values, sentence, grid)

    def _pairs(
        self, generator: "Generator", images: int | None
    ) -> "list[tuple[NDArray[np.uint8], Tensor]]":
        """Held-out images (H, W, 3), and what comes back of each, (3, H, W), at most so many."""
        import torch

        from train.autoencoders.alpha import over_white, with_alpha
        from train.pixels import scaled

        network = generator.transformer
        rows = [
            (pixels, latents)
            for bucket in self._data.held_out
            for (pixels, *_), latents in zip(bucket.images, bucket.latents, strict=True)
        ]
        if images is not None and len(rows) > images:
            rows = [rows[place * len(rows) // images] for place in range(images)]
        pairs = []
        with torch.no_grad():
            for pixels, latents in rows:
                if network.encodes:
                    shown = scaled(pixels).to(generator.device)
                    target = with_alpha(shown) if network.colours == 4 else shown
                    raw = network.posterior(target).mean
                else:
                    raw = network.unnormalised(latents[None].to(generator.device))
                pairs.append((pixels, over_white(network.decode(raw))[0].clamp(-1, 1).cpu()))
        return pairs
