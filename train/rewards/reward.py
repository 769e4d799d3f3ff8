"""What a reward is: a number for how good an image of a prompt is."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from curation.strict_yaml import Chosen
from train.kinds import Positive, Share

Scores = Sequence[float | None]

if TYPE_CHECKING:
    from train.pixels import Pixels


class Reward(Chosen):
    """Looks at images; its fields are its settings. A new one is a file in ``train/rewards`` with a
    class that derives from this one.

    Of several, each counts by its ``weight``, and the more the further its mean is below
    ``target`` (``train.rewarding``).
    """

    weight: Positive = 1.0
    target: Share = 1.0

    def check(self) -> None:
        """Raise ``UsageError`` for what is missing, before the data is read; here nothing is."""

    @abstractmethod
    def scores(self, images: "Sequence[Pixels]", prompts: Sequence[str]) -> "Scores":
        """Of each image (H, W, 3) of its prompt, 0 to 1; the same of the same image, which a
        resumed run needs to be the undisturbed one. None where there is no saying: its group is
        left out. Raises ``UsageError``.
        """
