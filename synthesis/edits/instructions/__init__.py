import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from types import ModuleType

from synthesis.captions.grammar import capitalised, ends_a_sentence
from synthesis.edits.edit import Change
from synthesis.edits.instructions import english, mixed
from synthesis.edits.instructions.filling import DATA, UNCHANGING, filled, slots, usable
from synthesis.edits.instructions.grammar import Speech, gerund

__all__ = ["MIXED", "MIXED_SHARE", "OPERATIONS", "Instruction", "both", "instruct"]

MIXED = "mixed"
MIXED_SHARE = 0.12  # of rows: of their two instructions one mixes languages
OPERATIONS = tuple(english.PHRASINGS)
_KEEP_SHARE = 0.3  # of instructions that can say what must stay the same
_AMERICAN_SHARE = 0.5
_WITHIN = ("text", "layout", "object", "attribute", "background")  # of what lies in an image
_NOTHING_KEPT = ("task.mask", "task.edges")
_TWO_VERBS = re.compile(r":| and (draw|keep|move|the other)|, so that")
_COLON = re.compile("[:：]")
_NO_COLON = re.compile("[:：?？]|would you|吧|就")
_BEGGING = re.compile("烦请|劳驾|麻烦|拜托")
_CHATTY = re.compile("咱们|要不|嗨|帮我|帮忙|有空|吧|就行|就好|拜托")


@dataclass(frozen=True)
class Instruction:
    """An instruction and its language: ``en``, ``zh``, or ``mixed`` of both."""

    text: str
    language: str


def both(random: Random, change: Change) -> tuple[Instruction, Instruction]:
    """The two instructions of a row, chosen independently, the English one first; in some rows one
    of them is mixed. Raises ``UnrenderableError`` (``unquotable``).
    """
    languages = ["en", "zh"]
    if random.random() < MIXED_SHARE:
        languages[random.randrange(2)] = MIXED
    first, second = (Instruction(instruct(random, of, change), of) for of in languages)
    return first, second


def instruct(random: Random, language: str, change: Change) -> str:
    """The change as an instruction in ``en``, ``zh`` or ``mixed``.

    Raises ``UnrenderableError`` (``unquotable``) for a text that holds every quotation mark.
    """
    if language == MIXED:
        return _mixed(random, change)
    data = DATA[language]
    within = change.operation.startswith(_WITHIN)
    forms = {
        "do": data.PHRASINGS[change.operation],
        "result": data.RESULTS[change.operation],
        "terse": data.TERSE[change.operation],
    }
    patterns = {form: usable(those, change) for form, those in forms.items()}
    patterns["doing"] = [those for those in patterns["do"] if not _TWO_VERBS.search(those)]
    manners = [
        manner
        for manner in (*data.MANNERS, *(data.WITHIN if within else ()))
        if patterns[_form(manner)]
    ]
    manner = random.choice(manners)
    form = _form(manner)
    pattern = random.choice(_suited(patterns[form], manner))
    pattern = gerund(pattern) if form == "doing" else pattern
    if language == "en" and random.random() < _AMERICAN_SHARE:
        manner, pattern = _american(manner), _american(pattern)
    phrase = filled(_speech(random, language, language, change), pattern, change)
    text = _framed(manner, phrase, change)
    return text + _kept(random, data, manner, change)


def _form(manner: str) -> str:
    (slot,) = slots(manner)
    return slot.lower()


def _suited(patterns: Sequence[str], manner: str) -> Sequence[str]:
    """The patterns that go with a manner: no second colon, none in a question, and in Chinese
    no 将 of written language where one chats, and no 让 after 麻烦.
    """
    if _NO_COLON.search(manner):
        patterns = [pattern for pattern in patterns if not _COLON.search(pattern)] or patterns
    if _CHATTY.search(manner):
        patterns = [pattern for pattern in patterns if pattern[0] not in "将让"] or patterns
    if _BEGGING.search(manner):
        patterns = [pattern for pattern in patterns if pattern[0] != "让"] or patterns
    return patterns


def _american(pattern: str) -> str:
    return re.sub(
        r"(?<!{)(?<!a_)(?i:" + "|".join(english.AMERICAN) + ")(?!})",
        lambda match: _like(match[0], english.AMERICAN[match[0].lower()]),
        pattern,
    )


def _like(word: str, instead: str) -> str:
    return capitalised(instead) if word[0].isupper() else instead


def _speech(random: Random, language: str, names: str, change: Change) -> Speech:
    return Speech(random, language, names, [text for text in (change.old, change.new) if text])


def _framed(manner: str, phrase: str, change: Change) -> str:
    """The phrase in its manner; no full stop follows a text that ends a sentence itself."""
    for slot in slots(manner):
        said = capitalised(phrase) if slot[0].isupper() else phrase
        text = manner.replace("{" + slot + "}", said)
        ends = manner.endswith(("{" + slot + "}.", "{" + slot + "}。"))
    quotes = [shown for shown in (change.old, change.new) if shown]
    closed = any(phrase[:-1].endswith(shown) and _ends(shown, manner) for shown in quotes)
    return text[:-1] if ends and closed else text


def _ends(text: str, manner: str) -> bool:
    """Whether a text ends a sentence as the language of the manner does."""
    return ends_a_sentence(text) and (not manner.endswith("。") or not text.rstrip()[-1].isascii())


def _kept(random: Random, data: ModuleType, manner: str, change: Change) -> str:
    """What must stay the same, as a sentence of its own; mostly nothing."""
    if change.operation in _NOTHING_KEPT or random.random() >= _KEEP_SHARE:
        return ""
    bare = manner.endswith("}")
    unchanging = change.operation.startswith(UNCHANGING)
    if bare and not unchanging:
        return str(random.choice(data.KEEP_TERSE))
    keep = random.choice(data.KEEP_CONTENT if unchanging else data.KEEP)
    stop, blank = (".", " ") if data is english else ("。", "")
    return f"{stop if bare else ''}{blank}{keep}"


def _mixed(random: Random, change: Change) -> str:
    """Chinese around English, English around Chinese, or English names in Chinese."""
    names = ["named", "named"] if change.thing or change.colour else []
    frame = mixed.FRAMES[random.choice(["english", "chinese", *names])]
    patterns = usable(DATA[frame.language].PHRASINGS[change.operation], change)
    speech = _speech(random, frame.language, frame.names, change)
    manner = random.choice(frame.manners)
    phrase = filled(speech, random.choice(_suited(patterns, manner)), change)
    text = _framed(manner, phrase, change)
    if change.operation in _NOTHING_KEPT or random.random() >= _KEEP_SHARE:
        return text
    unchanging = change.operation.startswith(UNCHANGING)
    keep = random.choice(frame.keep_content if unchanging else frame.keep)
    return f"{text} {keep}" if text[-1].isascii() else text + keep
