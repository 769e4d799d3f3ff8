"""A captioner's answer to an annotation: strict JSON first, then what can be mended, told apart.

What is mended is what models do without meaning anything by it: fences, prose around the object, a
trailing comma, a raw line break, quotes that are not escaped. What would change the meaning is not:
an answer that was cut off, two values for one key, a key that is no key of ours.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from curation.shard.annotation import KEYS, Annotation

Finish = Literal["stop", "length"]
NONE = "none"  # no problem
LONGEST = 200_000  # characters of an answer that is read at all
_THOUGHT = re.compile(r".*</(?:think|thinking|reasoning|thought)>", re.DOTALL | re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKERS = re.compile(r"<\|[^<>|]{1,40}\|>")
_YES_NO: Mapping[str, Literal["yes", "no"]] = {
    "yes": "yes", "no": "no", "true": "yes", "false": "no", "是": "yes", "有": "yes",
    "否": "no", "无": "no", "没有": "no", "none": "no",
}  # fmt: skip
_NAMES: Mapping[str, str] = {
    "描述": "Caption", "图像描述": "Caption", "图片描述": "Caption", "标题": "Caption",
    "图像类型": "Image Type", "图片类型": "Image Type",
    "图像风格": "Image Style", "图片风格": "Image Style",
    "水印列表": "Watermark List", "水印": "Watermark List",
    "异常元素": "Abnormal Element",
}  # fmt: skip


class InvalidAnswerError(ValueError):
    """An answer that is no annotation, with the ``reason`` that its caption is quarantined for."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True)
class Answer:
    """An ``annotation``, and what was ``mended`` to read it, in the order of mending."""

    annotation: Annotation
    mended: tuple[str, ...] = ()


def parse(answer: str, finish: Finish = "stop") -> Answer:
    """The annotation in an answer. Raises ``InvalidAnswerError``.

    ``finish`` is why the model stopped: one that reached its limit was cut off, however complete
    the answer looks.
    """
    mended: list[str] = []
    values = values_of(answer, finish, KEYS, _NAMES, mended)
    return Answer(_annotation(values, mended), tuple(dict.fromkeys(mended)))


def values_of(
    answer: str, finish: Finish, keys: Sequence[str], names: Mapping[str, str], mended: list[str]
) -> dict[str, Any]:
    """The values of an answer's object under our ``keys``, which it may call by other ``names``.

    What was mended is added to ``mended``. Raises ``InvalidAnswerError``.
    """
    if finish == "length":
        raise InvalidAnswerError("truncated", "the model reached its limit of tokens")
    if len(answer) > LONGEST:
        raise InvalidAnswerError("too_long", f"{len(answer)} characters")
    if not answer.strip():
        raise InvalidAnswerError("empty")
    return named(_object(answer, mended), keys, names, mended)


def _object(answer: str, mended: list[str]) -> dict[str, Any]:
    """The first complete JSON object of an answer, its last where one was thought about before."""
    try:
        return _checked(_loads(answer))
    except json.JSONDecodeError:
        pass
    plain = _THOUGHT.sub("", answer)
    if plain != answer:
        mended.append("reasoning")
    start = plain.find("{")
    if start < 0:
        raise InvalidAnswerError("no_json", "no object")
    if plain[:start].strip() or not plain.strip().endswith("}"):
        mended.append("text_around")
    try:
        value, _ = _DECODER.raw_decode(plain[start:])
        return _checked(value)
    except json.JSONDecodeError:
        return _repaired(plain[start:], mended)


def _repaired(text: str, mended: list[str]) -> dict[str, Any]:
    end = text.rfind("}")
    if end < 0:
        raise InvalidAnswerError("truncated", "the object is not closed")
    from json_repair import repair_json

    if re.search(r'[\w"]\s*：', text[: end + 1]) and ":" not in text[: end + 1]:
        raise InvalidAnswerError("no_json", "full-width colons")
    value = repair_json(text[: end + 1], return_objects=True, skip_json_loads=True)
    if not isinstance(value, dict) or not value:
        raise InvalidAnswerError("no_json", "not to be mended")
    mended.append("json")
    return value


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys may be repeated with the same value. Raises ``InvalidAnswerError``."""
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values and values[key] != value:
            raise InvalidAnswerError("contradictory", f"two values for {key[:40]!r}")
        values[key] = value
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, strict=False)


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_pairs)


def _checked(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidAnswerError("no_json", f"a {type(value).__name__}, no object")
    return value


def named(
    values: Mapping[str, Any], keys: Sequence[str], names: Mapping[str, str], mended: list[str]
) -> dict[str, Any]:
    """The values under our keys. Raises ``InvalidAnswerError`` for missing and further ones."""
    known = {_plain(key): key for key in keys} | {_plain(of): key for of, key in names.items()}
    ours_of: dict[str, Any] = {}
    for key, value in values.items():
        ours = known.get(_plain(key))
        if ours is None:
            raise InvalidAnswerError("unknown_key", repr(key[:40]))
        if ours != key:
            mended.append("keys")
        if ours in ours_of and ours_of[ours] != value:
            raise InvalidAnswerError("contradictory", f"two values for {ours!r}")
        ours_of[ours] = value
    if missing := [key for key in keys if key not in ours_of]:
        raise InvalidAnswerError("missing_key", ", ".join(missing))
    return ours_of


def _plain(key: str) -> str:
    return re.sub(r"[\s_-]+", "", key).casefold()


def _annotation(values: Mapping[str, Any], mended: list[str]) -> Annotation:
    caption, kind, style = (
        text_of(key, values[key], mended) for key in ("Caption", "Image Type", "Image Style")
    )
    watermarks = _list(values["Watermark List"], mended)
    said = (
        caption,
        kind,
        style,
        [text for text in _cleaned(watermarks, mended) if text],
        yes_no("Abnormal Element", values["Abnormal Element"], mended),
    )
    return Annotation.model_validate(dict(zip(KEYS, said, strict=True)))


def text_of(key: str, value: Any, mended: list[str]) -> str:
    """The text under a key, as one line. Raises ``InvalidAnswerError`` for anything else."""
    if not isinstance(value, str):
        raise InvalidAnswerError("wrong_type", f"{key}: a {type(value).__name__}, no text")
    text = clean(value)
    if not text:
        raise InvalidAnswerError("empty", key)
    if text != value.strip():
        mended.append("characters")
    return text


def _list(value: Any, mended: list[str]) -> list[str]:
    if isinstance(value, list) and all(isinstance(of, str) for of in value):
        return value
    if value is None or value == "" or (isinstance(value, str) and value.casefold() in _YES_NO):
        mended.append("watermarks")
        return []
    if isinstance(value, str):
        mended.append("watermarks")
        return [value]
    raise InvalidAnswerError("wrong_type", "Watermark List: no list of texts")


def _cleaned(texts: Sequence[str], mended: list[str]) -> Iterator[str]:
    for text in texts:
        if clean(text) != text.strip():
            mended.append("characters")
        yield clean(text)


def yes_no(key: str, value: Any, mended: list[str]) -> Literal["yes", "no"]:
    """The answer under a key. Raises ``InvalidAnswerError`` for anything else."""
    if isinstance(value, str) and value in ("yes", "no"):
        return "yes" if value == "yes" else "no"
    if isinstance(value, bool | str):
        said = _YES_NO.get(str(value).strip().casefold())
        if said is not None:
            mended.append(key.split(maxsplit=1)[0].casefold())
            return said
    raise InvalidAnswerError("wrong_type", f"{key}: neither yes nor no")


def clean(text: str) -> str:
    """A text as one line, without what a tokenizer would take for its own or nobody can see."""
    text = _SURROGATE.sub("\ufffd", text)
    return " ".join(_UNSEEN.sub(" ", _MARKERS.sub(" ", text)).split())
