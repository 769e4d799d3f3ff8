"""Pages of two lines of Latin and hanzi: the truth is right, no held-out line is seen."""

import torch

from benchmarks import string_pages
from train.data import loading
from train.data.loading import Sources
from train.string_reader import Templates, judge


def test_no_line_of_a_held_out_page_is_trained_on():
    training, held_out = (list(string_pages.pages(1, 300, held_out=each)) for each in (False, True))
    lines = [{line for page in side for line in page.lines} for side in (training, held_out)]
    assert not lines[0] & lines[1]
    assert set("".join(lines[0])) == set(string_pages.CHARACTERS)
    assert len(string_pages.HANZI) == len(set(string_pages.HANZI)) == 100
    assert {len(line) for line in lines[1]} == {1, 2, 3}


def test_the_trainer_holds_out_these_pages_and_reads_them(tmp_path, monkeypatch):
    from train.configuration import AutoencoderConfiguration, Configuration

    monkeypatch.setattr(string_pages, "CHARACTERS", "AB天地")
    made = [
        page for held_out in (False, True) for page in string_pages.pages(1, 120, held_out=held_out)
    ]
    templates = Templates()
    configuration = Configuration(preset="test", autoencoder=AutoencoderConfiguration(channels=24))
    data = loading.load(
        Sources(string_pages.write(tmp_path, iter(made)), watch=templates.watch), configuration
    )
    (bucket,) = data.held_out
    assert bucket.size == (96, 64)
    assert {example.text for example in bucket.examples} == {page.text for page in made[120:]}
    reader = templates.reader()
    images = data.autoencoder.decode(bucket.latents)
    assert judge(reader.right(images, bucket.examples)).share == 1
    swapped = torch.cat([images[:, :, 32:], images[:, :, :32]], dim=2)
    alike = [len(set(example.text.split("\n"))) == 1 for example in bucket.examples]
    right = [all(row) for row in reader.right(swapped, bucket.examples)]
    assert right == alike
