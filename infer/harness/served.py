"""Images of a model behind an OpenAI-compatible server (``/v1/images/generations``)."""

import base64
import binascii
import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from curation import progress, storage
from curation.failures.errors import IncompleteError, UsageError
from curation.networks import endpoint, weights
from curation.networks.endpoint import EndpointError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer.harness.generated import facts_of
from infer.harness.sources import Task
from infer.job import png

KEY = "IMAGE_API_KEY"  # the variable of the environment
SIZE = (1024, 1024)
_LARGEST = 64 << 20  # bytes of an answer
_RETRIES, _SECONDS = 5, 600.0
_NO_ACCESS = (401, 403, 404)
_UNKNOWN_FIELDS = (400, 422)
_MOST_FAILED = 20  # then the server is not asked any more


class Endpoint:
    """The model ``model`` behind ``url``, asked for so many images at once.

    ``steps`` and ``guidance`` are sent where they are given, under the names that vLLM and SGLang
    have for them. A server that refuses fields which OpenAI's own does not know (``seed``,
    ``response_format``) is asked without them: then its images cannot be had again.
    """

    def __init__(
        self,
        url: str,
        model: str,
        folder: Path,
        *,
        size: tuple[int, int] | None,
        steps: int | None,
        guidance: float | None,
        negative: str | None,
        concurrency: int,
    ) -> None:
        """Raises ``MissingModelError`` where no server answers."""
        weights.need("pip install requests", "requests")
        endpoint.check(url, "--endpoint")
        self.folder, self.size = folder, size or SIZE
        self._url, self._model, self._concurrency = url, model, concurrency
        asked = {
            "num_inference_steps": steps,
            "true_cfg_scale": guidance,
            "negative_prompt": negative or None,
        }
        self._asked = {name: value for name, value in asked.items() if value is not None}
        self._made = {"steps": steps, "guidance": guidance, "negative": negative}
        self._bare, self._lock = False, threading.Lock()
        self._server = endpoint.Server(
            url, KEY, concurrency=concurrency, retries=_RETRIES, timeout=_SECONDS
        )

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"kind": "endpoint", "url": self._url, "name": self._model}

    @property
    def settings(self) -> Mapping[str, Any]:
        return {**self._made, "batch_size": 1, "size": list(self.size)}

    def make(self, benchmark: str, tasks: Sequence[Task]) -> None:
        """One request for each image that is not there."""
        if edit := next(
            (task for task in tasks if task.request.inputs or task.request.edits), None
        ):
            raise UsageError(
                f"--endpoint: {edit.request.id} edits an image, and images are asked for by prompts"
                " alone; make the images elsewhere and name their folder with --images"
            )
        left = [task for task in tasks if not (self.folder / task.request.file).exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        done, failed = len(tasks) - len(left), list[EndpointError]()

        def make(task: Task) -> bool:
            nonlocal done
            if len(failed) >= _MOST_FAILED:
                return False
            try:
                image, is_seeded = self._image(task)
            except EndpointError as error:
                if error.status in _NO_ACCESS:
                    raise UsageError(_reason(error) + f"; the key is read from {KEY}") from None
                failed.append(error)
                return False
            made = {"model": self._model, **self._asked, "seed_sent": is_seeded}
            facts = facts_of(benchmark, task) | {"size": "{}x{}".format(*image.size)} | made
            storage.write_bytes(str(self.folder / task.request.file), png(image, facts))
            done += 1
            return True

        with (
            progress.watch("", "images", lambda: (len(tasks), done)),
            ThreadPoolExecutor(self._concurrency) as pool,
        ):
            missing = list(pool.map(make, left)).count(False)
        if missing:
            raise IncompleteError(
                f"{missing} of {len(tasks)} images could not be had: {_reason(failed[0])}; run the"
                " same command again to ask for these alone, or count them as empty: --images"
                f" {self.folder}"
            )

    def _image(self, task: Task) -> tuple[Image.Image, bool]:
        """An image, and whether it was asked for by its seed."""
        size = "{}x{}".format(*task.size)
        body = {"model": self._model, "prompt": task.request.prompt, "n": 1, "size": size}
        more = {"response_format": "b64_json", "seed": task.seed, **self._asked}
        is_bare = self._bare
        try:
            answer = self._post(body if is_bare else body | more)
        except EndpointError as error:
            if is_bare or error.status not in _UNKNOWN_FIELDS:
                raise
            answer = self._post(body)  # a prompt that is refused is refused again
            with self._lock:
                if not self._bare:
                    self._bare = True
                    progress.say(f"--endpoint: asked without {', '.join(more)}: {_reason(error)}")
            is_bare = True
        return _decoded(answer), not is_bare

    def _post(self, body: dict[str, Any]) -> bytes:
        return self._server.post("images/generations", body, _LARGEST)


def _decoded(answer: bytes) -> Image.Image:
    """The image of an answer, RGB. Raises ``EndpointError``."""
    try:
        data = base64.b64decode(json.loads(answer)["data"][0]["b64_json"], validate=True)
        return Image.fromarray(decoding.decode(data, None).rgb)
    except PictureError as error:
        raise EndpointError(f"no image: {error.detail}", passes=False) from None
    except (LookupError, TypeError, ValueError, binascii.Error):
        message = "no image in the answer; expected b64_json (addresses are not followed)"
        raise EndpointError(message, passes=False) from None


def _reason(error: EndpointError) -> str:
    return f"{error} ({error.said})" if error.said else str(error)
