"""Preference by pairs (Diffusion-DPO, arXiv 2311.12908), as in Qwen-Image (arXiv 2508.02324)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from train.kinds import Count, Positive
from train.objectives.objective import Losses, Objective
from train.rewards._listed import Rewards

if TYPE_CHECKING:
    from torch import Tensor

    from train.configuration import Configuration
    from train.noising import Noised, Portion
    from train.parts import Parts


class Dpo(Objective):
    """-log sigmoid(-``beta`` ``factor`` (D - D_ref)), where D = |v(x_w) - v_w|^2 - |v(x_l) - v_l|^2
    of a chosen image w and a rejected one l of the same prompt, with the same noise at the same
    level, and D_ref is that of the network that the run started with. Of several ``draws`` of level
    and noise, the same for both networks, D - D_ref is the mean: of one it is mostly chance.

    |.|^2 is the ``sum`` over all values of a latent, as in the report, or their ``mean``: beta of
    sums is that of means over their number. ``factor`` is 0.5 in Diffusion-DPO. Noise levels are
    ``uniform`` in (0, 1), or those of ``flow``.

    ``pairs`` "generated" are of ``seeds`` images of each prompt of a batch, that of the greatest
    and that of the least reward; where all have the same, the prompt is left out, and counted.
    "gold" takes the image that is trained on for the greatest. They are generated ``by`` the
    network that the run "start"ed with, so that pairs are those of a fixed set, or by the "policy"
    as it is now; in so many ``steps``, with ``guidance``. ``file`` names pairs instead
    (``train.data.pairs``), of which ``file_digest`` is filled in by the run: it goes on with the
    same alone.
    """

    reference: ClassVar[bool] = True
    beta: Positive = 100.0
    errors: Literal["sum", "mean"] = "mean"
    factor: Positive = 0.5
    levels: Literal["uniform", "flow"] = "uniform"
    draws: Annotated[int, Field(ge=1, le=64)] = 1
    pairs: Literal["generated", "gold"] = "generated"
    by: Literal["start", "policy"] = "start"
    seeds: Annotated[int, Field(ge=2, le=256)] = 4
    steps: Count = 10
    guidance: Annotated[float, Field(ge=1)] = 1.0
    rewards: Rewards = ()
    file: str = ""
    file_digest: str = ""
    _pairs_of: Any = PrivateAttr(default=None)

    def check(self, configuration: "Configuration") -> None:
        from train import reference, rewarding
        from train.data import pairs

        reference.check(configuration)
        if self.file:
            pairs.read(self.file)
        else:
            rewarding.check("objective dpo", self.rewards)

    def settled(self) -> "Dpo":
        """As ``Objective``: with the digest of ``file``."""
        from train.data import pairs

        if not self.file:
            return self
        return self.model_copy(update={"file_digest": pairs.digest(self.file)})

    def passes(self, passes: float, configuration: "Configuration") -> float:
        """Two images of a prompt, each also through the reference, and those they are chosen of."""
        generated = 0 if self.file else self.seeds - (self.pairs == "gold")
        return 2 * self.draws * (passes + 1) + generated * self.steps * (1 + (self.guidance != 1))

    def losses(self, parts: "Parts", step: int) -> Iterator[Losses]:
        """As ``Objective``: a loss for each pair."""
        from dataclasses import replace

        import torch

        from train import noising

        samples, figures = self._pairs(parts, step)
        if not samples:
            yield Losses.nothing(figures)
            return
        frozen = replace(parts, transformer=parts.reference)
        together = 2 * self.draws
        count = len(samples) // together
        for portion in noising.through_network(parts, samples, together=together):
            with torch.no_grad():
                start = next(noising.through_network(frozen, portion.samples, together=together))
            margins = self._differences(start) - self._differences(portion)
            margin = margins.view(-1, self.draws).mean(1)
            argument = self.beta * self.factor * margin
            figures = figures | {"implicit_accuracy": (margin > 0).double(), "margin": margin}
            yield Losses(
                -torch.nn.functional.logsigmoid(argument),
                1 / count,
                portion.groups[::together],
                portion.flops,
                figures=figures,
            )
            figures = {}

    def _differences(self, portion: "Portion") -> "Tensor":
        """D of each draw of the pairs, those of a pair behind one another."""
        from train import flow

        wanted = flow.target(portion.data, portion.noise).float()
        of_token = (portion.predicted.float() - wanted).square()
        errors = portion.by_sample(of_token.mean(-1))
        if self.errors == "sum":
            errors = errors * portion.lengths * of_token.shape[-1]
        return errors[0::2] - errors[1::2]

    def _pairs(self, parts: "Parts", step: int) -> "tuple[list[Noised], dict[str, Tensor]]":
        """The pairs of a step with their noise, the chosen one first, so often as there are draws;
        and figures of them.
        """
        from train.data import pairs

        if self.file:
            if self._pairs_of is None or self._pairs_of[0] is not parts.data:
                self._pairs_of = parts.data, pairs.Pairs(self.file, parts)
            every = self._pairs_of[1]
            alike, unlike = every.at(step)
            samples = [each for pair in alike for each in self._noised(parts, step, *pair)]
            return samples, every.figures(unlike)
        return self._generated(parts, step)

    def _generated(self, parts: "Parts", step: int) -> "tuple[list[Noised], dict[str, Tensor]]":
        from dataclasses import replace

        from train import rewarding, rollouts
        from train.rollouts import Asking, Generating
        from train.seeds import seed_for

        placed = parts.data.batches.at(step)
        shown = [each for _, each in placed]
        seeds, seed = self.seeds - (self.pairs == "gold"), parts.configuration.seed
        texts = rollouts.prompts(parts, shown)
        asking = [
            Asking(own, own.caption, text, seed_for(seed, "pairs", step, place, number))
            for (place, own), text in zip(placed, texts, strict=True)
            for number in range(seeds)
        ]
        network = parts.reference if self.by == "start" else parts.transformer
        made = rollouts.generate(parts, network, asking, Generating(self.steps, self.guidance))
        latents = [each.cpu() for each in made.latents]
        every = [
            [*latents[row * seeds : (row + 1) * seeds], *([own.latents] * (seeds < self.seeds))]
            for row, own in enumerate(shown)
        ]
        images = rollouts.pixels(parts, [each for row in every for each in row])
        prompts = [own.caption for own in shown for _ in range(self.seeds)]
        judged = rewarding.rewarded(self.rewards, images, prompts)
        values = judged.values.view(len(shown), self.seeds)
        samples: list[Noised] = []
        known = ~values.isnan().any(1)
        for (place, own), text, row, value in zip(placed, texts, every, values, strict=True):
            best, worst = int(value.argmax()), int(value.argmin())
            if self.pairs == "gold":
                best = self.seeds - 1
            if value[best] > value[worst]:  # not where one is unknown
                chosen, rejected = (replace(own, latents=row[k]) for k in (best, worst))
                samples += self._noised(parts, step, place, chosen, rejected, text)
        alike = (values.max(1).values == values.min(1).values)[known].double()
        return samples, judged.figures() | {"alike": alike}

    def _noised(
        self, parts: "Parts", step: int, place: int, chosen: Any, rejected: Any, text: Any = None
    ) -> "Sequence[Noised]":
        """Of each draw both, with the same noise at the same level; and the same caption, the
        features of which are made once: ``text``, where it is not dropped.
        """
        from dataclasses import replace

        from train.data import features
        from train.noising import Noised

        random = features.chance(parts.configuration.seed, step, place)
        caption = features.caption(chosen, random)
        if text is None or caption != chosen.caption:
            text = features.encode(parts.text_encoder, [caption], [chosen])[0]
        both = [replace(each, features=text) for each in (chosen, rejected)]
        draws = [self._draw(parts, chosen.latents, random) for _ in range(self.draws)]
        return [Noised(each, caption, noise, sigma) for sigma, noise in draws for each in both]

    def _draw(self, parts: "Parts", latents: "Tensor", random: Any) -> "tuple[float, Tensor]":
        """A level, and noise like ``latents``."""
        import torch

        from train import flow

        sigma = float(torch.rand((), generator=random))
        if self.levels == "flow":
            tokens = latents[0].numel() // parts.family.patch**2
            sigma = flow.build(parts.configuration.flow).level(tokens, random)
        return sigma, torch.randn(latents.shape, generator=random)
