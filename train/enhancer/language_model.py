"""A causal language model of transformers, from a folder alone: read, trained beside, written.

No code of a folder is run, no weights but safetensors are read, and nothing is fetched.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.failures.errors import UsageError
from train import quieten, stored_json
from train.checkpoint_folder import LATEST
from train.enhancer import asking
from train.enhancer.configuration import Lora

ADAPTER = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"
_NAMED = re.compile(r"checkpoint-\d+")
_WRONG = (OSError, ValueError, LookupError, TypeError, ImportError, RuntimeError)
_LOCAL: Mapping[str, Any] = {"local_files_only": True, "trust_remote_code": False}


@dataclass(frozen=True)
class LanguageModel:
    """The ``network`` of transformers, or of peft with a LoRA, and its ``tokenizer``; an answer
    ends with the token ``end``. It is computed in a ``precision``, fp32 or bf16.
    """

    network: Any
    tokenizer: Any
    device: str
    end: int
    precision: str

    def autocast(self) -> AbstractContextManager[Any]:
        """In which all passes are made, so that answers are sampled as they are judged."""
        from train.precision import autocast

        return autocast(self.device, self.precision)

    @property
    def ends(self) -> frozenset[int]:
        """The tokens of which any ends an answer."""
        ends = self.network.generation_config.eos_token_id
        return frozenset(ends if isinstance(ends, list) else [ends])

    @property
    def trained(self) -> list[Any]:
        """The parameters that are trained."""
        return [weight for weight in self.network.parameters() if weight.requires_grad]

    @property
    def parameters(self) -> int:
        """How many there are, trained or not."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def padding(self) -> int:
        """The token behind the end of shorter rows."""
        own = self.tokenizer.pad_token_id
        return self.end if own is None else int(own)

    def write(self, folder: Path) -> None:
        """As transformers, and peft, read it."""
        self.network.save_pretrained(str(folder))
        self.tokenizer.save_pretrained(str(folder))


def newest(folder: Path) -> Path:
    """The folder itself; of an output of a training the checkpoint that it names as latest. Raises
    ``UsageError`` where that is none.
    """
    pointer = folder / LATEST
    if not pointer.is_file():
        return folder
    named = pointer.read_text("utf-8", errors="replace").strip()
    if not _NAMED.fullmatch(named) or not is_there(folder / named):
        raise UsageError(
            f"{pointer}: names {named[:40]!r}, which is no checkpoint of an enhancer: name the"
            " checkpoint itself; to train, choose another --out"
        )
    return folder / named


def is_there(folder: Path) -> bool:
    """Whether a folder has the configuration of a model, or of a LoRA."""
    return any((folder / name).is_file() for name in ("config.json", ADAPTER))


def check(folder: str) -> Path:
    """The folder of a model, or of a LoRA. Raises ``UsageError`` where there is none."""
    if not folder:
        raise UsageError("expected --model: a folder of a causal language model of transformers")
    place = newest(Path(folder))
    if not is_there(place):
        raise UsageError(
            f"--model {folder}: expected a folder with config.json, that of a causal language model"
            " of transformers such as Qwen3-4B-Instruct"
        )
    return place.resolve()


def load(
    folder: Path, device: str, precision: str, lora: Lora | None = None, *, train: bool = True
) -> LanguageModel:
    """Of a folder, or of the LoRA that it has, which is trained on; a new ``lora`` is begun beside
    any other. What is trained is float32, what is frozen float32 or, by ``precision``, bfloat16.

    Raises ``UsageError``.
    """
    quieten.libraries()
    import torch
    from jinja2 import TemplateError
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    beside = (folder / ADAPTER).is_file()
    if beside and lora:
        raise UsageError(f"{folder}: a LoRA, which is trained on: take lora: away")
    where = _base(folder) if beside else folder
    all_weights = train and not (beside or lora)
    kind = torch.bfloat16 if precision == "bf16" and not all_weights else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **_LOCAL)
        network = AutoModelForCausalLM.from_pretrained(
            str(where), dtype=kind, use_safetensors=True, **_LOCAL
        )
        asking.text(tokenizer, "system", "user")
    except (*_WRONG, SafetensorError, TemplateError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(f"{folder}: no language model: {said}") from error
    if tokenizer.eos_token_id is None:
        raise UsageError(f"{folder}: its tokenizer names no eos_token: no answer would end")
    network = adapted(network, folder if beside else None, lora, train=train)
    network.to(device).eval()
    if not train:
        network.requires_grad_(False)
    ends = network.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [] if ends is None else [ends]
    if tokenizer.eos_token_id not in listed:
        network.generation_config.eos_token_id = [*listed, tokenizer.eos_token_id]
    return LanguageModel(network, tokenizer, device, int(tokenizer.eos_token_id), precision)


def _base(folder: Path) -> Path:
    """The model that a LoRA stands beside. Raises ``UsageError`` also for another adapter, and for
    one without weights in safetensors, in whose place peft would take a pickle, or ask the hub.
    """
    read = stored_json.read(folder / ADAPTER)
    if read.get("peft_type") != "LORA" or read.get("megatron_config"):  # which imports modules
        raise UsageError(f"{folder / ADAPTER}: expected peft_type LORA, without megatron_config")
    if not (folder / _WEIGHTS).is_file():
        raise UsageError(f"{folder}: a LoRA without {_WEIGHTS}: no other weights are read")
    named = str(read.get("base_model_name_or_path"))
    if not (Path(named) / "config.json").is_file():
        raise UsageError(
            f"{folder / ADAPTER}: base_model_name_or_path names {named}, where no model is: put it"
            " there, or write its folder there"
        )
    return Path(named)


def adapted(network: Any, folder: Path | None, lora: Lora | None, *, train: bool) -> Any:
    """A network with the LoRA of a folder, or a new one, where either is given. Raises
    ``UsageError``.
    """
    if folder is None and lora is None:
        return network
    try:
        from peft import LoraConfig, PeftModel, get_peft_model
    except ImportError:
        raise UsageError("a LoRA needs peft: pip install 'inkstone[adapt]'") from None
    from safetensors import SafetensorError

    if folder is not None:
        try:
            return PeftModel.from_pretrained(
                network, str(folder), is_trainable=train, local_files_only=True
            )
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            RuntimeError,
            SafetensorError,
        ) as error:
            said = str(error).partition("\n")[0]
            raise UsageError(f"{folder}: no LoRA of {network.name_or_path}: {said}") from error
    assert lora
    targets = list(lora.targets) or "all-linear"
    try:
        return get_peft_model(
            network,
            LoraConfig(
                r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, task_type="CAUSAL_LM"
            ),
        )
    except ValueError as error:
        raise UsageError(f"lora: {str(error).partition(chr(10))[0]}") from None
