"""``python -m infer.layers``: take an image apart into layers with alpha, which laid over one
another are the image. Needs a checkpoint of the layered model (``QwenImageLayeredPipeline``).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation import progress, storage
from curation.failures import commands
from curation.failures.errors import UsageError
from curation.storage import ownership, user_paths
from infer import checkpoints, generating, options
from infer.job import png
from train import threads

if TYPE_CHECKING:
    from PIL.Image import Image

    from infer.engine.engine import Engine

app = commands.application()
KIND = "layers"


@app.command()
def take_apart(
    image: Annotated[str, typer.Option("--input", help="The image.", parser=user_paths.place)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder.", parser=user_paths.path)
    ],
    prompt: Annotated[
        str | None,
        typer.Argument(help="What the image shows. [default: what its text encoder says of it]"),
    ] = None,
    checkpoint: options.Checkpoint = None,
    layers: Annotated[int, typer.Option(min=1, max=16, help="How many.")] = 4,
    side: Annotated[int, typer.Option(min=32, help="About so many pixels squared.")] = 640,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative: options.Negative = " ",
    seed: options.Seed = 0,
    english: Annotated[
        bool, typer.Option("--english", help="Without a PROMPT: write it in English, not Chinese.")
    ] = False,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Take an image apart into layers with alpha.

    Example: python -m infer.layers --checkpoint Qwen-Image-Layered --input poster.png \\
    'a poster: a red title over a photograph of the sea' -o layers/

    OUTPUT gets 1.png, the lowest, 2.png ..., and composite.png, which they are together.

    Without a prompt the text encoder, Qwen2.5-VL, writes one that describes the image.
    """
    threads.settle()
    generating.check(steps, guidance)
    folder = checkpoints.find(checkpoint)
    usual = checkpoints.defaults(folder)
    given = user_paths.read(image, "--input")
    from infer.engine.engine import Engine

    engine = Engine.load(folder, device)
    seen = _seen(engine, image, given, side)
    asked = (steps or usual.steps, usual.guidance if guidance is None else guidance)
    with ownership.held(str(output), KIND):
        facts: dict[str, Any] = {"seed": seed, "steps": asked[0], "guidance": asked[1]}
        if prompt is None or not prompt.strip():
            prompt = _caption(engine, seen, english)
            typer.echo(f"infer.layers: the text encoder says of it: {prompt!r}", err=True)
            facts["prompt_by"] = "the text encoder"
        made = _layers(engine, seen, (prompt, negative), layers, asked, seed)
        facts |= {"prompt": prompt, "checkpoint": checkpoints.name(folder)}
        written = []
        for name, picture in made.items():
            path = output / f"{name}.png"
            storage.write_bytes(str(path), png(picture, facts))
            written.append(str(path))
    result = {"images": written, "prompt": prompt}
    typer.echo(json.dumps(result, ensure_ascii=False) if as_json else "\n".join(written))


def _seen(engine: "Engine", name: str, data: bytes, side: int) -> "Image":
    """An image as the layered model sees it, RGBA. Raises ``UsageError``."""
    from PIL import Image

    from curation.picture import decoding
    from curation.picture.decoding import PictureError
    from train.autoencoders.qwen import QwenAutoencoder
    from train.models.qwen_image import layered

    is_layered = getattr(engine.family, "layered", False)
    if not is_layered or not isinstance(engine.autoencoder, QwenAutoencoder):
        raise UsageError(f"{engine.folder}: no layered model: expected a Qwen-Image-Layered folder")
    try:
        rgb = decoding.decode(data, None).rgb  # transparent parts are white
    except PictureError as error:
        raise UsageError(f"--input {name}: {error.reason}: {error.detail}") from error
    size = layered.size(rgb.shape[1], rgb.shape[0], side)
    return Image.fromarray(rgb).convert("RGBA").resize(size, Image.Resampling.LANCZOS)


def _caption(engine: "Engine", image: "Image", english: bool) -> str:
    """What the text encoder says of an image. Raises ``UsageError`` where it cannot."""
    from train.text_encoders import qwen_captions
    from train.text_encoders.qwen import QwenTextEncoder

    encoder: Any = engine.text_encoder
    if lacks := qwen_captions.missing(encoder):
        raise UsageError(f"{engine.folder}: writes no prompts, it has not {lacks}; give a PROMPT")
    assert isinstance(encoder, QwenTextEncoder)
    return qwen_captions.caption(encoder, image.convert("RGB"), english=english)


def _layers(
    engine: "Engine",
    image: "Image",
    prompts: tuple[str, str],
    count: int,
    asked: tuple[int, float],
    seed: int,
) -> "dict[str, Image]":
    """The layers by number, and the composite."""
    import numpy as np
    import torch
    from PIL import Image

    from train.models.qwen_image import layered
    from train.packing.packed import Packed
    from train.pixels import scaled
    from train.sampler import Step

    autoencoder: Any = engine.autoencoder
    (steps, guidance), done = asked, 0
    with torch.inference_mode(), progress.watch("", "steps", lambda: (steps, done)):
        latents = autoencoder.encode(scaled(np.array(image)))[0].to(engine.device)
        channels, height, width = latents.shape
        texts = engine.text_encoder.encode(list(prompts[: 2 if guidance > 1 else 1]))

        def begin(packed: Packed) -> Step:
            step = engine.family.begin(engine.transformer, packed)

            def watched(tokens: torch.Tensor, sigma: torch.Tensor, number: int) -> torch.Tensor:
                nonlocal done
                done = number
                return step(tokens, sigma, number)

            return watched

        made = layered.sample(
            begin,
            engine.family,
            latents,
            layered.noise(count, (channels, height, width), seed).to(engine.device),
            texts,
            steps=steps,
            flow=engine.flow,
            guidance=guidance,
        )
        pictures = layered.images(autoencoder, made)
    composite = Image.new("RGBA", image.size)
    for picture in pictures:
        composite = Image.alpha_composite(composite, picture)
    return {str(n): each for n, each in enumerate(pictures, 1)} | {"composite": composite}


if __name__ == "__main__":
    commands.main("infer.layers", app)
