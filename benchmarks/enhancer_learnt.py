"""What a prompt enhancer is worth to a small generator that was trained on one wording: strings of
the demo, asked for as people ask (``make "A7" red``) and as its captions do.

    python -m benchmarks.enhancer_learnt --out enhancer --threads 2
    python -m benchmarks.enhancer_learnt --out enhancer --generator demo/train --until prompts

The language model has 0.5 million parameters and begins at random: first it learns to copy
(``copies``), then a few triplets (``sft``, stopped early), then what its images are worth
(``grpo``). All is judged on held-out strings, of whose texts nothing was trained on; images of a
prompt have the same noise whoever worded it. An answer that breaks a rule is none: the prompt
stays, as in ``infer``.
"""

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.string_pages import write_rows
from curation import shard
from synthesis.fonts.face import font
from synthesis.pure import strings
from synthesis.sample import row
from train.enhancer import language_model, triplet
from train.enhancer.configuration import Frame
from train.enhancer.generator import FrozenGenerator
from train.enhancer.triplet import Triplet
from train.figures import Rate
from train.rewards.ocr import Ocr
from train.seeds import seed_for

SIZE, STRINGS, HELD_OUT = (64, 32), 4096, 0.125
STAGES = ("prompts", "copies", "sft", "grpo")
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ message['content'] }}\n"
    "{% endif %}{% endfor %}"
)
GENERATOR = """
steps: 110
evaluation: {every: 110, images: 128, steps: 8, gradients: false}
"""
SHARED = """
batch: 32
rows_at_once: 32
answer: 64
held_out: 0.125
optimiser: {{learning_rate: {rate}, warmup: 10, decay: 0.3}}
evaluation: {{every: {every}, prompts: 64}}
checkpoint: {{every: {every}}}
"""
GRPO = """
batch: 4
group: 8
rewards: [{name: ocr, reads: line, alike: [o0]}]
"""


def captions(out: Path) -> str:
    """Shards of strings with the captions of the demo; returns their glob."""
    if not (out / "part-00000.parquet").is_file():
        pen = font(strings.choose_face("en", None))
        rows = []
        for number in range(STRINGS):
            sample = strings.render(random.Random(f"1:{number}"), "en", pen, SIZE)
            rows.append(
                dict.fromkeys(shard.schema().names) | dict(row(sample, f"s-{number:05d}", None))
            )
        write_rows(out, rows)
    return str(out / "part-*.parquet")


def copies(folder: Path) -> Path:
    """Triplets that are to be copied: random characters, more than a string has."""
    folder.mkdir(parents=True, exist_ok=True)
    chance, characters = random.Random(0), strings.CHARACTERS["en"]
    made = []
    for number in range(4000):
        text = "".join(chance.choices(characters, k=chance.randint(4, 24)))
        made.append(Triplet(str(number), text, "", text))
    (folder / triplet.NAME).write_bytes(triplet.encoded(made))
    return folder


def beginning(folder: Path, width: int = 128) -> Path:
    """A language model of random weights whose tokens are bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    known = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<|end|>"]
    core = Tokenizer(models.BPE(vocab={each: n for n, each in enumerate(known)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    ends = {"eos_token": known[-1], "pad_token": known[-1]}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **ends)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(str(folder))
    last = len(known) - 1
    settings = Qwen2Config(
        vocab_size=len(known),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        eos_token_id=last,
        pad_token_id=last,
        bos_token_id=None,
        tie_word_embeddings=True,
        max_position_embeddings=512,
    )
    torch.manual_seed(0)
    Qwen2ForCausalLM(settings).save_pretrained(str(folder))
    return folder


def trained(name: str, data: Path, model: Path, text: str, options: argparse.Namespace) -> Path:
    """``python -m train.enhancer``; what is finished is not done again."""
    out, config = options.out / name, options.out / f"{name}.yaml"
    config.write_text(text)
    kind = "grpo" if name == "grpo" else "sft"
    command = [sys.executable, "-m", "train.enhancer", kind, "--data", str(data)]
    command += ["--model", str(model), "--config", str(config), "--out", str(out)]
    command += ["--generator", str(options.generator)] * (kind == "grpo")
    subprocess.run([*command, "--threads", str(options.threads)], check=True)
    return Path(json.loads((out / "result.json").read_text())["checkpoint"])


def written(generator: FrozenGenerator, prompts: Sequence[str], asked: Sequence[str]) -> Rate:
    """How many images say all that was asked for, by OCR."""
    seeds = [seed_for(0, "judged", number) for number in range(len(prompts))]
    scores = Ocr(reads="line", alike=("o0",)).scores(generator.images(prompts, seeds), asked)
    return Rate(sum(score == 1 for score in scores), len(scores))


def enhanced(model: Path, prompts: Sequence[str]) -> list[str]:
    """What ``infer`` would generate of."""
    from infer.enhancing import writers

    enhancer = writers.opened(str(model), None, "cpu")
    assert enhancer
    return [enhancer.enhance(prompt).text for prompt in prompts]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--generator", type=Path, help="a demo that was trained on strings")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1])
    parser.add_argument("--judged", type=int, default=128, help="held-out prompts")
    parser.add_argument("--steps", type=int, nargs=3, default=[300, 60, 40], help="of each stage")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    data = captions(options.out / "strings")
    pairs = options.out / "pairs"
    python = [sys.executable, "-m"]
    make = [*python, "train.enhancer", "triplets", "--data", data, "--out", str(pairs)]
    subprocess.run(make, check=True)
    if options.generator is None:
        options.generator, config = options.out / "generator", options.out / "generator.yaml"
        config.write_text(GENERATOR)
        train = [*python, "train", "--preset", "demo", "--config", str(config), "--data", data]
        train += ["--out", str(options.generator), "--threads", str(options.threads)]
        subprocess.run(train, check=True)
    judge(options, pairs)
    return 0


def judge(options: argparse.Namespace, pairs: Path) -> None:
    """Print how the generator writes prompts as they are, and stage by stage."""
    frozen = FrozenGenerator.load(str(options.generator), Frame(), "cpu", "fp32")
    chosen = [each for each in triplet.read(str(pairs))[0] if each.is_held_out(HELD_OUT)]
    chosen = chosen[: options.judged]
    asked = [each.short for each in chosen]
    print(f"short prompts     {written(frozen, asked, asked)}", flush=True)
    print(f"captions          {written(frozen, [each.fine for each in chosen], asked)}", flush=True)
    if options.until == STAGES[0]:
        return
    steps, model = options.steps, beginning(options.out / "beginning")
    more = "reasoning: false\n"
    stages = (
        ("copies", copies(options.out / "copying"), 3e-3, more),
        ("sft", pairs, 1e-3, more),
        ("grpo", pairs, 1e-4, GRPO),
    )
    for (name, data, rate, own), count in zip(stages, steps, strict=True):
        every = max(1, count // 3)
        shared = SHARED.format(rate=rate, every=every)
        kept = shared.replace("batch: 32\n", "", 1) if name == "grpo" else shared
        text = f"steps: {count}\n{kept}{own}"
        model = language_model.check(str(trained(name, data, model, text, options)))
        if name != "copies":
            taken = enhanced(model, asked)
            changed = sum(own != short for own, short in zip(taken, asked, strict=True))
            print(f"after {name:<12}{written(frozen, taken, asked)}; {changed} prompts enhanced")
        if name == options.until:
            return


if __name__ == "__main__":
    sys.exit(main())
