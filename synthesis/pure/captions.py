"""What a picture shows, in words: fixed patterns with background, ink and the drawn text quoted.

The quoted text equals the drawn text to the letter, line breaks of its own included. Quotation
marks that stand in the text are not used around it.
"""

from random import Random

from synthesis.colours import Pair

PATTERNS = {
    "en": (
        "The text {quoted} is printed in {ink} on {a_background} background.",
        "{A_background} background with the printed text {quoted} in {ink}.",
        "Printed {ink} letters on {a_background} background read {quoted}.",
        "An image of printed text on {a_background} background. In {ink}, it says: {quoted}",
        "{A_background} background bears the words {quoted}, printed in {ink}.",
        "On {a_background} background, {ink} printed type spells out {quoted}.",
        "A plain picture with {a_background} background. The {ink} text printed on it reads"
        " {quoted}.",
        "{quoted}, printed in {ink} type against {a_background} background.",
        "Text rendering: {quoted} in {ink} print, with {a_background} background and nothing else.",
        "A clean {background} page on which {quoted} is printed in {ink}.",
    ),
    "zh": (
        "{background}背景上印着{ink}的文字{quoted}。",
        "一张{background}背景的图片，上面用{ink}印刷体写着：{quoted}",
        "图中是{background}的背景，印刷的{ink}文字内容为{quoted}。",
        "{ink}的印刷文字{quoted}出现在{background}背景上。",
        "画面以{background}为底，用{ink}印着{quoted}。",
        "纯净的{background}背景，{ink}印刷字体，文字是{quoted}。",
        "在{background}背景上，用{ink}印刷体显示着{quoted}。",
        "{quoted}，{ink}印刷字，{background}背景。",
        "图片背景为{background}，上面印有{ink}的字样：{quoted}",
        "一幅文字图：{background}底，{ink}字，印刷体，内容是{quoted}。",
    ),
}
_QUOTES = {
    "en": (('"', '"'), ("“", "”"), ("«", "»")),
    "zh": (("“", "”"), ("「", "」"), ("«", "»")),
}
_GRADIENT = {"en": "{} gradient", "zh": "{}渐变"}


def caption(random: Random, language: str, text: str, pair: Pair) -> str:
    """One of the patterns of ``language``, chosen by ``random``, for a text and its colours."""
    return fill(random.choice(PATTERNS[language]), language, text, pair)


def fill(pattern: str, language: str, text: str, pair: Pair) -> str:
    """The pattern with the text quoted and the colours named."""
    background = pair.background.name(language)
    if pair.is_gradient:
        background = _GRADIENT[language].format(background)
    return pattern.format(
        quoted=quoted(language, text),
        ink=pair.ink.name(language),
        background=background,
        a_background=_with_article(background),
        A_background=_with_article(background).capitalize(),
    )


def quoted(language: str, text: str) -> str:
    """The text in the first pair of quotation marks neither of which it holds."""
    for opening, closing in _QUOTES[language]:
        if opening not in text and closing not in text:
            break
    return f"{opening}{text}{closing}"


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
