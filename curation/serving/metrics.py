"""What ``beam serve`` counts beside its requests."""

from prometheus_client import Counter, Gauge, Histogram

from curation.networks.counting import Figures

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60)


class Metrics(Figures):
    """Of a server over a run of so many ``rows``."""

    def __init__(self, rows: int) -> None:
        super().__init__("curation_server")
        own = self.registry
        Gauge("curation_server_rows", "Rows of the run", registry=own).set(rows)
        self.said = Counter("curation_server_said", "Picks, ratings and preferences", registry=own)
        self.judged = Histogram(
            "curation_server_judge_seconds", "A moved bound", registry=own, buckets=_SECONDS
        )
