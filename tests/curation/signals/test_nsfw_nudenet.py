"""The nudity signal against nudenet's own detector."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from making.defects import RGB
from making.signal_pictures import COLOUR_PHOTOS, drawing, photo

from curation.networks import weights
from curation.picture.decoding import Header, Picture
from curation.signals import nsfw_nudenet as module
from curation.signals import signal
from curation.signals.nsfw_nudenet import nsfw_nudenet
from curation.signals.row import Row
from curation.signals.signal import MissingModelError, ready

nudenet = pytest.importorskip("nudenet")


class Shown(Row):
    """A row that shows these pixels, whatever side it is asked for."""

    def __init__(self, rgb: RGB) -> None:
        super().__init__("", b"", {}, {})
        self.rgb = rgb

    def picture(self, short_side: int) -> Picture:
        return Picture(Header("PNG", "RGB", *self.rgb.shape[1::-1], 1, 1, 1), self.rgb)


def _scores(rows: list[Row]) -> list[float]:
    return [values["nsfw_nudenet"] for values in ready(nsfw_nudenet)(rows)]


def _ball(colour: tuple[int, int, int], shape: tuple[int, int]) -> RGB:
    """A shaded ball on black: what the detector is known to mistake for bare skin."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    radius = (x * x + y * y) / 0.81
    light = np.clip(-0.44 * x - 0.55 * y + 0.8 * np.sqrt(np.clip(1 - radius, 0, 1)), 0.15, 1)
    return np.where((radius < 1)[..., None], np.array(colour) * light[..., None], 10).astype(
        np.uint8
    )


IMAGES = [
    *(photo(name) for name in COLOUR_PHOTOS),
    drawing("page"),
    _ball((250, 200, 170), (256, 256)),
    _ball((150, 230, 230), (300, 300)),
    _ball((255, 160, 110), (640, 600)),
]


@pytest.fixture(scope="module")
def expected() -> list[float]:
    """What nudenet's own detector says."""
    from oracles import nudity

    return nudity.scores(IMAGES, module.UNSAFE)


def test_equals_nudenet(expected: list[float]) -> None:
    scores = _scores([Shown(rgb) for rgb in IMAGES])
    assert scores == pytest.approx(expected, abs=1e-5)
    assert sum(score > 0.5 for score in scores) >= 2, "the comparison would otherwise be of zeros"
    assert sum(score == 0 for score in scores) >= 3


def test_a_picture_scores_the_same_in_any_batch() -> None:
    rows: list[Row] = [Shown(rgb) for rgb in IMAGES]
    together = _scores(rows)
    assert together == [_scores([row])[0] for row in rows]  # to the last bit
    assert together[::-1] == _scores(rows[::-1])
    assert _scores([]) == []


def test_labels_are_those_of_the_model_that_is_installed() -> None:
    assert tuple(nudenet.nudenet.__dict__["__labels"]) == module.LABELS


@pytest.fixture
def fresh() -> Iterator[None]:
    """No session loaded before the test, none of the test's after it."""
    loaded = dict(signal._LOADED)
    signal._LOADED.clear()
    yield
    signal._LOADED.clear()
    signal._LOADED.update(loaded)


def test_without_nudenet_loading_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(MissingModelError, match=r"pip install 'inkstone\[nsfw\]'"):
        ready(nsfw_nudenet)


def test_weights_that_cannot_be_read_are_told_when_loading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh: None
) -> None:
    (tmp_path / module.MODEL_FILE).write_bytes(b"half a model")
    monkeypatch.setattr(module, "_file", lambda: tmp_path / module.MODEL_FILE)
    with pytest.raises(
        MissingModelError, match=r"'nsfw_nudenet' cannot load .* --without nsfw_nud"
    ):
        ready(nsfw_nudenet)


def test_importing_the_signal_loads_no_model() -> None:
    code = (
        "import sys, curation.signals.nsfw_nudenet; "
        "sys.exit(any(name in sys.modules for name in ('onnxruntime', 'nudenet')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
