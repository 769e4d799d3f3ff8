"""``python -m infer.server``: images on request, and a page to ask for them. Thin.

Exit codes: 0 fine, 1 bug, 2 wrong usage or checkpoint, 4 disk or input/output, 130 interrupted
(143: by SIGTERM).
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from curation.failures import commands
from curation.storage import user_paths
from infer import options

app = commands.application()

Host = Annotated[str, typer.Option(help="Another than this machine needs IMAGE_SERVER_TOKEN.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")]
Names = Annotated[
    list[str] | None,
    typer.Option("--allow-host", help="A name of this host that clients use; repeatable."),
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", help="auto, cpu, cuda:0 ...; repeatable, a worker on each."),
]
Queue = Annotated[int, typer.Option(min=1, help="Images that may wait.")]
QueuePixels = Annotated[float, typer.Option(min=1, help="Megapixels that may wait, as a pass.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images that a worker makes together.")]
BatchPixels = Annotated[
    float,
    typer.Option(min=0.001, help="Megapixels of a pass; guidance and inputs count like images."),
]
Pixels = Annotated[float, typer.Option(min=0.001, help="Megapixels of an image at most.")]
Steps = Annotated[int, typer.Option(min=1, help="Steps of an image at most.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="Seconds from a request to its answer.")]
Upload = Annotated[int, typer.Option(min=1, help="Megabytes of a request to edit.")]
Check = Annotated[
    bool, typer.Option("--output-check/--no-output-check", help="Hold sexual images back.")
]
CheckAbove = Annotated[
    float, typer.Option(min=0, max=1, help="Probability above which an image is held back.")
]
Key = Annotated[
    Path | None,
    typer.Option(
        help="Signs images; made where there is none."
        " [default: ~/.config/inkstone/signing-key.pem]",
        parser=user_paths.path,
    ),
]


@app.command()
def serve(
    checkpoint: options.Checkpoint = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    allow_host: Names = None,
    devices: Devices = None,
    loras: options.Loras = None,
    weights: options.Weights = None,
    controlnet: options.ControlNet = None,
    precision: options.Precision = "stored",
    enhance: options.Enhance = None,
    enhance_model: options.EnhanceModel = None,
    offload: options.Offload = False,
    encode_on_cpu: options.EncodeOnCpu = False,
    compiles: options.Compile = False,
    queue: Queue = 64,
    queue_pixels: QueuePixels = 256,
    batch_size: BatchSize = 8,
    batch_pixels: BatchPixels = 16,
    pixels: Pixels = 4.2,
    steps: Steps = 200,
    timeout: Seconds = 600,
    upload: Upload = 64,
    output_check: Check = True,
    check_above: CheckAbove = 0.5,
    signing_key: Key = None,
) -> None:
    """Serve a checkpoint: OpenAI's image endpoint below /v1, and a page at /.

    Example: python -m infer.server --checkpoint demo/train

    Only this machine reaches it unless --host says otherwise; then a token is asked for, that of
    the environment variable IMAGE_SERVER_TOKEN. Every PNG says how it was made, and is signed:
    `python -m infer.provenance FILE`.
    """
    from curation.networks import weights as packages
    from infer import checkpoints, generating

    packages.need(
        "pip install 'inkstone[serve]'",
        *("cryptography", "prometheus_client", "python_multipart", "starlette", "uvicorn"),
    )
    generating.check(steps, None)
    folder = checkpoints.find(checkpoint)
    execution: dict[str, Any] = {
        "loras": loras or [],
        "weights": weights,
        "controlnet": str(controlnet) if controlnet else None,
        "precision": precision,
        "offload": offload,
        "encode_on_cpu": encode_on_cpu,
        "compiles": compiles,
    }
    # What is wrong is said before anything starts; ``latest`` may name another later.
    execution |= generating.resolved(generating.execution(**execution))
    from infer.enhancing import writers
    from infer.provenance import keys
    from infer.server.offer import Offer
    from infer.server.pool import Limits
    from infer.server.running import Place, Plan, run

    mega = 1_000_000
    limits = Limits(
        queue, round(queue_pixels * mega), batch_size, round(batch_pixels * mega), timeout
    )
    if output_check:
        from curation.networks import open_nsfw

        open_nsfw.file()
    plan = Plan(
        Offer.of(folder, round(pixels * mega), steps, execution["controlnet"]),
        tuple(devices or ("auto",)),
        signing_key or keys.usual(),
        check_above if output_check else None,
        limits,
        upload * mega,
        execution,
        partial(writers.opened, enhance, enhance_model, apart=True),
    )
    run(plan, Place(host, port, tuple(allow_host or ())))


if __name__ == "__main__":
    commands.main("infer.server", app)
