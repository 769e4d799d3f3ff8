"""The recaption of an image: asked of a back end, parsed, checked; the fused caption beside it.

A model signal as any other, named by ``signals: [captioning.recaption]``. Where a pipeline asks for
``caption_recaption`` of kept rows, captions are written of those alone. An answer that is none is
asked for once more, with another seed, and then the caption is quarantined with its reason: never
its batch, never its image. An image that came with a recaption keeps that; it is checked alike.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pyarrow as pa
from pydantic import AfterValidator, Field

from captioning import asking, checks, fused, prompting
from captioning.asking import NONE, Asked
from captioning.backends.backend import Captioner, Question
from captioning.parsing import Answer
from captioning.quotes import prose
from curation import shard
from curation.shard.annotation import KEYS, Annotation
from curation.signals import captions
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, Settings, Tokens, signal
from curation.strict_yaml import choice, expected_one_of, shown

PROBLEMS = (
    NONE, "empty", "no_json", "truncated", "too_long", "missing_key", "unknown_key",
    "contradictory", "wrong_type", "refused", "invalid", "looping",
)  # fmt: skip
LOOPING = 0.3  # of the words of a caption
READ = (
    *("text_regions", "watermark_regions", "codes", "codes_regions", "mosaic", "classes"),
    *("class_scores", "height", "width"),
)
SIDE = 1024  # pixels of the short side that a back end is shown at least, where there are so many
SCORE = 0.7  # of a line of text that counts as read
_SPLIT = "recaption"
_CHECKS = {captions.column(_SPLIT, name): column for name, column in checks.COLUMNS.items()}


def _known(kind: str) -> str:
    if kind not in prompting.kinds():
        raise ValueError(f"no kind {shown(kind)}: {expected_one_of(kind, prompting.kinds())}")
    return kind


Kind = Annotated[str, AfterValidator(_known)]


class RecaptionSettings(Settings):
    """Who answers (``backend``), which ``kind`` of prompt it is given, in which ``languages`` by
    what shares of images, and how many ``attempts`` an answer is given.
    """

    backend: Annotated[
        Any,
        choice("captioning.backends.backend.Backend", "offline"),
        Field(validate_default=True),
    ] = "offline"
    kind: Kind = "annotate"
    languages: Mapping[prompting.Language, Annotated[float, Field(ge=0)]] = {"en": 0.5, "zh": 0.5}
    attempts: Annotated[int, Field(ge=1, le=8)] = 2

    def identity(self) -> dict[str, Any]:
        """What answers depend on: not where an endpoint is; the prompts with all their words."""
        prompts = [
            prompting.prompt(kind, language).digest
            for kind in self.every_kind()
            for language in self.languages
        ]
        of_answers = {"backend": dict(self.backend.answers_by), "prompts": prompts}
        return super().identity() | of_answers

    def every_kind(self) -> tuple[str, ...]:
        """All kinds of prompts that may be asked for."""
        return (self.kind,)

    def kind_of(self, columns: Mapping[str, Any]) -> str:
        """The kind for a row with the columns that the signal reads."""
        return self.kind

    def token_prices(self) -> tuple[float, float]:
        """Those of the back end."""
        prices: tuple[float, float] = self.backend.token_prices
        return prices


def _check(settings: RecaptionSettings) -> None:
    settings.backend.check()


@signal(
    tier="model",
    version=2,
    columns={
        "caption_recaption": Column(shard.CAPTIONS, "captions", "the caption that a model wrote"),
        "caption_fused": Column(
            shard.CAPTIONS, "captions", "the recaption with names and texts of the raw caption"
        ),
        "annotation": Column(pa.string(), "JSON", "the answer: caption, type, style, watermarks"),
        "recaption_problem": Column(
            pa.string(), "category", "why there is no recaption", categories=PROBLEMS
        ),
        "recaption_kind": Column(pa.string(), "a kind", "of the prompt that asked for it"),
        "recaption_mended": Column(
            pa.list_(pa.string()), "names", "what of the answer was mended", in_shards=False
        ),
        "recaption_attempts": Column(
            pa.int8(), "count from 0", "answers asked for", in_shards=False
        ),
        "recaption_prompt_tokens": Column(pa.int32(), "tokens", "asked", in_shards=False),
        "recaption_new_tokens": Column(pa.int32(), "tokens", "answered", in_shards=False),
        **{
            name: Column(pa.list_(pa.float32()), of.unit, of.meaning, in_shards=False)
            for name, of in _CHECKS.items()
        },
    },
    settings=RecaptionSettings,
    reads=(CAPTIONS, *READ),
    short_side=SIDE,
    cost="heavy",
    check=_check,
    patience=3600.0,
    tokens=Tokens("recaption_attempts", "recaption_prompt_tokens", "recaption_new_tokens"),
)
def recaption(settings: RecaptionSettings) -> Measure:
    """The recaption of each row. Raises ``MissingModelError``."""
    captioner: Captioner = settings.backend.captioner()
    validity = captions.ready(captions.discovered()["validity"])

    def problem_of(_number: int, answer: Answer) -> str:
        caption = answer.annotation.caption
        kind = validity(caption)["validity"]
        if kind == "repetition" or checks.loop(prose(caption)) > LOOPING:
            return "looping"
        return NONE if kind == "valid" else "invalid"

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        asked = {n: _question(row, settings) for n, row in enumerate(rows) if not _said(row)}
        answers = asking.ask(captioner, asked, problem_of, settings.attempts)
        return [
            _columns(row, asked.get(n), answers.get(n))
            | {"recaption_kind": settings.kind_of(row.columns) if n in asked else None}
            for n, row in enumerate(rows)
        ]

    return measure


def _said(row: Row) -> Sequence[str]:
    """Recaptions that the source has."""
    return row.captions.get("caption_recaption", ())


def _language(identity: str, shares: Mapping[prompting.Language, float]) -> prompting.Language:
    """The language of a row's recaption: by its id, in the shares that were asked for."""
    digest = hashlib.sha256(f"language of the recaption\n{identity}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64 * sum(shares.values())
    for language, share in shares.items():
        place -= share
        if place < 0:
            return language
    return [*shares][-1]


def _question(row: Row, settings: RecaptionSettings) -> Question:
    language = _language(row.id, settings.languages)
    prompt = prompting.prompt(settings.kind_of(row.columns), language)
    digest = hashlib.sha256(f"length of the recaption\n{row.id}".encode()).digest()
    raw, text = row.captions.get("caption_raw", ()), _seen(row).text
    turn = prompting.turn(prompt, int.from_bytes(digest[:4]), raw, text)
    return Question(row.id, row.picture(SIDE).rgb, turn, language, row.columns)


def _seen(row: Row) -> checks.Seen:
    """What other signals saw of an image; nothing where they did not look."""
    columns = row.columns
    text = [of["text"] for of in columns["text_regions"] or () if of["score"] >= SCORE]
    watermarks = [of["text"] for of in columns["watermark_regions"] or ()]
    known = [of for of in watermarks if of]
    return checks.Seen(
        [of for of in text if of], known, checks.hinders(columns) or bool(watermarks)
    )


def _columns(row: Row, question: Question | None, asked: Asked | None) -> dict[str, Any]:
    """A row's columns."""
    empty: dict[str, Any] = dict.fromkeys(recaption.columns)
    seen = _seen(row)
    if question is None or asked is None:
        said = [_checked(_plain(text), "", seen) for text in _said(row)]
        return empty | {"recaption_problem": NONE, "recaption_attempts": 0} | _lists(said)
    counts = {
        "recaption_problem": asked.problem,
        "recaption_attempts": asked.attempts,
        "recaption_prompt_tokens": asked.prompt_tokens,
        "recaption_new_tokens": asked.new_tokens,
    }
    if asked.answer is None:
        return empty | counts | {"caption_recaption": [], "caption_fused": []} | _lists([])
    annotation = asked.answer.annotation
    caption = {"text": annotation.caption, "language": question.language, "origin": "recaption"}
    raw = row.captions.get("caption_raw", ())
    merged = fused.merged(annotation.caption, question.language, raw, seen.text)
    return {
        **empty,
        **counts,
        "caption_recaption": [caption | {"stage": None}],
        "caption_fused": [caption | {"text": merged, "origin": "fused", "stage": None}],
        "annotation": annotation.as_json(),
        "recaption_mended": list(asked.answer.mended),
        **_lists([_checked(annotation, question.language, seen)]),
    }


def _plain(text: str) -> Annotation:
    """A caption of the source as an annotation of which nothing else is known."""
    values = dict(zip(KEYS, (text or " ", NONE, NONE, [], "no"), strict=True))
    return Annotation.model_validate(values)


def _checked(annotation: Annotation, language: str, seen: checks.Seen) -> dict[str, float]:
    values = checks.values(annotation, language or "en", seen)
    if not language:  # nothing was asked for, and nothing said of watermarks
        values |= {"in_language": 1.0, "watermarks_agree": 1.0, "abnormal_agrees": 1.0}
    return values


def _lists(values: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {captions.column(_SPLIT, name): [of[name] for of in values] for name in checks.COLUMNS}
