"""What a rule is: a number for how well an answer stands for its prompt, by its words alone."""

from abc import abstractmethod

from curation.strict_yaml import Chosen
from train.kinds import Positive, Share


class Rule(Chosen):
    """Its fields are its settings. A new one is a file here with a class that derives from this.

    ``weight`` and ``target`` are as those of rewards of images (``train.rewards.reward``).
    """

    weight: Positive = 1.0
    target: Share = 1.0

    def check(self) -> None:
        """Raise ``UsageError`` for what is missing; here nothing is."""

    @abstractmethod
    def score(self, prompt: str, answer: str) -> float:
        """Of an answer, without what was thought before it (``train.enhancer.answers``), 0 to 1,
        where 1 is without a fault. One that was cut off is empty. What ``infer`` takes is for
        ``infer.enhancing.rule`` to say, which asks for more, and in some for less.
        """
