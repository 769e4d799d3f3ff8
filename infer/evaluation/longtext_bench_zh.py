"""LongText-Bench, Chinese: which of many characters stand in an image?"""

from infer.evaluation.longtext_bench_en import WHENCE, LongTextBenchEn
from infer.harness import prompt_files


class LongTextBenchZh(LongTextBenchEn):
    """Characters, in the case they have, of ``text_prompts_zh.jsonl``."""

    file = prompt_files.PromptFile(name="text_prompts_zh.jsonl", whence=WHENCE, rows=160)
    chinese = True
