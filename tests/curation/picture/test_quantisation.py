"""What a JPEG's header says of how coarsely it was stored."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making.signal_pictures import photo
from PIL import Image

from curation.picture import decoding


def _stored(form: str, **more: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(photo("coffee")).save(stream, form, **more)
    return stream.getvalue()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 100), st.booleans())
def test_the_mean_step_of_luma_is_what_pillow_reads(quality: int, progressive: bool) -> None:
    data = _stored("JPEG", quality=quality, progressive=progressive)
    with Image.open(BytesIO(data)) as image:
        expected = np.mean(image.quantization[0])  # type: ignore[attr-defined]
    assert decoding.read_header(data).quantisation == pytest.approx(expected)
    assert decoding.decode(data).header.quantisation == pytest.approx(expected)


def test_steps_of_sixteen_bits_are_read() -> None:
    data = _stored("JPEG", quality=90)
    at = data.index(b"\xff\xdb")
    wide = b"\xff\xdb" + (2 + 1 + 128).to_bytes(2, "big") + b"\x10" + (300).to_bytes(2, "big") * 64
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    assert length == 67  # the table of luma alone
    assert decoding.read_header(data[:at] + wide + data[at + 69 :]).quantisation == 300


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00" + b"\x05" * 63, b"\x10" + b"\x05" * 100])
def test_a_table_cut_short_is_left_to_the_decoder(body: bytes) -> None:
    data = _stored("JPEG", quality=90)
    broken = data[:2] + b"\xff\xdb" + (2 + len(body)).to_bytes(2, "big") + body + data[2:]
    assert decoding.read_header(broken).quantisation == decoding.read_header(data).quantisation


def test_other_formats_have_none() -> None:
    assert decoding.read_header(_stored("PNG")).quantisation == 0
