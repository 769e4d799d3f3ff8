"""OneIG-Bench's text rendering, Chinese, whose prompts nobody may ship."""

from infer.evaluation.oneig_text_en import ROWS, WHENCE, OneIgTextEn
from infer.harness import prompt_files


class OneIgTextZh(OneIgTextEn):
    """Of ``text_content_zh.csv``, with an M of 50."""

    file = prompt_files.PromptFile(name="text_content_zh.csv", whence=WHENCE, rows=ROWS)
    most = 50
