"""The recaption of an image: asked of a back end, parsed, checked; the fused caption beside it.

A model signal as any other, named by ``signals: [captioning.recaption]``. Where a pipeline asks for
``caption_recaption`` of kept rows, captions are written of those alone. An answer that is none is
asked for once more, with another seed, and then the caption is quarantined with its reason: never
its batch, never its image. An image that came with a recaption keeps that; it is checked alike.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from captioning import asking, checks, fused, fusing, prompting
from captioning.asking import Asked
from captioning.backends.backend import Captioner, Question
from captioning.fusing import Given
from captioning.parsing import NONE, Answer, parse
from captioning.quotes import plain
from captioning.settings import RecaptionSettings
from curation import shard
from curation.shard.annotation import KEYS, Annotation
from curation.shard.quotations import prose
from curation.signals import captions
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, signal

PROBLEMS = (
    NONE, "empty", "no_json", "truncated", "too_long", "missing_key", "unknown_key",
    "contradictory", "wrong_type", "refused", "invalid", "looping",
)  # fmt: skip
RULE, MODEL, NOTHING = FUSED_BY = ("rule", "model", "nothing")
LOOPING = 0.3  # of the words of a caption
READ = (
    *("text_regions", "watermark_regions", "codes", "codes_regions", "mosaic", "classes"),
    *("class_scores", "height", "width"),
)
SIDE = 1024  # pixels of the short side that a back end is shown at least, where there are so many
SCORE = 0.7  # of a line of text that counts as read
_SPLIT = "recaption"
_CHECKS = {captions.column(_SPLIT, name): column for name, column in checks.COLUMNS.items()}


def _check(settings: RecaptionSettings) -> None:
    settings.backend.check()


@signal(
    tier="model",
    version=2,
    columns={
        "caption_recaption": Column(shard.CAPTIONS, "captions", "the caption that a model wrote"),
        "caption_fused": Column(
            shard.CAPTIONS, "captions", "the recaption with what the raw caption knows"
        ),
        "fused_by": Column(
            pa.string(), "category", "what added to the recaption", categories=FUSED_BY
        ),
        "fused_problem": Column(
            pa.string(),
            "category",
            "why it is not as the model fused it",
            categories=(*PROBLEMS, *fusing.PROBLEMS),
        ),
        "annotation": Column(pa.string(), "JSON", "the answer: caption, type, style, watermarks"),
        "recaption_problem": Column(
            pa.string(), "category", "why there is no recaption", categories=PROBLEMS
        ),
        "recaption_kind": Column(pa.string(), "a kind", "of the prompt that asked for it"),
        **asking.columns("recaption"),
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
    tokens=asking.tokens("recaption"),
)
def recaption(settings: RecaptionSettings) -> Measure:
    """The recaption of each row. Raises ``MissingModelError``."""
    captioner: Captioner = settings.backend.captioner()
    validity = captions.ready(captions.discovered()["validity"])

    def is_valid(text: str) -> bool:
        return bool(validity(text)["validity"] == "valid")

    def problem_of(_number: int, answer: Answer) -> str:
        caption = answer.annotation.caption
        kind = validity(caption)["validity"]
        if kind == "repetition" or checks.loop(prose(caption)) > LOOPING:
            return "looping"
        return NONE if kind == "valid" else "invalid"

    def fused_by_model(
        given: Mapping[int, Given], questions: Mapping[int, Question]
    ) -> dict[int, Asked[Answer]]:
        """What the model made of recaptions that there is anything to fuse with."""
        again = {n: fusing.question(questions[n], of) for n, of in given.items() if of.raw}

        def problem(number: int, answer: Answer) -> str:
            language = again[number].language
            why = fusing.problem(answer.annotation.caption, given[number], language)
            return why if why != NONE else problem_of(number, answer)

        return asking.ask(captioner, again, parse, problem, 1)

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        questions = {n: _question(row, settings) for n, row in enumerate(rows) if not _said(row)}
        asked = asking.ask(captioner, questions, parse, problem_of, settings.attempts)
        given = {
            n: Given(of.answer.annotation.caption, _raw(rows[n], is_valid), _seen(rows[n]).text)
            for n, of in asked.items()
            if of.answer
        }
        fused_asked = fused_by_model(given, questions) if settings.fused == "model" else {}
        return [
            _columns(row, questions[n], asked[n], given.get(n), fused_asked.get(n))
            | {"recaption_kind": settings.kind_of(row.columns)}
            if n in asked
            else _of_source(row)
            for n, row in enumerate(rows)
        ]

    return measure


def _raw(row: Row, is_valid: Callable[[str], bool]) -> list[str]:
    """Raw captions that may be fused: those that are captions, as S3 has it."""
    return [text for text in row.captions.get("caption_raw", ()) if is_valid(text)]


def _said(row: Row) -> Sequence[str]:
    """Recaptions that the source has."""
    return row.captions.get("caption_recaption", ())


def language_of(
    identity: str, shares: Mapping[prompting.Language, float], what: str = "recaption"
) -> prompting.Language:
    """The language of ``what`` a row gets: by its id, in the shares that were asked for."""
    digest = hashlib.sha256(f"language of the {what}\n{identity}".encode()).digest()
    place = int.from_bytes(digest[:8]) / 2**64 * sum(shares.values())
    for language, share in shares.items():
        place -= share
        if place < 0:
            return language
    return [*shares][-1]


def number_of(identity: str, what: str) -> int:
    """A number 0 to 2**32 - 1 for ``what`` is to be chosen for a row: by its id alone."""
    return int.from_bytes(hashlib.sha256(f"{what}\n{identity}".encode()).digest()[:4])


def _question(row: Row, settings: RecaptionSettings) -> Question:
    language = language_of(row.id, settings.languages)
    prompt = prompting.prompt(settings.kind_of(row.columns), language)
    raw, text = row.captions.get("caption_raw", ()), _seen(row).text
    turn = prompting.turn(prompt, number_of(row.id, "length of the recaption"), raw, text)
    return Question(row.id, [row.picture(SIDE).rgb], turn, language, row.columns)


def _seen(row: Row) -> checks.Seen:
    """What other signals saw of an image; nothing where they did not look."""
    columns = row.columns
    text = [of["text"] for of in columns["text_regions"] or () if of["score"] >= SCORE]
    watermarks = [of["text"] for of in checks.watermarks(columns["watermark_regions"])]
    known = [of for of in watermarks if of]
    return checks.Seen([of for of in text if of], known, checks.hinders(columns))


def _of_source(row: Row) -> dict[str, Any]:
    """The columns of a row that came with recaptions: those are held against what was seen."""
    said = [_checked(_plain(text), "", _seen(row)) for text in _said(row)]
    known = {"recaption_problem": NONE, "recaption_attempts": 0}
    return dict.fromkeys(recaption.columns) | known | _lists(said)


def _columns(
    row: Row,
    question: Question,
    asked: Asked[Answer],
    given: Given | None,
    fused_asked: Asked[Answer] | None,
) -> dict[str, Any]:
    """The columns of a row that the captioner was asked about."""
    every = [of for of in (asked, fused_asked) if of]
    known = dict.fromkeys(recaption.columns) | asking.counts("recaption", every)
    known["recaption_problem"] = asked.problem
    if asked.answer is None or given is None:
        return known | {"caption_recaption": [], "caption_fused": []} | _lists([])
    annotation, language = asked.answer.annotation, question.language
    text, by = _fused(given, language, fused_asked)

    def caption(text: str, origin: str) -> list[dict[str, Any]]:
        return [{"text": text, "language": language, "origin": origin, "stage": None}]

    return {
        **known,
        "caption_recaption": caption(annotation.caption, "recaption"),
        "caption_fused": caption(text, "fused"),
        "fused_by": by,
        "fused_problem": fused_asked.problem if fused_asked else NONE,
        "annotation": annotation.as_json(),
        "recaption_mended": list(asked.answer.mended),
        **_lists([_checked(annotation, language, _seen(row))]),
    }


def _fused(
    given: Given, language: prompting.Language, asked: Asked[Answer] | None
) -> tuple[str, str]:
    """The fused caption, and what added to the recaption: the model, else the rule."""
    if asked and asked.answer:
        text, by = asked.answer.annotation.caption, MODEL
    else:
        text, by = fused.merged(given.recaption, language, given.raw, given.text), RULE
    return text, by if plain(text) != plain(given.recaption) else NOTHING


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
