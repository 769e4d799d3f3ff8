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
    from infer.engine.engine import Engine

app = commands.application()
KIND = "layers"


@app.command()
def take_apart(
    prompt: Annotated[str, typer.Argument(help="What the image shows.")],
    image: Annotated[str, typer.Option("--input", help="The image.", parser=user_paths.place)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A folder.", parser=user_paths.path)
    ],
    checkpoint: options.Checkpoint = None,
    layers: Annotated[int, typer.Option(min=1, max=16, help="How many.")] = 4,
    side: Annotated[int, typer.Option(min=32, help="About so many pixels squared.")] = 640,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative: options.Negative = " ",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Take an image apart into layers with alpha.

    Example: python -m infer.layers --checkpoint Qwen-Image-Layered --input poster.png \\
    'a poster: a red title over a photograph of the sea' -o layers/

    OUTPUT gets 1.png, the lowest, 2.png ..., and composite.png, which they are together.
    """
    threads.settle()
    generating.check(steps, guidance)
    folder = checkpoints.find(checkpoint)
    usual = checkpoints.defaults(folder)
    given = user_paths.read(image, "--input")
    from infer.engine.engine import Engine

    engine = Engine.load(folder, device)
    asked = (steps or usual.steps, usual.guidance if guidance is None else guidance)
    with ownership.held(str(output), KIND):
        made = _layers(engine, (image, given), (prompt, negative), layers, side, asked, seed)
        called = checkpoints.name(folder)
        facts = {"prompt": prompt, "seed": seed, "steps": asked[0], "guidance": asked[1]}
        written = []
        for name, picture in made.items():
            path = output / f"{name}.png"
            storage.write_bytes(str(path), png(picture, facts | {"checkpoint": called}))
            written.append(str(path))
    typer.echo(json.dumps({"images": written}) if as_json else "\n".join(written))


def _layers(
    engine: "Engine",
    image: tuple[str, bytes],
    prompts: tuple[str, str],
    count: int,
    side: int,
    asked: tuple[int, float],
    seed: int,
) -> dict[str, Any]:
    """The layers by number, and the composite. Raises ``UsageError``."""
    import numpy as np
    import torch
    from PIL import Image

    from curation.picture import decoding
    from curation.picture.decoding import PictureError
    from train.autoencoders.qwen import QwenAutoencoder
    from train.models.qwen_image import layered
    from train.packing.packed import Packed
    from train.pixels import scaled
    from train.sampler import Step

    autoencoder = engine.autoencoder
    if not getattr(engine.family, "layered", False) or not isinstance(autoencoder, QwenAutoencoder):
        raise UsageError(f"{engine.folder}: no layered model: expected a Qwen-Image-Layered folder")
    try:
        rgb = decoding.decode(image[1], None).rgb  # transparent parts are white
    except PictureError as error:
        raise UsageError(f"--input {image[0]}: {error.reason}: {error.detail}") from error
    size = layered.size(rgb.shape[1], rgb.shape[0], side)
    opaque = Image.fromarray(rgb).convert("RGBA")
    seen = np.array(opaque.resize(size, Image.Resampling.LANCZOS))
    (steps, guidance), done = asked, 0
    with torch.inference_mode(), progress.watch("", "steps", lambda: (steps, done)):
        latents = autoencoder.encode(scaled(seen))[0].to(engine.device)
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
    composite = Image.new("RGBA", size)
    for picture in pictures:
        composite = Image.alpha_composite(composite, picture)
    return {str(n): each for n, each in enumerate(pictures, 1)} | {"composite": composite}


if __name__ == "__main__":
    commands.main("infer.layers", app)
