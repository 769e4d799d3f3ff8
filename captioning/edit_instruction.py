"""The instruction of an edit pair that came without: what changed, asked of a back end and checked.

A model signal as any other, named by ``signals: [captioning.edit_instruction]``. A pair that has an
instruction keeps that; it is checked alike. An answer that is none, or quotes what nobody can read,
is asked for once more, and then the instruction is withheld, alone, with its reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from captioning import asking, edit_answer, edit_checks, prompting
from captioning.asking import Asked
from captioning.backends.backend import FINAL, Captioner, Question
from captioning.changes import pairs
from captioning.checks import loop
from captioning.edit_answer import FORM, EditAnswer
from captioning.edit_checks import Read
from captioning.parsing import NONE
from captioning.recaption import LOOPING, SCORE, SIDE, language_of, number_of
from captioning.recaption import PROBLEMS as ANSWERS
from captioning.settings import EditInstructionSettings
from curation import shard
from curation.picture import decoding
from curation.shard.quotations import prose
from curation.signals.caption_validity import by_patterns
from curation.signals.row import Row
from curation.signals.signal import CAPTIONS, Column, Measure, signal

PROBLEMS = (*ANSWERS, "misquoted", "too_wordy", "other_language", *FINAL)
INVALID = ("refusal", "url", "filename", "empty")  # "make it blue" is a prompt, and may be
MOST_LETTERS = 600  # of an instruction beside what it quotes
AGREEING = 0.5  # of what it quotes, and of what it says to have changed: less was made up
IN_LANGUAGE = 0.5  # of its letters
ORIGIN = shard.CAPTIONER
UNASKED = "unasked"  # so that a rule lets pass what came with an instruction
INPUTS = "inputs."  # begins the names of lists of what was measured of each input


def _check(settings: EditInstructionSettings) -> None:
    settings.backend.check()


@signal(
    tier="model",
    version=1,
    columns={
        "caption_instruction": Column(
            shard.CAPTIONS, "captions", "what a model says was edited, as an instruction"
        ),
        "instruction_problem": Column(
            pa.string(), "category", "why there is none", categories=PROBLEMS
        ),
        "instruction_kind": Column(
            pa.string(),
            "category",
            "the kind of edit, as the model says",
            categories=shard.EDIT_KINDS,
            fills="edit_kind",
        ),
        "captioned_language": Column(
            pa.string(),
            "category",
            "the language that the instruction was asked for in",
            categories=("en", "zh"),
            fills="instruction_language",
        ),
        "edit_faithful": Column(
            pa.string(),
            "category",
            "whether the result can come of the inputs, as the model says, if it was asked",
            categories=("yes", "no", UNASKED),
        ),
        "edit_answer": Column(pa.string(), "JSON", "the answer: instruction, kind, texts, kept"),
        **edit_checks.COLUMNS,
        **asking.columns("instruction"),
    },
    settings=EditInstructionSettings,
    reads=(CAPTIONS, "text_regions"),
    short_side=SIDE,
    cost="heavy",
    check=_check,
    patience=3600.0,
    of_pairs=True,
    tokens=asking.tokens("instruction"),
)
def edit_instruction(settings: EditInstructionSettings) -> Measure:
    """The instruction of each edit; nothing of other rows. Raises ``MissingModelError``."""
    captioner: Captioner = settings.backend.captioner()

    def problem_of(text: str, checked: Mapping[str, float]) -> str:
        kind, said = by_patterns(text), prose(text)
        if kind == "repetition" or loop(said) > LOOPING:
            return "looping"
        if kind in INVALID:
            return "invalid"
        if len(said) > MOST_LETTERS:
            return "too_wordy"
        if checked["instruction_in_language"] < IN_LANGUAGE:
            return "other_language"
        agreeing = checked["instruction_quote_precision"], checked["instruction_text_agrees"]
        return NONE if min(agreeing) >= AGREEING else "misquoted"

    def measure(rows: Sequence[Row]) -> list[dict[str, Any]]:
        questions = {
            n: _question(row, settings)
            for n, row in enumerate(rows)
            if row.inputs and not _said(row)
        }

        def problem(number: int, answer: EditAnswer) -> str:
            of = questions[number]
            return problem_of(answer.edit.instruction, _checked(answer, of.language, rows[number]))

        asked = asking.ask(captioner, questions, edit_answer.parse, problem, settings.attempts)
        return [
            _columns(row, questions[n].language, asked[n]) if n in asked else _of_source(row)
            for n, row in enumerate(rows)
        ]

    return measure


def _said(row: Row) -> Sequence[str]:
    """Instructions that the source has."""
    return [text for text in row.captions.get("caption_instruction", ()) if text.strip()]


def _question(row: Row, settings: EditInstructionSettings) -> Question:
    language = language_of(row.id, settings.languages, "instruction")
    inputs = [decoding.decode(data, SIDE).rgb for data in row.inputs]
    turn = prompting.edit_turn(
        prompting.edit_prompt(language), len(inputs), number_of(row.id, "length of the instruction")
    )
    images = [*inputs, row.picture(SIDE).rgb]
    sizes = [(of.width, of.height) for of in (*map(decoding.read_header, row.inputs), row.header)]
    return Question(row.id, images, turn, language, {**row.columns, pairs.SIZES: sizes}, FORM)


def read(columns: Mapping[str, Any]) -> Read:
    """What was read in the images of a pair with some certainty."""
    inputs = columns.get(f"{INPUTS}text_regions")
    known = inputs if inputs and None not in inputs else None
    before = None if known is None else [text for of in known for text in _lines(of)]
    after = columns.get("text_regions")
    return Read(before, None if after is None else _lines(after))


def _lines(regions: Sequence[Mapping[str, Any]]) -> list[str]:
    return [of["text"] for of in regions if of["score"] >= SCORE and of["text"]]


def _checked(answer: EditAnswer, language: str, row: Row) -> dict[str, float]:
    edit = answer.edit
    return edit_checks.values(edit.instruction, edit.changed_text, language, read(row.columns))


def _of_source(row: Row) -> dict[str, Any]:
    """The columns of a row that is no edit, or came with instructions: of several what agrees
    least counts.
    """
    none = dict.fromkeys(edit_instruction.columns)
    if not row.inputs:
        return none
    each = [edit_checks.values(text, (), "", read(row.columns)) for text in _said(row)]
    least = {name: min(of[name] for of in each) for name in edit_checks.COLUMNS}
    most = {"instruction_loop": max(of["instruction_loop"] for of in each)}
    known = {"instruction_problem": NONE, "instruction_attempts": 0, "edit_faithful": UNASKED}
    return none | least | most | known


def _columns(row: Row, language: str, asked: Asked[EditAnswer]) -> dict[str, Any]:
    """The columns of a row that the captioner was asked about."""
    known = dict.fromkeys(edit_instruction.columns) | asking.counts("instruction", [asked])
    known["instruction_problem"] = asked.problem
    if asked.answer is None:
        return known | {"caption_instruction": []}
    edit = asked.answer.edit
    caption = {"text": edit.instruction, "language": language, "origin": ORIGIN, "stage": None}
    return {
        **known,
        "caption_instruction": [caption],
        "instruction_kind": edit.edit_kind,
        "captioned_language": language,
        "edit_faithful": edit.faithful,
        "edit_answer": edit.as_json(),
        "instruction_mended": list(asked.answer.mended),
        **_checked(asked.answer, language, row),
    }
