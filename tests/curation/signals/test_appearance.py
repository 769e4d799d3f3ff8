"""What an image looks like: copies that no hash knows lie nearer than other images."""

import numpy as np
import pytest
from making.collection import drawing, encoded
from PIL import Image, ImageOps

from curation.networks.class_posterior import Classifier
from curation.networks.weights import MissingModelError
from curation.signals.appearance import AppearanceSettings, appearance
from curation.signals.row import Row
from curation.signals.signal import ready


@pytest.fixture(scope="module", autouse=True)
def _weights() -> None:
    try:
        Classifier()
    except MissingModelError as error:
        pytest.skip(f"the embedded model {error}")


def vectors(*images: Image.Image) -> np.ndarray:
    rows = [Row(str(n), encoded(image), {}, {}) for n, image in enumerate(images)]
    measured = ready(appearance, AppearanceSettings())(rows)
    return np.array([values["appearance"] for values in measured])


def test_crops_mirror_images_and_borders_are_nearer_than_another_image() -> None:
    image = drawing(1, 320)
    copies = (
        image.crop((16, 16, 304, 304)),
        ImageOps.mirror(image),
        ImageOps.expand(image, 12, "white"),
    )
    own, *others, distinct = vectors(image, *copies, drawing(2, 320))
    assert own.shape == (256,) and np.linalg.norm(own) == pytest.approx(1, abs=1e-5)
    assert min(own @ other for other in others) > own @ distinct + 0.1


def test_a_vector_does_not_depend_on_the_images_beside() -> None:
    first, second = drawing(3), drawing(4)
    assert np.array_equal(vectors(first)[0], vectors(second, first)[1])
