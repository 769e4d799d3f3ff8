"""What the image server counts beside its requests."""

from prometheus_client import Counter, Gauge, Histogram

from curation.networks.counting import Figures

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)
_LATENCY = (0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 32)


class Metrics(Figures):
    """Of one server."""

    def __init__(self) -> None:
        super().__init__("image_server")
        own = self.registry
        self.images = Counter("image_server_images", "Images that were made", registry=own)
        self.flagged = Counter("image_server_flagged", "Images held back", registry=own)
        self.ended = Counter("image_server_workers_ended", "Workers that died", registry=own)
        self.waiting = Gauge("image_server_queue_images", "Images that wait", registry=own)
        self.pixels = Gauge("image_server_queue_pixels", "Pixels that wait", registry=own)
        self.workers = Gauge("image_server_workers", "Workers by state", ["state"], registry=own)
        self.step = Histogram(
            "image_server_step_seconds", "A step of a batch", registry=own, buckets=_SECONDS
        )
        self.batch = Histogram(
            "image_server_batch_images", "Images of a batch", registry=own, buckets=_SIZES
        )
        self.latency = Histogram(
            "image_server_answer_seconds",
            "From a request to its images",
            registry=own,
            buckets=_LATENCY,
        )
