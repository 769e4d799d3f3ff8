"""Reading drawn strings by nearest template: what counts as right, and what does not."""

import numpy as np
import pytest
import torch
from making import training_shards as shards

from train.configuration import AutoencoderConfiguration, Configuration, DataConfiguration
from train.data import examples, loading
from train.data.loading import Sources
from train.string_reader import LABEL, Templates, expected, judge, style

SEEN = ["AE", "HL", "OT", "27", "A", "E", "H"]


def example(text, colour, columns=2):
    row = shards.row(text, colour, columns)
    return examples.read(row, (columns * shards.CELL, shards.CELL), DataConfiguration())


def pixels(text, colour, columns=2):
    return np.asarray(shards.draw(text, colour, columns))


def generated(*asked):
    """Images as a model would give them, (B, 3, H, W) in [-1, 1]."""
    stack = np.stack([pixels(*one) for one in asked])
    return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 127.5 - 1


@pytest.fixture
def reader():
    templates = Templates()
    for colour in shards.COLOURS:
        for text in SEEN:
            templates.watch(example(text, colour), pixels(text, colour))
    return templates.reader()


def test_unseen_strings_of_seen_glyphs_are_read(reader):
    asked = [("TO", "red"), ("7", "blue"), ("LA", "blue"), ("22", "red")]
    right = reader.right(generated(*asked), [example(*one) for one in asked])
    assert right == [[True, True]] * 4
    noisy = generated(*asked) + 0.3 * torch.randn(4, 3, 16, 32, generator=torch.manual_seed(0))
    assert reader.right(noisy, [example(*one) for one in asked]) == right


@pytest.mark.parametrize(
    ("shown", "asked", "cells"),
    [
        (("TO", "red"), ("TO", "blue"), [False, False]),  # another colour
        (("TA", "red"), ("TO", "red"), [True, False]),  # another glyph
        (("OT", "red"), ("TO", "red"), [False, False]),  # another order
        (("TO", "red"), ("T", "red"), [True, False]),  # one too many
        (("T", "red"), ("TO", "red"), [True, False]),  # one too few
    ],
)
def test_what_is_wrong_is_seen(reader, shown, asked, cells):
    right = reader.right(generated(shown), [example(*asked)])
    assert right == [cells]
    accuracy = judge(right)
    assert (accuracy.exact, accuracy.images, accuracy.share) == (0, 1, 0.0)


def test_accuracy_is_told_with_its_honest_label():
    accuracy = judge([[True, True], [True, False], [True, True], [True, True]])
    assert (accuracy.exact, accuracy.cells, accuracy.all_cells) == (3, 7, 8)
    assert accuracy.sentence() == (
        f"held-out strings exact: 75.0 % (3 of 4), cells 87.5 % [{LABEL}]"
    )
    assert LABEL == "one font, fixed layout, unseen strings of seen glyphs"


def test_images_that_are_no_such_grid_have_no_reader():
    assert Templates().reader() is None
    mixed = Templates()
    mixed.watch(example("AE", "red"), pixels("AE", "red"))
    photo = examples.Example("1", ("a photo",), "", ())
    mixed.watch(photo, np.zeros((16, 32, 3), np.uint8))
    assert mixed.reader() is None
    prose = Templates()
    for number in range(100):
        one = examples.Example("1", (f"frame {number}",), "A", example("A", "red").glyphs)
        prose.watch(one, pixels("A", "red"))
    assert prose.reader() is None


def test_boxes_off_the_grid_expect_nothing():
    one = example("AE", "red")
    assert expected(one, (16, 16), (32, 16)) == [
        ("A", style(one.captions[0])),
        ("E", style(one.captions[0])),
    ]
    assert expected(one, (16, 16), (40, 16)) is None
    shifted = examples.Example("1", one.captions, "A", (examples.Glyph("A", (3, 0, 19, 16)),))
    assert expected(shifted, (16, 16), (32, 16)) is None


def test_style_is_the_caption_without_its_text():
    assert style('The text "AE" in red.') == style('The text "7" in red.') == 'The text "" in red.'
    assert style("红色的文字“你好”。") == '红色的文字""。'


def test_templates_come_from_training_images_only(tmp_path):
    shards.write_all(tmp_path, 300)
    templates = Templates()
    configuration = Configuration(
        preset="test",
        data=DataConfiguration(held_out=0.3, sizes=("32x16",)),
        autoencoder=AutoencoderConfiguration(channels=32),
    )
    seen = []

    def watch(example, pixels):
        seen.extend(glyph.text for glyph in example.glyphs)
        return templates.watch(example, pixels)

    loaded = loading.load(Sources(str(tmp_path), watch=watch), configuration)
    reader = templates.reader()
    assert {key[0] for key in reader.keys} == {"", *seen}
    held = {example.text for example in loaded.held_out[0].examples}
    assert len(seen) == sum(
        len(row["text_boxes"]) - 1
        for row in shards.rows(300)
        if row["text_boxes"][0]["text"] not in held
    )
    decoded = loaded.autoencoder.decode(loaded.held_out[0].latents)
    accuracy = judge(reader.right(decoded, loaded.held_out[0].examples))
    assert accuracy.share > 0.9  # the autoencoder alone does not hide the text


def test_lines_below_one_another_are_read_row_by_row(reader):
    cell = shards.CELL
    glyphs = [
        examples.Glyph(text, (across * cell, down * cell, (across + 1) * cell, (down + 1) * cell))
        for text, across, down in (("T", 0, 0), ("O", 1, 0), ("7", 1, 1))
    ]
    caption = shards.caption("TO", "red")
    page = examples.Example("1", (caption,), "TO\n7", tuple(glyphs))
    images = torch.cat([generated(("TO", "red")), generated(("27", "red"))], dim=2)
    look = style(caption)
    assert expected(page, (cell, cell), (2 * cell, 2 * cell)) == [
        ("T", look),
        ("O", look),
        ("", ""),
        ("7", look),
    ]
    assert reader.right(images, [page]) == [[True, True, False, True]]
