"""Held-out images beside what an autoencoder gives back of them: PSNR, SSIM, and a grid."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

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

_KINDS = {"": "held-out", "_text": "with text", "_plain": "without"}
_TILE = 384  # pixels: the height of two images above one another in the grid, at most


class Reconstructions(Evaluator):
    """PSNR in dB and SSIM of RGB in bytes, means over images, as in the autoencoder benchmark of
    ``infer``, of all images, and of those that show a text as their rows say, and of the others. In
    the grid an image stands above its reconstruction.
    """

    generates: ClassVar[bool] = False

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

        measured: dict[str, list[tuple[float, float]]] = {"": []}
        tiles: list[Image.Image] = []
        said: list[str] = []
        for kind, own, back in self._pairs(generator, images):
            written = np.asarray(as_image(back))
            figures = likeness.psnr(written, own), likeness.ssim(written, own)
            measured[""].append(figures)
            measured.setdefault(kind, []).append(figures)
            if len(tiles) < generator.configuration.evaluation.grid:
                tiles.append(Image.fromarray(np.concatenate([own, written])))
                said.append(f"{figures[0]:.2f} dB, SSIM {figures[1]:.4f}")
        if not measured[""]:
            values = {"held_out_psnr": None, "held_out_ssim": None}
            return Figures(values, "no image is held out: nothing is judged")
        values = {}
        for kind, pairs in measured.items():
            psnr, ssim = np.mean(pairs, axis=0).tolist()
            values |= {f"held_out_psnr{kind}": psnr, f"held_out_ssim{kind}": ssim}
        sentences = [
            f"{name} PSNR {values[f'held_out_psnr{kind}']:.2f} dB,"
            f" SSIM {values[f'held_out_ssim{kind}']:.4f} of {len(measured[kind])}"
            for kind, name in _KINDS.items()
            if kind in measured
        ]
        grid = contact_sheet.compose(tiles, said, side=_TILE).image
        return Figures(values, "  ".join(sentences), grid)

    def _pairs(
        self, generator: "Generator", images: int | None
    ) -> "Iterator[tuple[str, NDArray[np.uint8], Tensor]]":
        """The kind of held-out images (H, W, 3), at most so many, with what comes back of each,
        (3, H, W).
        """
        import torch

        from train.autoencoders.alpha import over_white, with_alpha
        from train.pixels import scaled

        network = generator.transformer
        rows = [
            ("_text" if example.text else "_plain", pixels, latents)
            for bucket in self._data.held_out
            for example, (pixels, *_), latents in zip(
                bucket.examples, bucket.images, bucket.latents, strict=True
            )
        ]
        if images is not None and len(rows) > images:
            rows = [rows[place * len(rows) // images] for place in range(images)]
        for kind, pixels, latents in rows:
            with torch.no_grad():
                if network.encodes:
                    shown = scaled(pixels).to(generator.device)
                    target = with_alpha(shown) if network.colours == 4 else shown
                    raw = network.posterior(target).mean
                else:
                    raw = network.unnormalised(latents[None].to(generator.device))
                back = over_white(network.decode(raw))[0].clamp(-1, 1).cpu()
            yield kind, pixels, back
