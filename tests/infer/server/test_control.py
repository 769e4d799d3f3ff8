"""What an image is to follow, as it is asked for over HTTP, and as a studio makes it."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from making.image_server import offer, serving
from making.stand_in_worker import colour
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import conditions
from infer.engine.conditions import INPAINT, OUTLINES, kinds
from infer.server.asked import Asked, Following
from infer.server.fields import Fields
from infer.server.refusal import RefusalError

HOW = {"control_scale": "0.5", "control_start": "0.1", "control_end": "0.6"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    offered = replace(offer(folder / "painter"), controls=OUTLINES)
    with serving(folder, offered=offered) as made:
        yield made


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


SQUARE = np.full((32, 64, 3), 20, np.uint8)
SQUARE[8:24, 16:48] = 230


def following(server, *files, **fields):
    texts = [("prompt", "a"), *fields.items()]
    return server.edit([*texts, *files], "/v1/images/generations")


def image_of(answer):
    return Image.open(io.BytesIO(base64.b64decode(answer.json["data"][0]["b64_json"])))


def test_what_is_followed_is_computed_or_given_and_in_the_facts(server):
    file = ("control_image", ("a.png", png(SQUARE)))
    for kind in OUTLINES:
        image = image_of(following(server, file, control=kind, **HOW))
        compute = conditions.COMPUTED.get(kind, lambda pixels: pixels)
        assert np.array_equal(np.asarray(image), compute(SQUARE)), kind
        assert image.text["control"] == kind
        assert (image.text["control_scale"], image.text["control_span"]) == ("0.5", "0.1 0.6")
    small = image_of(following(server, file, control="pose", size="32x32", seed="5"))
    assert small.size == (32, 32) and small.text["seed"] == "5"
    assert small.text["control_span"] == "0 1"
    plain = image_of(following(server, seed="3"))  # a form may also ask for no more than a prompt
    assert plain.getpixel((0, 0)) == colour("a", 3) and "control" not in plain.text
    assert server.ask("/about").json["controls"] == list(OUTLINES)


FILE = ("control_image", ("a.png", png(SQUARE)))
REFUSED = (
    ([FILE], {"control": "cany"}, "control is 'cany'; expected canny or soft_edge"),
    ([FILE], {"control": "inpaint"}, "control is 'inpaint'; expected canny"),
    ([FILE], {}, "control: expected with it canny or"),
    ([], {"control_scale": "1"}, "control: expected with it canny or"),
    ([], {"control": "canny"}, "control_image: expected a file with control=canny"),
    ([FILE, FILE], {"control": "canny"}, "2 images; expected one"),
    ([("control_image", ("a.png", b"no"))], {"control": "canny"}, "control_image: "),
    ([("control_image", ("a.png", png(SQUARE)[:-20]))], {"control": "canny"}, "control_image: "),
    ([("image", ("a.png", png(SQUARE)))], {}, "image: expected text, not a file"),
    ([FILE], {"control": "canny", "control_scale": "-1"}, "control_scale is -1"),
    ([FILE], {"control": "canny", "control_start": "0.9", "control_end": "0.1"}, "at most"),
    ([FILE], {"control": "canny", "strength": "1"}, "unknown field"),
)


@pytest.mark.parametrize(("files", "fields", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_followed_is_a_sentence(server, files, fields, said):
    answer = following(server, *files, **fields)
    assert answer.status == 400 and answer.code
    assert said in answer.json["error"]["message"]


def test_an_edit_follows_nothing_and_json_has_no_files(server):
    form = [("prompt", "a"), ("image", ("a.png", png(SQUARE))), FILE, ("control", "canny")]
    assert "expected text" in server.edit(form).json["error"]["message"]
    assert "control_image" in server.generate("a", control="canny").json["error"]["message"]


def test_a_mask_is_filled_where_the_controlnet_fills(tmp_path):
    plain = offer(tmp_path / "painter")
    fills = replace(plain, controls=(INPAINT,))
    given = {"prompt": "a", "control_scale": 0.7}
    asked = fills.wanted(Fields(given), (b"image",), b"mask").asked
    assert asked.control == Following(INPAINT, 0.7, image=b"image")
    assert (asked.images, asked.mask) == ((), b"mask")
    assert Asked.of_plain(*asked.plain()) == asked
    assert asked.cost(100) == 400  # guided, beside a ControlNet
    composed = plain.wanted(Fields({"prompt": "a"}), (b"image",), b"mask").asked
    assert (composed.images, composed.control) == ((b"image",), None)
    for offered, fields, said in (
        (fills, {"control": "canny"}, "fills masks at /v1/images/edits"),
        (fills, {"control": "inpaint"}, "fills masks at /v1/images/edits"),
        (plain, {"control": "canny"}, "this server has no ControlNet"),
    ):
        with pytest.raises(RefusalError, match=said):
            offered.wanted(Fields({"prompt": "a", **fields}), control_image=b"x")


def test_kinds_of_a_training_are_those_of_its_latest_checkpoint(tmp_path):
    folder = tmp_path / "checkpoint-2"
    (folder / "controlnet").mkdir(parents=True)
    (folder / "controlnet/config.json").write_text('{"extra_condition_channels": 4}')
    (folder / "model_index.json").write_text("{}")
    (tmp_path / "latest").write_text(folder.name)
    assert kinds(tmp_path) == kinds(folder) == (INPAINT,)
    (tmp_path / "latest").write_text("checkpoint-3")
    with pytest.raises(UsageError, match="holds no model_index"):
        kinds(tmp_path)


def test_kinds_are_read_from_a_controlnets_configuration(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"extra_condition_channels": 4}')
    assert kinds(tmp_path) == (INPAINT,)
    path.write_text("{}")
    assert kinds(tmp_path) == OUTLINES
    for broken in ("[]", "{"):
        path.write_text(broken)
        with pytest.raises(UsageError, match="no ControlNet"):
            kinds(tmp_path)
    with pytest.raises(UsageError, match="no ControlNet"):
        kinds(tmp_path / "absent")
