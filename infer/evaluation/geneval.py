"""GenEval: are the objects there, so many, so coloured and so placed? By a detector's boxes.

Source: https://github.com/djghosh13/geneval (MIT), whose rule this is. The detections are a
user's: a folder with a file ``<prompt id>_<k>.json`` for each image, of Mask2Former's (Swin-S on
COCO, as there):

    {"objects": [{"class": "bench", "score": 0.98, "box": [l, t, r, b], "color": "red",
                  "mask": {"size": [height, width], "counts": "..."}}]}

Boxes are in pixels, a mask in COCO's run lengths. ``color`` is what CLIP ViT-L/14 says of the
object; where a prompt asks for it and it is not given, it is told here, by the weights in
``clip-vit-large-patch14`` of the same folder.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from curation.failures.errors import UsageError
from curation.networks import encoders
from curation.strict_yaml import expected_one_of
from infer.evaluation.benchmark import Benchmark, Measured, Request, Row, Seen
from infer.harness import clip_l14, object_colours, prompt_files, run_lengths
from infer.harness.detections import Detection, Detections, Prompt, as_given, failures

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

IMAGES = 4  # of each prompt
PROMPTS = prompt_files.PromptFile(
    name="geneval.jsonl",
    whence="https://github.com/djghosh13/geneval, prompts/evaluation_metadata.jsonl",
    sha256="5c48e0813e812e3c373fa5c8ed07a8f0a483be30272b4427b0559c8048e67c13",
    rows=553,
)


def prompts() -> dict[str, Prompt]:
    """The 553 prompts by id, in the order of the source."""
    listed = prompt_files.read(PROMPTS, str(Path(__file__).parent / "data"), Prompt)
    return {f"{number:05d}": prompt for number, prompt in enumerate(listed)}


def requests(asked: Mapping[str, Prompt]) -> list[Request]:
    """Four images of each."""
    return [
        Request(name, each.prompt, k, group=each.tag)
        for name, each in asked.items()
        for k in range(IMAGES)
    ]


def figures(rows: Sequence[Row]) -> list["Metric"]:
    """The share of right images of each tag; ``overall`` is the mean of tags."""
    from infer.harness import metrics

    tags = metrics.by_group(rows)
    return [
        metrics.macro("overall", rows, lambda row: row.score),
        *(metrics.share(tag, own, lambda row: row.score == 1) for tag, own in tags.items()),
    ]


class GenEval(Benchmark):
    """Reads ``data``, the folder of detections; it is needed once the images are there."""

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        super().__init__(checkpoint, data)
        self._prompts = prompts()
        self._kinds = {each.class_ for of in self._prompts.values() for each in of.include}
        self._digest = hashlib.sha256()
        self._clip = None if data is None else clip_l14.named(Path(data) / clip_l14.FOLDER)
        self._classifier: object_colours.Classifier | None = None
        self._told = Counter[str]()

    @property
    def facts(self) -> Mapping[str, Any]:
        """Whose detections these are, and how many colours were given, or told by CLIP."""
        return {
            "prompts": PROMPTS.sha256,
            "detections": self._digest.hexdigest(),
            "colours": dict(sorted(self._told.items())),
            "clip": None if self._clip is None else self._clip.model,
        }

    def requests(self) -> Sequence[Request]:
        """Four images of each prompt."""
        return requests(self._prompts)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """Whether it is right, and why not. Raises ``UsageError`` for what is no detections."""
        if seen.is_missing:
            return Measured(0.0, "no image")
        wrong = self._failures(request, seen.image)
        return Measured(float(not wrong), "\n".join(wrong))

    def _failures(self, request: Request, image: "Image.Image") -> list[str]:
        name = Path(request.file).with_suffix(".json").name
        if self.data is None:
            raise UsageError(
                "expected --data, now that the images are there: a folder with a file such as"
                f" {name} for each, of a detector's boxes (docs/evaluation.md)"
            )
        path = Path(self.data) / name
        if not path.is_file():
            raise UsageError(f"--data {self.data}: no {name} here, of {request.file}")
        content = path.read_bytes()
        self._digest.update(content)
        try:
            listed = Detections.model_validate_json(content)
            self._check(listed)
            asked = self._prompts[request.id]
            return failures(asked, listed.objects, lambda each: self._colour(each, image))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise UsageError(
                f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
            ) from None
        except (UsageError, ValueError) as error:
            raise UsageError(f"{path}: {error}") from None

    def _check(self, detections: Detections) -> None:
        """Raise ``UsageError`` for a class by another name, which no prompt would ever match."""
        for each in detections.objects:
            if each.class_ not in self._kinds:
                raise UsageError(
                    f"class {each.class_!r}: {expected_one_of(each.class_, self._kinds)}; COCO's"
                    " mouse, keyboard and remote are computer mouse, computer keyboard, tv remote"
                )

    def _colour(self, detection: Detection, image: "Image.Image") -> str:
        if detection.color is not None or self._clip is None:
            self._told["given"] += 1
            return as_given(detection)
        if self._classifier is None:
            encoder = encoders.image_text_encoder(self._clip)
            self._classifier = object_colours.Classifier(encoder)
        runs, mask = detection.mask, None
        if runs is not None:
            mask = run_lengths.mask(runs.size, runs.counts)
        self._told["by CLIP" if runs else "by CLIP, without a mask"] += 1
        shown = object_colours.crop(image, detection.box, mask)
        return self._classifier.colour(shown, detection.class_)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """By tag, and the mean of tags."""
        return figures(rows)
