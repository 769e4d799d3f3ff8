"""Language models that write prompts: behind an endpoint of chat completions, or in a folder."""

import json
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from curation.networks import endpoint, languages, weights
from curation.networks.endpoint import EndpointError
from infer import checkpoints
from infer.enhancing import rule
from infer.enhancing.enhancer import Enhancer, NoAnswerError
from train.enhancer import asking, language_model

KEY = "ENHANCE_API_KEY"  # the variable of the environment
_LARGEST = 1_000_000  # bytes of an answer
_NEW_TOKENS = 700
_RETRIES, _SECONDS = 2, 60.0
_TEMPERATURE, _TOP_P = 0.7, 0.9


def opened(
    place: str | None, model: str | None, device: str = "auto", *, apart: bool = False
) -> Enhancer | None:
    """By an address such as ``http://localhost:8000/v1``, where the model is called ``model``, or
    by a folder of a causal language model, read to a device, ``apart`` in a process of its own;
    None where none is asked for.

    Raises ``UsageError``, and ``MissingModelError`` for a server that does not answer.
    """
    if place is None:
        if model:
            raise UsageError("--enhance-model: expected --enhance with it, the server's address")
        return None
    if "://" not in place:
        if model:
            raise UsageError(f"--enhance-model {model}: expected an address as --enhance with it")
        return _folder(Path(place), device, apart)
    if not place.startswith(("http://", "https://")):
        raise UsageError(f"--enhance {place}: expected a folder, or http://HOST:PORT/v1")
    if not model:
        raise UsageError("--enhance: expected --enhance-model, the name that the server knows")
    return Enhancer(Endpoint(place, model), _language())


def _language() -> rule.Language | None:
    """What tells languages apart; None where it is not installed."""
    try:
        return languages.detector()
    except weights.MissingModelError:
        return None


def _folder(given: Path, device: str, apart: bool) -> Enhancer:
    folder = language_model.newest(given)
    if not language_model.is_there(folder):
        raise UsageError(
            f"--enhance {given}: expected a folder with config.json, that of a language model of"
            " transformers, or an address such as http://localhost:8000/v1"
        )
    if not apart:
        return Enhancer(Local(folder, device), _language())
    from infer.enhancing import apart as own

    writer = own.Apart(own.command(folder, device), _name(folder))
    return Enhancer(writer, _language(), writer.end)


def _name(folder: Path) -> str:
    return checkpoints.name(folder.resolve())


class Endpoint:
    """The model ``name`` behind an address; its key is in ``KEY``."""

    at_once = 8

    def __init__(self, url: str, name: str) -> None:
        """Raises ``MissingModelError`` where no server answers."""
        weights.need("pip install requests", "requests")
        endpoint.check(url, "--enhance")
        self.name = name
        limits: dict[str, Any] = {"retries": _RETRIES, "timeout": _SECONDS, "obeys_pauses": False}
        self._server = endpoint.Server(url, KEY, concurrency=self.at_once, **limits)

    def write(self, system: str, user: str, attempt: int) -> str:
        """Its answer. Raises ``NoAnswerError``."""
        body = {
            "model": self.name,
            "messages": asking.messages(system, user),
            "max_tokens": _NEW_TOKENS,
            "temperature": _TEMPERATURE if attempt else 0,
            "top_p": _TOP_P if attempt else 1,
            "seed": attempt,
        }
        try:
            answer = json.loads(self._server.post("chat/completions", body, _LARGEST))
            choice = answer["choices"][0]
            text, is_cut = choice["message"]["content"], choice.get("finish_reason") == "length"
        except EndpointError as error:
            status = f" (status {error.status})" if error.status else ""
            raise NoAnswerError(f"{self.name} did not answer{status}") from None
        except (AttributeError, LookupError, TypeError, ValueError):
            raise NoAnswerError(f"{self.name} gave no chat completion") from None
        if is_cut:
            raise _cut_off(self.name)
        if not isinstance(text, str):
            raise NoAnswerError(f"{self.name} gave no text")
        return text


class Local:
    """A causal language model of transformers, from a folder: no code of it is run."""

    at_once = 1

    def __init__(self, folder: Path, device: str) -> None:
        """Raises ``UsageError`` for what is no such model."""
        weights.need("pip install 'inkstone[train]'", "torch", "transformers")
        import torch
        from jinja2 import TemplateError
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from infer.engine.engine import device_of
        from train import quieten

        quieten.libraries()
        self.name, self._device = _name(folder), device_of(device)
        if (folder / language_model.ADAPTER).is_file():
            precision = "fp32" if self._device.type == "cpu" else "bf16"
            loaded = language_model.load(folder, str(self._device), precision, train=False)
            self._tokenizer, self._model = loaded.tokenizer, loaded.network
            return
        kind = torch.float32 if self._device.type == "cpu" else torch.bfloat16
        usual = (OSError, ValueError, KeyError, ImportError, RuntimeError)
        wrong = (*usual, SafetensorError, TemplateError)
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), **where)
            model = AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=kind, use_safetensors=True, **where
            )
            asking.text(self._tokenizer, "system", "user")
            self._model = model.to(self._device).eval()
        except wrong as error:
            said = str(error).partition("\n")[0]
            raise UsageError(f"--enhance {folder}: no language model: {said}") from error

    def write(self, system: str, user: str, attempt: int) -> str:
        """Its answer, greedy and then sampled, each attempt by a seed of its own.

        Raises ``NoAnswerError``.
        """
        import torch

        asked = torch.tensor([asking.tokens(self._tokenizer, system, user)], device=self._device)
        options: dict[str, Any] = {"do_sample": False}
        if attempt:
            options = {"do_sample": True, "temperature": _TEMPERATURE, "top_p": _TOP_P}
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(attempt)
            made = self._model.generate(
                input_ids=asked,
                attention_mask=torch.ones_like(asked),
                max_new_tokens=_NEW_TOKENS,
                pad_token_id=self._tokenizer.pad_token_id or self._tokenizer.eos_token_id,
                **options,
            )
        new = made[0, asked.shape[1] :]
        if len(new) >= _NEW_TOKENS:
            raise _cut_off(self.name)
        return str(self._tokenizer.decode(new, skip_special_tokens=True))


def _cut_off(name: str) -> NoAnswerError:
    return NoAnswerError(f"{name} was cut off after {_NEW_TOKENS} tokens")
