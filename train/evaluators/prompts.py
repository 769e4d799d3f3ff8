"""Images of prompts of your own, the same at every evaluation: a grid to look at, and no figure."""

from pathlib import Path
from typing import TYPE_CHECKING

from curation.failures.errors import UsageError
from curation.picture import sizes
from train.evaluators.evaluator import Evaluation, Evaluator

if TYPE_CHECKING:
    from train.configuration import Configuration
    from train.data.loading import Data
    from train.figures import Figures
    from train.generating import Generator


class Prompts(Evaluator):
    """The prompts of a ``file``, one a line, at a ``size`` such as 1024x1024; where none is named,
    that of most training images. Named first among evaluators, its images are the sample grid.
    """

    file: str
    size: str = ""

    def begin(self) -> Evaluation:
        """As ``Evaluator``. Raises ``UsageError`` for a file without prompts, or a wrong size."""
        try:
            lines = Path(self.file).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"evaluation.evaluators: prompts: file: {error}") from error
        texts = [line.strip() for line in lines if line.strip()]
        if not texts:
            raise UsageError(
                f"evaluation.evaluators: prompts: {self.file} has no line with a prompt"
            )
        size = sizes.parse(self.size) if self.size else None
        if self.size and size is None:
            raise UsageError(
                f"evaluation.evaluators: prompts: size {self.size!r}: expected such as 1024x1024"
            )
        return _Generating(texts, size)


class _Generating(Evaluation):
    def __init__(self, texts: list[str], size: tuple[int, int] | None) -> None:
        self._texts, self._size = texts, size

    def prepare(self, data: "Data", configuration: "Configuration") -> None:
        """Settles the size in latent cells. Raises ``UsageError`` for one that is no multiple, and
        beside a ControlNet.
        """
        if configuration.control:
            raise UsageError(
                "evaluation.evaluators: prompts have no condition for a ControlNet: leave them out"
            )
        width, height = self._size or next(iter(data.counts))
        factor = data.autoencoder.factor
        unit = configuration.model.unit(factor)
        if width % unit or height % unit:
            raise UsageError(
                f"evaluation.evaluators: prompts: size {width}x{height}: expected multiples of"
                f" {unit} px"
            )
        self._cells = height // factor, width // factor

    def evaluate(self, generator: "Generator", images: int | None) -> "Figures":
        """All prompts, whatever ``images`` says: they are those that somebody wants to see."""
        from curation.picture import contact_sheet
        from train.figures import Figures
        from train.pixels import as_image
        from train.seeds import seed_for

        settings, tiles = generator.configuration, []
        for start in range(0, len(self._texts), settings.evaluation.batch):
            texts = self._texts[start : start + settings.evaluation.batch]
            seeds = [seed_for(settings.seed, "prompts", text) for text in texts]
            tiles += [as_image(each) for each in generator.generate(texts, self._cells, seeds)]
        return Figures({}, grid=contact_sheet.compose(tiles, self._texts).image)
