"""What a vision-language model behind an OpenAI-compatible interface says of an image."""

import base64
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from curation.failures.errors import UsageError
from train.rewards.reward import Reward

if TYPE_CHECKING:
    from curation.networks.endpoint import Server
    from train.pixels import Pixels
    from train.rewards.reward import Scores

_LARGEST = 1_000_000  # bytes of an answer that are read
_TEMPERATURES = (0.0, 0.7)  # of a first question, and of a second where no score was said
_MOST = 10  # the best score that is asked for
_QUESTION = (
    "An image was generated for the prompt below. Judge from 0 to 10 how well it shows what the"
    " prompt asks for: its objects, their relations, and every text letter by letter. Answer with"
    ' JSON alone: {"score": NUMBER}.\n\nPrompt: '
)
_SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 0, "maximum": _MOST}},
    "required": ["score"],
    "additionalProperties": False,
}


class Endpoint(Reward):
    """A ``model`` at ``url``, such as http://localhost:8000/v1, is asked ``question``, behind which
    stands the prompt, and answers {"score": 0 to 10}. So many are asked at once (``concurrency``),
    each again ``retries`` times; ``timeout`` seconds for one. The key is in ``key_variable``.
    Where an answer is no score, it is asked once more, less strictly (a temperature of 0.7), and
    then has no score: its group is left out, and counted.

    Where it does not answer the same to the same, a resumed run is not the undisturbed one.
    """

    url: str
    model: str
    question: str = _QUESTION
    concurrency: Annotated[int, Field(ge=1, le=512)] = 16
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    timeout: Annotated[float, Field(gt=0)] = 120.0
    key_variable: str = "OPENAI_API_KEY"

    def check(self) -> None:
        from curation.networks import endpoint, weights
        from curation.networks.weights import MissingModelError

        try:
            weights.need("pip install requests", "requests")
            endpoint.check(self.url)
        except MissingModelError as error:
            raise UsageError(f"objective.rewards: endpoint: {error}") from None

    def scores(self, images: "Sequence[Pixels]", prompts: Sequence[str]) -> "Scores":
        """As ``Reward``. Raises ``UsageError`` where the server gives no score for any image."""
        with ThreadPoolExecutor(self.concurrency) as threads:
            answers = list(threads.map(self._score, images, prompts))
        scores = [each if isinstance(each, float) else None for each in answers]
        if scores and all(score is None for score in scores):
            raise self._failed(f"of {len(scores)} images none has a score: {answers[0]}")
        return scores

    def _score(self, image: "Pixels", prompt: str) -> float | str:
        """The score, or what was said in place of one."""
        from curation.networks.endpoint import EndpointError

        server = _server(self.url, self.key_variable, self.concurrency, self.retries, self.timeout)
        said = ""
        for temperature in _TEMPERATURES:
            body = self._body(image, prompt) | {"temperature": temperature}
            try:
                return scored(server.post("chat/completions", body, _LARGEST))
            except ValueError as error:
                said = str(error)
            except EndpointError as error:
                raise self._failed(str(error)) from None
        return said

    def _failed(self, why: str) -> UsageError:
        return UsageError(
            f"objective.rewards: endpoint: {why}; start the same command again to go on from the"
            " last checkpoint"
        )

    def _body(self, image: "Pixels", prompt: str) -> dict[str, Any]:
        from PIL import Image

        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        data = base64.b64encode(stream.getvalue()).decode()
        content = [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
            {"type": "text", "text": self.question + prompt},
        ]
        schema = {"name": "score", "strict": True, "schema": _SCHEMA}
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 64,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }


@cache
def _server(url: str, key: str, concurrency: int, retries: int, timeout: float) -> "Server":
    from curation.networks.endpoint import Server

    return Server(url, key, concurrency=concurrency, retries=retries, timeout=timeout)


def scored(answer: bytes) -> float:
    """The score in an answer of the server, 0 to 1. Raises ``ValueError`` where there is none."""
    try:
        said = json.loads(answer)["choices"][0]["message"]["content"]
        score = json.loads(said)["score"]
    except (ValueError, LookupError, TypeError):
        score = None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= _MOST:
        raise ValueError(f"expected a score of 0 to {_MOST} as JSON, not {answer[:200]!r}")
    return score / _MOST
