"""GEdit-Bench's marks by a judge: VIEScore of real requests to edit, in English and Chinese.

Source: https://github.com/stepfun-ai/Step1X-Edit; its pictures are the user's: ``--data`` are the
Parquet files of the data set of that name. Its judge is GPT-4.1, asked VIEScore's questions
(https://github.com/TIGER-AI-Lab/VIEScore, MIT): of source and result success and no over-editing,
of the result alone naturalness and no artefacts, 0 to 10 each. SC is the lower of the first pair,
PQ of the second, O = sqrt(SC PQ) of each picture; figures are means over kinds of the means of
kinds, of all requests and of the intersection, which all commercial systems had answered.
"""

import json
import re
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.failures.errors import UsageError
from infer.evaluation.benchmark import Benchmark, Measured, Question, Request, Row, Seen
from infer.harness import answers

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

COLUMNS = ("key", "task_type", "instruction", "instruction_language", "input_image_raw")
HIGHEST = 10
MARKS = ("SC", "PQ", "O")
LANGUAGES = {"en": "en", "cn": "cn", "zh": "cn"}
INTERSECTION = "Intersection_exist"  # a column that files may lack
_INSTRUCTION = "<instruction>"
_LIST = re.compile(r"\[[^\[\]]*\]")


def marks(answer: str) -> list[float] | None:
    """The two of an answer in JSON, or of its first list; None: it has none of the scale."""
    first, last = answer.find("{"), answer.rfind("}")
    try:
        listed = str(json.loads(answer[first : last + 1], strict=False)["score"])
    except (ValueError, LookupError, TypeError):
        bare = _LIST.search(answer)
        listed = bare[0] if bare else ""
    return answers.marks(listed, 2, 0, HIGHEST)


class GEditBench(Benchmark):
    """One image of each request; what a judge does not mark as asked counts as 0, and is said."""

    asks = True

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._sources: dict[str, bytes] = {}
        folder = Path(__file__).parent / "data"
        self._edited = (folder / "viescore_edit.txt").read_text("utf-8")
        self._looked_at = (folder / "viescore_quality.txt").read_text("utf-8")

    @property
    def facts(self) -> Mapping[str, Any]:
        """Whose questions a judge is asked."""
        return {"questions": "VIEScore's, task tie", "requests": len(self._sources)}

    def requests(self) -> Sequence[Request]:
        """One of each row."""
        made: list[Request] = []
        for row in _rows(self.data):
            language = LANGUAGES.get(row["instruction_language"])
            if language is None:
                raise UsageError(
                    f"--data: language {row['instruction_language']!r}; expected en or cn"
                )
            name = f"{language}-{row['key']}"
            self._sources[name] = row["input_image_raw"]["bytes"]
            facts = {"language": language, "intersection": row.get(INTERSECTION)}
            group = f"{language} {row['task_type']}"
            given = (self._sources[name],)
            made.append(Request(name, row["instruction"], group=group, facts=facts, inputs=given))
        if not made:
            raise UsageError(f"--data {self.data}: no requests in it")
        return made

    def questions(self, request: Request, image: "Image.Image") -> Sequence[Question]:
        """Two: of source and result, as large as the source, and of the result alone."""
        source = decoded(self._sources[request.id])
        pair = (source, image.resize(source.size))
        asked = self._edited.replace(_INSTRUCTION, request.prompt)
        return [Question(asked, pair), Question(self._looked_at, (image,))]

    def measure(self, request: Request, seen: Seen) -> Measured:
        """SC, PQ and O of the picture."""
        read = [marks(answer) for answer in seen.answers]
        success, quality = (min(pair) if pair else 0.0 for pair in read)
        overall = sqrt(success * quality)
        values = {"SC": success, "PQ": quality, "O": overall, "unclear": None in read}
        return Measured(overall / HIGHEST, "\n".join(seen.answers), values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """SC, PQ and O of each language and its intersection, and O of each kind."""
        from infer.harness import metrics

        listed: list[Metric] = []
        for language in sorted({row.facts["language"] for row in rows}):
            own = [row for row in rows if row.facts["language"] == language]
            parts = {language: own}
            parts[f"{language}, intersection"] = [row for row in own if row.facts["intersection"]]
            for part, of in parts.items():
                listed += [
                    metrics.macro(f"{name} {part}", of, _value(name)) for name in MARKS if of
                ]
        for group, own in metrics.by_group(rows).items():
            listed.append(metrics.mean(f"O {group}", own, _value("O")))
        asked = [row for row in rows if not row.is_missing]
        if any(row.values["unclear"] for row in asked):
            listed.append(metrics.share("unclear", asked, lambda row: row.values["unclear"]))
        return listed


def _value(name: str) -> Any:
    return lambda row: row.values[name]


def decoded(data: bytes) -> "Image.Image":
    """An RGB image. Raises ``PictureError``."""
    from PIL import Image

    from curation.picture import decoding

    return Image.fromarray(decoding.decode(data, None).rgb)


def _rows(data: str | None) -> list[dict[str, Any]]:
    whence = "the data set stepfun-ai/GEdit-Bench, of https://github.com/stepfun-ai/Step1X-Edit"
    if data is None:
        raise UsageError(f"expected --data: Parquet files of {whence}")
    path = Path(data)
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UsageError(f"--data {data}: no Parquet file here; expected those of {whence}")
    try:
        return [row for file in files for row in _of_file(file)]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UsageError(f"--data {data}: not readable ({error}); expected {whence}") from None


def _of_file(path: Path) -> list[dict[str, Any]]:
    more = [name for name in (INTERSECTION,) if name in pq.read_schema(path).names]
    listed: list[dict[str, Any]] = pq.read_table(path, columns=[*COLUMNS, *more]).to_pylist()
    return listed
