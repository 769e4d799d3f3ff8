"""Autoencoder: what an image loses on its way through the checkpoint's: PSNR, SSIM, and text.

``--data`` are shards; of `python -m synthesis.render`, whose text and boxes are exact, lines are
read before (the ceiling) and after, by their height. Nothing is generated. Any file of our schema
will do for PSNR and SSIM, and any folder of images.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curation import shard, storage
from curation.failures.errors import UsageError
from curation.networks import weights
from curation.picture import likeness
from infer.evaluation.benchmark import Benchmark, Line, Measured, Request, Row, Seen

if TYPE_CHECKING:
    from PIL import Image

    from infer.harness.metrics import Metric

EDGES = (0, 12, 16, 24, 32, 48)  # pixels: heights of lines, each up to the next
_ROOM = 0.3  # of a line's height: how far the middle of what is read may be outside


class Autoencoder(Benchmark):
    """PSNR and SSIM are means over images; NED, 1 for what is read as it is, is one over lines."""

    reads = True
    reconstructs = True
    held_out = "nothing is asked for"

    def __init__(self, checkpoint: Path | None, data: str | None) -> None:
        """Raises ``MissingModelError`` without rapidfuzz."""
        super().__init__(checkpoint, data)
        weights.need("pip install 'inkstone[captions]'", "rapidfuzz")
        self._images: dict[str, bytes] = {}
        self._left_out: list[str] = []

    @property
    def facts(self) -> Mapping[str, Any]:
        """How text is judged."""
        ned = "1 - Levenshtein / longer length, after NFKC and without spaces; horizontal lines"
        facts = {"ned": ned, "heights": list(EDGES), "height": "of the box of a line, in pixels"}
        return facts | ({"left_out": self._left_out} if self._left_out else {})

    def requests(self) -> Sequence[Request]:
        """One for each distinct image. Raises ``UsageError`` for no or small ones."""
        from train.folders.packing import is_folder

        if self.data is None:
            raise UsageError(
                "expected --data: shards, such as `python -m synthesis.render` writes, or a folder"
                " of images"
            )
        every = self._of_folder(Path(self.data)) if is_folder(self.data) else _of_shards(self.data)
        requests: dict[str, Request] = {}
        for request in every:
            requests.setdefault(request.id, request)
        if not requests:
            raise UsageError(f"--data {self.data}: no image could be read")
        self._images = {name: request.inputs[0] for name, request in requests.items()}
        return list(requests.values())

    def _of_folder(self, folder: Path) -> Iterator[Request]:
        """All images but those that cannot be read."""
        from train.folders import places, reading

        for name, entry in places.files(folder):
            if reading.is_image(name):
                data = storage.read_bytes(entry.path)
                try:
                    yield _request(hashlib.blake2b(data, digest_size=16).hexdigest(), data, None)
                except UsageError as error:
                    self._left_out.append(f"{name}: {str(error).partition(': ')[2]}")

    def perfect(self, request: Request) -> "Image.Image":
        """The image itself: what is read in it is what could be read after."""
        from PIL import Image

        from curation.picture import decoding

        return Image.fromarray(decoding.decode(self._images[request.id], None).rgb)

    def measure(self, request: Request, seen: Seen) -> Measured:
        """All is 0 where the image is missing. Raises ``UsageError`` for one of another size."""
        lines = [
            (line["height"], 0.0 if seen.is_missing else similarity(line, seen.lines))
            for line in request.facts["lines"]
        ]
        values: dict[str, Any] = {"psnr": 0.0, "ssim": 0.0, "lines": lines}
        if not seen.is_missing:
            if seen.image.size != request.size:
                raise UsageError(f"{request.file}: expected an image of {request.size} pixels")
            image, truth = np.asarray(seen.image), np.asarray(self.perfect(request))
            values |= {"psnr": likeness.psnr(image, truth), "ssim": likeness.ssim(image, truth)}
        read = sum(ned for _, ned in lines) / len(lines) if lines else values["ssim"]
        return Measured(min(max(read, 0.0), 1.0), seen.text, values)

    @staticmethod
    def score(rows: Sequence[Row]) -> Sequence["Metric"]:
        """PSNR, SSIM, NED of all lines, and of those of each height that there is."""
        from infer.harness import metrics

        def ned(name: str, low: float, high: float) -> "Metric":
            def of(row: Row) -> list[float]:
                return [each for height, each in row.values["lines"] if low <= height < high]

            own = [row for row in rows if of(row)]  # a resample of others would have no lines
            return metrics.pooled(name, own, lambda row: sum(of(row)), lambda row: len(of(row)))

        listed = [
            metrics.mean("PSNR", rows, lambda row: row.values["psnr"], by=()),
            metrics.mean("SSIM", rows, lambda row: row.values["ssim"], by=()),
        ]
        heights = [height for row in rows for height, _ in row.values["lines"]]
        if heights:
            listed.append(ned("NED", 0, np.inf))
        for low, high in zip(EDGES, (*EDGES[1:], np.inf), strict=True):
            if any(low <= height < high for height in heights):
                said = f"of {low} to {high} px" if np.isfinite(high) else f"from {low} px"
                listed.append(ned(f"NED of lines {said}", low, high))
        return listed


def similarity(line: Mapping[str, Any], read: Sequence[Line]) -> float:
    """1 - Levenshtein's distance over the longer length, of a line of text and what was read in its
    box, from left to right.
    """
    from rapidfuzz.distance import Levenshtein

    left, top, right, bottom = line["box"]
    room = _ROOM * line["height"]
    inside: list[tuple[float, str]] = []
    for each in read:
        if each.box is None:
            raise UsageError("autoencoder: expected a reader that knows places, such as rapidocr")
        across, down = (each.box[0] + each.box[2]) / 2, (each.box[1] + each.box[3]) / 2
        if left - room <= across <= right + room and top - room <= down <= bottom + room:
            inside.append((each.box[0], each.text))
    said = "".join(text for _, text in sorted(inside))
    return float(Levenshtein.normalized_similarity(_plain(line["text"]), _plain(said)))


def _of_shards(data: str) -> Iterator[Request]:
    from train.data.shard_files import paths

    for path in paths(data, f"--data {data}"):
        names = shard.outline(path).columns
        columns = [name for name in ("id", "image", "text_boxes") if name in names]
        for batch in shard.read(path, columns):
            for row in batch.to_pylist():
                yield _request(row["id"], row["image"]["bytes"], row.get("text_boxes"))


def _request(name: str, data: bytes, boxes: Sequence[Mapping[str, Any]] | None) -> Request:
    from curation.picture import decoding
    from curation.picture.decoding import PictureError

    try:
        header = decoding.read_header(data)
    except PictureError as error:
        raise UsageError(f"{name}: {error.reason}: {error.detail}") from error
    lines = [_line(box) for box in boxes or () if box["level"] == "line"]
    kept = [line for line in lines if _is_horizontal(line) and _plain(line["text"])]
    return Request(
        id=name,
        prompt="(reconstruction)",
        size=(header.width, header.height),
        texts=tuple(line["text"] for line in kept),
        facts={"lines": kept},
        inputs=(data,),
    )


def _line(box: Mapping[str, Any]) -> dict[str, Any]:
    across, down = box["quad"][::2], box["quad"][1::2]
    sides = [min(across), min(down), max(across), max(down)]
    return {"text": box["text"], "box": sides, "height": sides[3] - sides[1]}


def _is_horizontal(line: Mapping[str, Any]) -> bool:
    left, top, right, bottom = line["box"]
    return bool(len(line["text"]) == 1 or right - left >= bottom - top)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
