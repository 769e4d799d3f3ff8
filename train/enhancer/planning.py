"""What a training of an enhancer would take: parameters, FLOPs and memory, on tensors without
values.
"""

from pathlib import Path
from typing import Any

import torch

from curation.failures.errors import UsageError
from train.enhancer import job, language_model, triplet
from train.enhancer.configuration import Policy, Shared

_GIB = 2**30
_PASSES = 3


def plan(configuration: Shared, data: str) -> dict[str, Any]:
    """Raises ``UsageError`` as the run would, for what is named and not there."""
    settings = job.settled(configuration)
    folder = Path(settings.model)
    needed = ("short",) if isinstance(settings, Policy) else ("short", "reasoning", "fine")
    triplets, _ = triplet.read(data, needed)
    model, trained, vocabulary = _counted(folder, settings)
    frozen = 2 if settings.precision == "bf16" else 4  # bytes of a weight that stays
    weights = 4 * trained if trained == model else frozen * model + 4 * trained
    if isinstance(settings, Policy) and settings.kl:
        weights += frozen * model
    rows = settings.batch * (settings.group if isinstance(settings, Policy) else 1)
    tokens = rows * settings.longest
    judged = settings.answer if isinstance(settings, Policy) else settings.longest
    logits = 3 * 4 * min(rows, settings.rows_at_once) * judged * vocabulary
    passes = _PASSES if trained == model else 2
    return {
        "parameters": model,
        "trained": trained,
        "triplets": len(triplets),
        "weights_gib": weights / _GIB,
        "optimiser_gib": 3 * 4 * trained / _GIB,  # gradients and two moments
        "logits_gib": logits / _GIB,
        "most_tokens_a_step": tokens,
        "most_tflop_a_step": 2 * passes * model * tokens / 1e12,
        "checkpoint_gib": 4 * 3 * trained / _GIB,
    }


def as_text(planned: dict[str, Any]) -> str:
    """For a reader. Activations are left out: ``recompute`` keeps those of one block. So is
    the generator of GRPO.
    """
    return "\n".join(
        f"{name:<20}{value:>16,.3f}" if isinstance(value, float) else f"{name:<20}{value:>16,}"
        for name, value in planned.items()
    )


def _counted(folder: Path, settings: Shared) -> tuple[int, int, int]:
    """The parameters of the model and those that are trained, and the tokens that it knows."""
    from transformers import AutoConfig, AutoModelForCausalLM

    beside = (folder / language_model.ADAPTER).is_file()
    if beside:
        raise UsageError("--plan: name the model itself, and its LoRA in --config")
    try:
        read = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        with torch.device("meta"):
            network = AutoModelForCausalLM.from_config(read, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(f"--model {folder}: no language model: {said}") from error
    everything = sum(weight.numel() for weight in network.parameters())
    trained = everything
    if settings.lora:
        network = language_model.adapted(network, None, settings.lora, train=True)
        trained = sum(w.numel() for w in network.parameters() if w.requires_grad)
    return everything, trained, int(read.get_text_config().vocab_size)
