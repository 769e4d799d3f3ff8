"""Images of a benchmark looked at: read, asked about, measured. What is known is not redone."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from curation import progress
from curation.failures.errors import IncompleteError
from infer.evaluation.benchmark import Benchmark
from infer.harness.judges import Judge, JudgeError
from infer.harness.readers import JudgeReader, Reader
from infer.harness.rows import Request, Row, Seen, row, seed_of

Open = Callable[[Request], Image.Image | None]  # None: there is none


@dataclass(frozen=True)
class Tools:
    """What a benchmark looks with, as far as it uses them."""

    reader: Reader | None = None
    judge: Judge | None = None

    @property
    def names(self) -> Mapping[str, str]:
        """Of those that are used."""
        used = {"reader": self.reader, "judge": self.judge}
        return {kind: tool.name for kind, tool in used.items() if tool is not None}


_MOST_UNANSWERED = 20  # then a judge is not asked any more
_BLANK = (1024, 1024)


def rows(
    name: str, chosen: Benchmark, requests: Sequence[Request], opened: Open, tools: Tools
) -> list[Row]:
    """A row for each request. What a judge does not answer is asked for again by the next run.

    Raises ``IncompleteError`` where answers are missing, ``OSError``.
    """
    done, unanswered = 0, list[JudgeError]()

    def measured(request: Request) -> Row | None:
        nonlocal done
        try:
            if len(unanswered) >= _MOST_UNANSWERED:
                return None
            seen = _seen(chosen, request, opened(request), tools)
            values = chosen.measure(request, seen)
            return row(request, seed_of(name, request), values, seen.is_missing)
        except JudgeError as error:
            unanswered.append(error)
            return None
        finally:
            done += 1

    # A judge is waited for; a reader of this machine is busy with one image at a time.
    at_once = tools.judge.concurrency if tools.judge else 1
    with (
        progress.watch("", "images judged", lambda: (len(requests), done)),
        ThreadPoolExecutor(at_once) as pool,
    ):
        made = [each for each in pool.map(measured, requests) if each is not None]
    if unanswered:
        raise IncompleteError(
            f"{len(requests) - len(made)} of {len(requests)} images were not judged, so that"
            f" nothing is published: {unanswered[0]}; run the same command again to ask for these"
            " alone"
        )
    return made


def calls(
    chosen: Benchmark, requests: Sequence[Request], opened: Open, tools: Tools
) -> tuple[int, int]:
    """How many questions a judge is asked in all, and how many of them are not answered yet."""
    judge, total, left = tools.judge, 0, 0
    for request in requests if judge else ():
        image = opened(request)
        if judge is None or image is None:
            continue
        if chosen.asks:
            known = [judge.has(each, image) for each in chosen.questions(request, image)]
            total, left = total + len(known), left + known.count(False)
        if isinstance(tools.reader, JudgeReader):
            total, left = total + 1, left + (not tools.reader.has(image))
    return total, left


def _seen(chosen: Benchmark, request: Request, image: Image.Image | None, tools: Tools) -> Seen:
    if image is None:
        blank = Image.new("RGB", request.size or _BLANK)
        questions = chosen.questions(request, blank) if chosen.asks else ()
        return Seen(blank, (), ("",) * len(questions), is_missing=True)
    lines = tools.reader.read(image) if tools.reader else ()
    questions = chosen.questions(request, image) if chosen.asks else ()
    answers = tuple(tools.judge.ask(each, image) for each in questions if tools.judge)
    return Seen(image, lines, answers)
