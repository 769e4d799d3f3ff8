"""GenEval: its rule by cases with known answers, and both benchmarks from folder to figures."""

import json

import numpy as np
import pytest
from making.benchmark_files import perfect_detections
from making.commands import invoke
from PIL import Image

from curation.failures.errors import UsageError
from curation.networks import encoders
from infer.evaluation import geneval, geneval_vlm
from infer.evaluation.__main__ import app
from infer.harness import answers, clip_l14, detections, object_colours, run_lengths
from infer.harness.rows import Measured, Seen, row


def prompt(tag="two_object", exclude=(), *include):
    return detections.Prompt.model_validate(
        {"tag": tag, "prompt": "", "include": list(include), "exclude": list(exclude)}
    )


def seen(kind, score=0.95, box=(0, 0, 10, 10), color=None):
    return detections.Detection.model_validate(
        {"class": kind, "score": score, "box": box, "color": color}
    )


def is_right(of, *objects):
    return not detections.failures(of, objects)


CUP = {"class": "cup", "count": 1}
NAMED = {"class": "cup", "score": 0.99, "box": [0, 0, 8, 8]}


def test_scores_have_to_exceed_the_threshold_of_the_tag():
    assert not is_right(prompt("two_object", (), CUP), seen("cup", 0.3))
    assert is_right(prompt("two_object", (), CUP), seen("cup", 0.31))
    assert not is_right(prompt("counting", (), CUP), seen("cup", 0.9))
    assert is_right(prompt("counting", (), CUP), seen("cup", 0.91))


def test_one_more_than_asked_for_is_wrong_only_where_it_is_excluded():
    two = {"class": "cup", "count": 2}
    excluded = ({"class": "cup", "count": 3},)
    assert is_right(prompt("counting", excluded, two), seen("cup"), seen("cup"))
    assert not is_right(prompt("counting", excluded, two), *[seen("cup")] * 3)
    assert not is_right(prompt("counting", excluded, two), seen("cup"))
    faint = [seen("cup"), seen("cup"), seen("cup", 0.85)]
    assert is_right(prompt("counting", excluded, two), *faint)
    assert is_right(prompt("two_object", (), two), *[seen("cup")] * 3)
    many = ({"class": "cup", "count": 17},)
    assert is_right(prompt("two_object", many, CUP), *[seen("cup")] * 40)  # at most 16 are kept


def test_all_of_the_surest_boxes_need_the_colour():
    red = {"class": "cup", "count": 2, "color": "red"}
    boxes = [seen("cup", 0.5, color="red"), seen("cup", 0.9, color="red")]
    assert is_right(prompt("colors", (), red), *boxes, seen("cup", 0.4, color="blue"))
    assert not is_right(prompt("colors", (), red), *boxes, seen("cup", 0.6, color="blue"))
    with pytest.raises(UsageError, match="a cup without color"):
        detections.failures(prompt("colors", (), red), [seen("cup"), seen("cup")])


def test_runs_of_a_mask_go_down_the_columns():
    assert run_lengths.mask((3, 3), (3, 2, 4)).tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    for counts, text in (((3, 2, 4), "324"), ((3, 2, 4, 1), "324O"), ((100, 4, 36), "T34T1")):
        size = (2, sum(counts) // 2) if sum(counts) % 2 == 0 else (3, 3)
        assert (run_lengths.mask(size, counts) == run_lengths.mask(size, text)).all()
    for size, runs in (((3, 3), "32"), ((3, 3), "32~"), ((3, 3), (3, -1, 7)), ((3, 3), "T")):
        with pytest.raises(ValueError, match="the runs of a mask"):
            run_lengths.mask(size, runs)


class Clip:
    """Sees the mean colour of an image; of texts it knows red and blue, and a cup for green."""

    scale = 100.0

    def __init__(self):
        self.asked = []

    def vector(self, rgb):
        mean = rgb.reshape(-1, 3).mean(0) + 1e-6
        return mean / np.linalg.norm(mean)

    def text_vector(self, text):
        self.asked.append(text)
        known = [float(name in text) for name in ("red", "cup", "blue")]
        return np.array(known) / max(np.linalg.norm(known), 1e-6)


def test_colours_are_clips_of_the_crop_without_what_is_beside_the_mask():
    image = Image.new("RGB", (20, 10), "blue")
    image.paste("red", (2, 2, 8, 8))
    mask = np.zeros((10, 20), bool)
    mask[2:8, 2:8] = True
    shown = object_colours.crop(image, (0, 0, 9.6, 10), mask)
    assert shown.size == (10, 10) and shown.getpixel((5, 5)) == (255, 0, 0)
    assert shown.getpixel((0, 0)) == (153, 153, 153)  # not the blue that is there
    assert object_colours.crop(image, (0, 0, 9.6, 10), None).getpixel((0, 0)) == (0, 0, 255)
    with pytest.raises(ValueError, match=r"a mask of \(10, 20\) in an image of \(10, 19\)"):
        object_colours.crop(image.crop((0, 0, 19, 10)), (0, 0, 1, 1), mask)
    with pytest.raises(ValueError, match="holds no pixel"):
        object_colours.crop(image, (3, 3, 3.2, 9), None)
    clip = Clip()
    chosen = object_colours.Classifier(clip)
    assert chosen.colour(shown, "kite") == "red"  # more red than the grey has
    assert chosen.colour(image.crop((10, 0, 20, 10)), "kite") == "blue"
    assert clip.asked[:3] == [
        "a photo of a red kite",
        "a photo of a red-colored kite",
        "a photo of a red object",
    ]
    assert len(clip.asked) == 30  # the texts of a kind are read once


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((100, 0, 110, 10), {"left of"}),
        ((-100, 0, -90, 10), {"right of"}),
        ((0, 100, 10, 110), {"above"}),
        ((0, -100, 10, -90), {"below"}),
        ((0, 0, 10, 10), set()),  # in the same place
        ((2, 0, 12, 10), set()),  # not by more than a tenth of both widths
        ((3, 0, 13, 10), set()),  # by more, but a third of the distance alone is
        ((5, 0, 15, 10), {"left of"}),  # (5 - 2) / 5
        ((100, 100, 110, 110), {"left of", "above"}),  # (100 - 2) / 141 each
        ((40, 100, 50, 110), {"above"}),
    ],
)
def test_places_are_told_by_centres(other, expected):
    assert detections.relations((0, 0, 10, 10), other) == expected


def test_a_position_needs_its_other_to_be_right():
    left = {"class": "dog", "count": 1, "position": ["left of", 0]}
    asked = prompt("position", (), CUP, left)
    dog, cup = seen("dog"), seen("cup", box=(100, 0, 110, 10))
    assert is_right(asked, dog, cup)
    assert not is_right(asked, seen("dog", box=(200, 0, 210, 10)), cup)
    assert detections.failures(asked, [dog]) == ["cup: 0, expected 1", "dog: nothing to be left of"]
    red = prompt("position", (), CUP | {"color": "red"}, left)
    wrong = seen("cup", box=(100, 0, 110, 10), color="blue")
    assert len(detections.failures(red, [dog, wrong])) == 2


def test_the_shipped_prompts_are_all_right_where_all_is_there_and_wrong_where_nothing_is():
    asked = geneval.prompts()
    assert len(asked) == 553
    for each in asked.values():
        objects = detections.Detections.model_validate(perfect_detections(each)).objects
        assert detections.failures(each, objects) == [] and detections.failures(each, [])


def test_the_overall_figure_is_the_mean_of_tags():
    asked = geneval.prompts()
    requests = [each for each in geneval.requests(asked) if each.group != "position"][:1000]
    rows = [row(each, 0, Measured(float(each.group == "single_object"))) for each in requests]
    overall, *tags = geneval.figures(rows)
    named = {each.name: each.value for each in tags}
    assert named["single_object"] == 1 and sum(named.values()) == 1
    assert overall.value == pytest.approx(1 / len(named))
    assert overall.value != pytest.approx(320 / 1000)


def test_detections_of_a_user_are_scored_from_folder_to_figures(tmp_path):
    images, boxes = tmp_path / "theirs", tmp_path / "boxes"
    images.mkdir()
    boxes.mkdir()
    for name, each in geneval.prompts().items():
        Image.new("RGB", (8, 8)).save(images / f"{name}_0.png")
        (boxes / f"{name}_0.json").write_text(json.dumps(perfect_detections(each)))
    given = ["geneval", "--images", str(images), "--sample", "1", "--json"]
    told = invoke(app, given)
    assert told.exit_code == 2 and "expected --data, now that the images are there" in told.stderr
    result = json.loads(invoke(app, [*given, "--data", str(boxes)]).stdout)
    figures = result["metrics"]
    assert figures["overall"]["value"] == figures["counting"]["value"] == 0.25  # 3 of 4 are missing
    assert figures["overall"]["images"] == 24 and result["judge"] is None
    for content, said in (
        ('{"objects": [{"class": "cup"}]}', "objects.0.score: Field required"),
        (json.dumps({"objects": [NAMED | {"class": "mouse"}]}), "are computer mouse"),
    ):
        for path in boxes.iterdir():
            path.write_text(content)
        wrong = invoke(app, [*given, "--data", str(boxes)])
        assert wrong.exit_code == 2 and said in wrong.stderr


def test_colours_that_are_not_given_are_told_by_the_weights_of_a_user(tmp_path, monkeypatch):
    monkeypatch.setattr(encoders, "image_text_encoder", lambda named: Clip())
    name, asked = next(
        (name, each)
        for name, each in geneval.prompts().items()
        if each.tag == "colors" and each.include[0].color == "red"
    )
    (runs,) = [{"size": [8, 8], "counts": [0, 64]}]
    object_ = NAMED | {"class": asked.include[0].class_, "mask": runs}
    (tmp_path / f"{name}_0.json").write_text(json.dumps({"objects": [object_]}))
    requests = [each for each in geneval.GenEval(None, None).requests() if each.id == name]
    red = Seen(Image.new("RGB", (8, 8), "red"))
    without = geneval.GenEval(None, str(tmp_path))
    with pytest.raises(UsageError, match=r"_0.json: a .* without color.*put CLIP ViT-L/14"):
        without.measure(requests[0], red)
    config = tmp_path / clip_l14.FOLDER / "config.json"
    config.parent.mkdir()
    vision = {"hidden_size": 1024, "patch_size": 14}
    config.write_text(json.dumps({"projection_dim": 768, "vision_config": vision}))
    chosen = geneval.GenEval(None, str(tmp_path))
    assert chosen.measure(requests[0], red).score == 1
    assert chosen.measure(requests[0], Seen(Image.new("RGB", (8, 8), "blue"))).score == 0
    assert chosen.facts["colours"] == {"by CLIP": 2}
    with pytest.raises(UsageError, match=r"_0.json: the runs of a mask|a mask of"):
        chosen.measure(requests[0], Seen(Image.new("RGB", (9, 8), "red")))


def test_clauses_are_asked_for_and_those_that_are_excluded():
    two, three = {"class": "cup", "count": 2}, ({"class": "cup", "count": 3},)
    asked = geneval_vlm.clauses(prompt("counting", three, two))
    assert [expected for _, expected in asked] == [True, False]


def test_a_judge_says_yes_or_no_or_neither():
    said = {"Yes": "yes", "**No.**": "no", "是的": "yes", "不是": "no", "Yesterday": "", "": ""}
    assert {text: answers.yes_or_no(text) for text in said} == said
    assert answers.marks("[9, 7.5]", 2, 0, 10) == [9, 7.5]
    assert answers.marks("9, 11", 2, 0, 10) is None and answers.marks("9", 2, 0, 10) is None
