"""What ``python -m train --plan`` prints."""

from collections.abc import Iterator

from train.planning import Effort, OfImage, OfPhase, Plan

_DAY, _YEAR = 24, 24 * 365  # hours
_TASKS = {"ti2i": "an edit", "i2i": "a reconstruction", "t2i": "an image"}


def as_text(plan: Plan) -> str:
    """Some lines for people; each figure follows from those above it."""
    top, count = plan.devices, plan.devices.count
    peak = f"peak: {top.flops * count / 1e12:,.4g} TFLOP/s"
    if count > 1:
        peak += f" of {count:,} devices, {top.flops / 1e12:,.4g} each"
    lines = [
        f"network {plan.network}: {plan.parameters:,} parameters, {plan.trained:,} of them trained;"
        f" latents of {plan.channels} channels, text of {plan.text_width} values a token",
        f"{peak}, {top.source}",
        *([] if plan.images else ["images keep their sizes: FLOPs are those of the data"]),
        *map(_image, plan.images),
        *_objective(plan),
        *(_phase(plan, phase) for phase in plan.phases),
    ]
    if plan.effort and len(plan.phases) > 1:
        lines.append(f"all phases: {_effort(plan, plan.effort)}")
    return "\n".join([*lines, *_memory(plan), _fits(plan), *_changes(plan)])


def span(hours: float) -> str:
    """In seconds, minutes, hours, beyond a day in days, beyond a year in years."""
    if hours >= _YEAR:
        return f"{_digits(hours / _YEAR)} years"
    if hours >= _DAY:
        return f"{_digits(hours / _DAY)} days"
    if hours >= 1:
        return f"{_digits(hours)} hours"
    return f"{_digits(60 * hours)} minutes" if hours >= 1 / 60 else f"{3600 * hours:.1f} seconds"


def _digits(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _image(image: OfImage) -> str:
    shown = ", ".join(f"{flops / 1e12:.4g} with {text}" for text, flops in image.flops.items())
    more = [f"{image.references:,} of an input of that size"] if image.references else []
    more += [f"{image.seen:,} of what the text encoder sees"] if image.seen else []
    beyond = f" ({image.task}; more tokens: {' and '.join(more)})" if more else ""
    of = f"{_TASKS[image.task]} of {image.size}{beyond}"
    return f"TFLOP to train on {of}, by tokens of text: {shown}"


def _objective(plan: Plan) -> Iterator[str]:
    if plan.objective:
        kept, fake = plan.memory.reference, plan.memory.fake
        more = f"; the fake one, with its optimiser, {_gib(fake)} GiB" if fake else ""
        yield (
            f"objective {plan.objective}: a sample of a batch costs {plan.passes:,.4g} forward"
            " passes, those of generated images and of the network that the run started with among"
            f" them; that network takes {_gib(kept) if kept else 'no'} GiB more{more}"
        )


def _phase(plan: Plan, phase: OfPhase) -> str:
    of = phase.named if len(plan.phases) > 1 else "run"
    line = f"{of}: {phase.steps:,} steps of {phase.batch:,} samples, {phase.samples:,} in all"
    if phase.flops_of_sample is None or phase.effort is None:
        return line
    mix = [f"{100 * share:.3g} % {task}" for task, share in phase.tasks.items()]
    mixed = f"{', '.join(mix)} and " if len(mix) > 1 else ""
    sizes = f", of {' and '.join(phase.sizes)} as many" if len(phase.sizes) > 1 else ""
    return (
        f"{line}, with {mixed}{plan.text} tokens of text{sizes}:"
        f" {phase.flops_of_sample / 1e12:.4g} TFLOP a sample, {_effort(plan, phase.effort)}"
    )


def _effort(plan: Plan, effort: Effort) -> str:
    return (
        f"{effort.flops:.3g} FLOP, {span(effort.hours)} at {100 * plan.mfu:.0f} % of the peak"
        f" ({span(effort.hours_at_peak)} at 100 %)"
    )


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 2**30:.4g}"


def _memory(plan: Plan) -> Iterator[str]:
    needed, several = plan.memory, plan.devices.count > 1
    if plan.beside:
        yield from _beside(plan)
        return
    yield (
        f"GiB that processes divide among them: {_gib(needed.divided)} ="
        f" weights {_gib(needed.weights)} + gradients {_gib(needed.gradients)} +"
        f" {plan.optimiser} with states in {plan.states} {_gib(needed.optimiser)} +"
        f" averages {_gib(needed.averages)}"
    )
    again = f" + of a block computed again {_gib(needed.again)}" if needed.again else ""
    yield (
        f"GiB of each of several besides: {_gib(needed.undivided)} = activations of"
        f" {plan.tokens_at_once:,} tokens with recompute {plan.recompute}"
        f" {_gib(needed.activations)}{again} + gathered blocks {_gib(needed.gathered)};"
        " autoencoder and text encoder come on top"
    )
    if not several:
        yield (
            f"GiB of a process by itself: {_gib(needed.total)}, with copies of weights in bf16"
            f" {_gib(needed.copies)} and no gathered blocks"
        )


def _beside(plan: Plan) -> Iterator[str]:
    """All that is on the device; of an adapter also by what its base is held in."""
    needed = plan.memory
    own = needed.gradients + needed.optimiser + needed.averages
    again = f" + of a block computed again {_gib(needed.again)}" if needed.again else ""
    back = f" + a matrix computed back {_gib(needed.copies)}" if needed.copies else ""
    yield (
        f"GiB: {_gib(needed.total)} = frozen network and {plan.beside} {_gib(needed.weights)}{back}"
        f" + gradients, {plan.optimiser} and averages of the {plan.beside} {_gib(own)}"
        f" + activations of {plan.tokens_at_once:,} tokens with recompute {plan.recompute}"
        f" {_gib(needed.activations)}{again} + autoencoder and text encoder, where it is on the"
        f" device, {_gib(needed.encoders)}"
    )
    if not plan.bases:
        return
    sizes = ", ".join(f"{name} {_gib(size)}" for name, size in plan.bases.items())
    yield f"GiB by adapter.base: {sizes}"


def _fits(plan: Plan) -> str:
    fit, devices = plan.fit, plan.devices
    each = f"{devices.name} has {_gib(devices.memory)} GiB"
    if devices.count > 1:
        each = f"each {each}, and {devices.count:,} of them take {_gib(fit.of_each)} each"
    if fit.fits:
        fewest = (
            f", as it does on {fit.fewest:,}" if fit.fewest and fit.fewest < devices.count else ""
        )
        return f"{each}: it fits{fewest}"
    if fit.fewest is None:
        return f"{each}: what is not divided does not fit, on whatever number of such devices"
    return f"{each}: it takes {fit.fewest:,} such devices"


def _changes(plan: Plan) -> Iterator[str]:
    for change in plan.fit.changes:
        of = f"{change.fewest:,} such devices" if change.fewest > 1 else "1 such device"
        yield (
            f"with {change.settings}: {_gib(change.undivided)} GiB not divided, and it takes {of}"
        )
    if not plan.fit.fits and plan.fit.fewest is None and not plan.fit.changes:
        yield "neither recompute: block nor fewer tokens_at_once help: it takes larger devices"
