"""Which caption of an edit stands beside its image in a tar."""

import pytest

from curation.signals.row import SPLITS
from curation.writing.export import webdataset


@pytest.mark.parametrize(
    ("splits", "inputs", "expected"),
    [
        (SPLITS, 1, b"make it redder"),
        (SPLITS, 0, b"a red apple"),
        (("caption_recaption", "caption_instruction"), 1, b"a red apple"),
    ],
    ids=str,
)
def test_an_instruction_comes_before_a_recaption_of_the_result_unless_another_order_is_asked_for(
    splits: tuple[str, ...], inputs: int, expected: bytes
) -> None:
    image = {"bytes": b"some", "path": "a.png"}
    captions = {"caption_recaption": "a red apple", "caption_instruction": "make it redder"}
    row = {split: [{"text": text}] for split, text in captions.items()}
    members = webdataset._members({"image": image, "inputs": [image] * inputs, **row}, splits)
    assert dict(members)["txt"] == expected
