"""The transformers back end beside the bare loop of processor and ``generate``: what ours costs.

A tiny random checkpoint of the real Qwen2.5-VL classes (as tests make it) captions the same images
by the same prompts in the same batches, on one thread: ours as it is, ours without a constraint,
and bare. The first writes whatever the schema allows, to its reserve, and the others as many tokens
as that, so that prompts weigh the same in all. They take turns; medians of tokens per CPU second
are compared, and what of ours is spent in the constraint is said.

    python -m benchmarks.captioning [--layers 4] [--width 256] [--turns 7]

Then what the order of questions is worth: tokens of prompts that are padding, in batches of 16 by
two prompts and images of several sizes, as rows come and as they are asked.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks import from_tests
from captioning import asking, constrained, prompting
from captioning.backends import transformers
from captioning.backends.backend import Question
from captioning.backends.transformers import TOKEN_PIXELS, Transformers

VISUAL_TOKENS, BATCH, HEAD = 64, 16, 16


def questions(count: int, seed: int = 0) -> list[Question]:
    """Of two prompts and five sizes, in any order."""
    made, random = [], Random(seed)
    turns = [prompting.turn(prompting.prompt(kind, "en")) for kind in ("annotate", "portrait")]
    for number in range(count):
        height, width = random.choice([(224, 224), (168, 280), (280, 168), (112, 336), (140, 140)])
        rgb = np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
        made.append(Question(str(number), [rgb], random.choice(turns)))
    return made


def checkpoint(folder: Path, width: int, layers: int, vocabulary: int) -> Path:
    """A checkpoint of the real class, wider and deeper than that of tests: its time counts."""
    from transformers import AutoConfig, AutoModelForImageTextToText

    from_tests.tiny_captioner.save(folder)
    config = AutoConfig.from_pretrained(folder)
    text = config.get_text_config()
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = width, 3 * width, layers
    text.layer_types = text.layer_types[:1] * layers
    text.num_attention_heads = text.num_key_value_heads = width // HEAD
    text.vocab_size = max(vocabulary, text.vocab_size)
    config.vision_config.out_hidden_size = width
    AutoModelForImageTextToText.from_config(config).eval().save_pretrained(folder)
    return folder


class Bare:
    """The loop that one would write without us: batch, processor, ``generate``, decode."""

    def __init__(self, folder: Path, tokens: int) -> None:
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.processor = AutoProcessor.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForImageTextToText.from_pretrained(folder).eval()
        self.tokens = tokens

    def __call__(self, asked: Sequence[Question]) -> list[str]:
        import torch

        inputs = self.inputs(asked)
        with torch.inference_mode():
            written = self.model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=self.tokens,
                min_new_tokens=self.tokens,
                pad_token_id=self.processor.tokenizer.pad_token_id,
            )
        texts: list[str] = self.processor.batch_decode(written[:, inputs["input_ids"].shape[1] :])
        return texts

    def inputs(self, asked: Sequence[Question]) -> Any:
        """Images and prompts as tensors."""
        texts = []
        for of in asked:
            system = {"role": "system", "content": [{"type": "text", "text": of.turn.system}]}
            parts = [{"type": "image"}, {"type": "text", "text": of.turn.user}]
            texts.append(
                self.processor.apply_chat_template(
                    [system, {"role": "user", "content": parts}],
                    tokenize=False,
                    add_generation_prompt=True,
                )
            )
        size = {"shortest_edge": 4 * TOKEN_PIXELS, "longest_edge": VISUAL_TOKENS * TOKEN_PIXELS}
        images = [[*of.images] for of in asked]
        return self.processor(
            text=texts, images=images, return_tensors="pt", padding=True, size=size
        )


class _Free(constrained.Constraint):
    """In place of the constraint: anything but the end may follow, until ``steps`` are written."""

    steps = 0

    def __init__(self, grammar: constrained.Grammar, rows: int, prompt: int, budget: int) -> None:
        self._end, self._last = grammar.end, prompt + self.steps - 1
        del rows, budget

    def __call__(self, tokens: Any, scores: Any) -> Any:
        if tokens.shape[1] < self._last:
            scores[:, self._end] = -float("inf")
        else:
            scores[:, : self._end] = scores[:, self._end + 1 :] = -float("inf")
        return scores


class _Timed(constrained.Constraint):
    """The constraint, and the CPU seconds spent in all of its kind."""

    spent = 0.0

    def __call__(self, tokens: Any, scores: Any) -> Any:
        start = time.process_time()
        masked = super().__call__(tokens, scores)
        _Timed.spent += time.process_time() - start
        return masked


def padding(bare: Bare, asked: Sequence[Question], split: int) -> float:
    """The share of prompt tokens that are padding, in batches of so many."""
    padded = every = 0
    for start in range(0, len(asked), split):
        mask = bare.inputs(asked[start : start + split])["attention_mask"]
        padded, every = padded + int((mask == 0).sum()), every + mask.numel()
    return padded / every


def main() -> None:
    """Print medians, ratios, and what padding there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=0, help="at least so many tokens")
    parser.add_argument("--tokens", type=int, default=200, help="new ones of an answer")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    asked = sorted(questions(BATCH), key=asking.alike)
    with tempfile.TemporaryDirectory() as scratch:
        folder = checkpoint(Path(scratch), options.width, options.layers, options.vocabulary)
        bare = Bare(folder, options.tokens)
        settings = Transformers(
            model=str(folder), visual_tokens=VISUAL_TOKENS, new_tokens=options.tokens
        )
        ours = settings.captioner()
        took: dict[str, list[float]] = {"ours, constrained": [], "ours, free": [], "bare": []}
        inside: list[float] = []
        for turn in range(options.turns + 1):  # the first turn warms up
            for name, times in took.items():
                transformers.constrained.Constraint = _Free if name == "ours, free" else _Timed
                before, start = _Timed.spent, time.process_time()
                replies: Sequence[Any] = bare(asked) if name == "bare" else ours.answer(asked)
                spent = time.process_time() - start
                if name == "ours, constrained":  # a batch goes on until its last answer has ended
                    bare.tokens = _Free.steps = max(of.new_tokens for of in replies) + 1
                    inside += [(_Timed.spent - before) / spent] if turn else []
                if turn:
                    times.append(BATCH * bare.tokens / spent)
        base = statistics.median(took["bare"])
        for name, rates in took.items():
            each = statistics.median(rates)
            ratio = statistics.median(
                own / of_bare for own, of_bare in zip(rates, took["bare"], strict=True)
            )
            print(
                f"{name:<18}{bare.tokens:>5} steps of {BATCH} rows, {each:>8.1f} tokens a CPU "
                f"second: {each / base:.3f} of the bare loop, {ratio:.3f} turn by turn"
            )
        print(f"in the constraint: {statistics.median(inside):.3f} of the CPU time of ours")
        every = questions(20 * BATCH, 1)
        batches = [every[start : start + BATCH] for start in range(0, len(every), BATCH)]
        ordered = [of for batch in batches for of in sorted(batch, key=asking.alike)]
        for split in (BATCH, BATCH // 2, BATCH // 4):
            came, asked_so = (padding(bare, of, split) for of in (every, ordered))
            print(
                f"padding of prompts, {split:>2} together: {came:.3f} as rows come, "
                f"{asked_so:.3f} as they are asked"
            )


if __name__ == "__main__":
    main()
