"""An image-text model of transformers on this machine: Qwen2.5-VL, Qwen3-VL, or another, by folder.

Answers are held to the schema while they are written. Weights are read from the folder that is
named; nothing is fetched and no code of a stranger is run.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import Field

from captioning import constrained
from captioning.backends.backend import Backend, Captioner, Form, Question, Reply
from curation.networks import weights

TOKEN_PIXELS = 28 * 28  # of an image, for one visual token of Qwen2.5-VL


class Transformers(Backend):
    """``model`` is a folder, or a name on the Hub that was downloaded before. An image is shown as
    at most ``visual_tokens`` of 28 x 28 pixels; an answer has at most ``new_tokens``. Each of the
    ``devices`` has the model once and takes its part of a batch. Attempts after the first are
    sampled (captioning.md, section 3).
    """

    model: str
    visual_tokens: int = Field(default=768, ge=16, le=16384)
    new_tokens: int = Field(default=1024, ge=128)
    devices: tuple[str, ...] = ()
    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 20

    @property
    def uses_accelerator(self) -> bool:
        """Unless it is to answer from the CPU."""
        return any(device != "cpu" for device in self.devices or ("cuda",))

    def check(self) -> None:
        weights.need("pip install 'inkstone[train]'", "torch", "transformers")
        constrained.check()
        weights.check_transformers(self.model)

    def captioner(self) -> Captioner:
        self.check()
        return _Models(self)


class _Models:
    """The model on each device."""

    def __init__(self, settings: Transformers) -> None:
        devices = settings.devices or (_default_device(),)
        self._models = [_Model(settings, device) for device in devices]

    def answer(self, questions: Sequence[Question], attempt: int = 0) -> Sequence[Reply]:
        count = len(self._models)
        each = -(-len(questions) // count)  # what is alike stays together
        parts = [questions[place * each : (place + 1) * each] for place in range(count)]
        with ThreadPoolExecutor(count) as pool:
            answers = pool.map(lambda of, part: of.answer(part, attempt), self._models, parts)
            return [reply for part in answers for reply in part]


def _default_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


class _Model:
    """One copy of the model."""

    def __init__(self, settings: Transformers, device: str) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._settings, self._device = settings, device
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        # left: what is written follows its own prompt, not the padding of a shorter one
        self._processor = AutoProcessor.from_pretrained(
            settings.model, padding_side="left", **where
        )
        kind = torch.bfloat16 if device.startswith("cuda") else torch.float32
        self._model = AutoModelForImageTextToText.from_pretrained(
            settings.model, dtype=kind, use_safetensors=True, **where
        )
        self._model.to(device).eval()
        self._grammars: dict[str, constrained.Grammar] = {}

    def _grammar(self, form: Form) -> constrained.Grammar:
        """That of the form, compiled when it is first asked for."""
        if form.name not in self._grammars:
            size = self._model.config.get_text_config().vocab_size
            made = constrained.Grammar(self._processor.tokenizer, size, form.schema())
            self._grammars[form.name] = made
        return self._grammars[form.name]

    def answer(self, questions: Sequence[Question], attempt: int) -> list[Reply]:
        """A reply for each, in one batch; sampled ones are asked one by one, each by its seed."""
        if not questions:
            return []
        if attempt:
            return [self._generated([of], of.seed(attempt))[0] for of in questions]
        return self._generated(questions, None)

    def _generated(self, questions: Sequence[Question], seed: int | None) -> list[Reply]:
        import torch
        from transformers import LogitsProcessorList

        inputs = self._inputs(questions)
        length, budget = inputs["input_ids"].shape[1], self._settings.new_tokens
        grammar = self._grammar(questions[0].form)
        constraint = constrained.Constraint(grammar, len(questions), length, budget)
        options: dict[str, Any] = {"do_sample": False}
        if seed is not None:
            torch.manual_seed(seed)
            options = {
                "do_sample": True,
                "temperature": self._settings.temperature,
                "top_p": self._settings.top_p,
                "top_k": self._settings.top_k,
            }
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs,
                max_new_tokens=budget,
                repetition_penalty=1.0,  # more would punish text that the image repeats
                eos_token_id=grammar.end,
                pad_token_id=grammar.end,
                logits_processor=LogitsProcessorList([constraint]),
                **options,
            )
        prompts = inputs["attention_mask"].sum(1).tolist()
        return [
            self._reply(written, prompt, grammar.end)
            for written, prompt in zip(tokens[:, length:].tolist(), prompts, strict=True)
        ]

    def _inputs(self, questions: Sequence[Question]) -> Any:
        messages = [
            [
                {"role": "system", "content": [{"type": "text", "text": of.turn.system}]},
                {
                    "role": "user",
                    "content": _content(of),
                },
            ]
            for of in questions
        ]
        texts = [
            self._processor.apply_chat_template(of, tokenize=False, add_generation_prompt=True)
            for of in messages
        ]
        pixels = {
            "shortest_edge": 4 * TOKEN_PIXELS,
            "longest_edge": self._settings.visual_tokens * TOKEN_PIXELS,
        }
        inputs = self._processor(
            text=texts,
            images=[[*of.images] for of in questions],
            return_tensors="pt",
            padding=True,
            size=pixels,
        )
        return inputs.to(self._device)

    def _reply(self, written: list[int], prompt: int, end: int) -> Reply:
        is_whole = end in written
        tokens = written[: written.index(end)] if is_whole else written
        text = self._processor.tokenizer.decode(tokens, skip_special_tokens=True)
        return Reply(text, "stop" if is_whole else "length", prompt, len(tokens))


def _content(question: Question) -> list[dict[str, str]]:
    """The parts of the user's turn: images in their order, then what is asked."""
    parts: list[dict[str, str]] = []
    for label, _ in question.labelled():
        if label:
            parts.append({"type": "text", "text": label})
        parts.append({"type": "image"})
    return [*parts, {"type": "text", "text": question.turn.user}]
