"""Bad input is told in a sentence that says where, what was expected and what to do; what was
trained before stays as it is, byte for byte.
"""

import shutil
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from making import training_shards as shards
from making.training_runs import train

from train.autoencoders.patch_pca import PatchPcaAutoencoder
from train.text_encoders import text_encoder
from train.text_encoders.byte_text import ByteTextEncoder

ROWS = 40


def with_settings(folder, **settings):
    """The tiny run of four steps, and what a phase or a part of it is given beside."""
    text = shards.TINY.replace("steps: 40", "steps: 4").replace("every: 20", "every: 4")
    text = text.replace("{every: 7}", "{every: 2}")
    for name, value in settings.items():
        line = next((each for each in text.splitlines() if each.startswith(f"{name}:")), "")
        text = text.replace(line, "") + f"\n{name}: {value}"
    path = folder / f"{'-'.join(settings) or 'plain'}.yaml"
    path.write_text(text)
    return path


def files(out):
    return {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of shards, and a run on it that is at its end."""
    folder = tmp_path_factory.mktemp("bad")
    shards.write(folder / "part-00000.parquet", shards.rows(ROWS))
    train((folder, str(folder / "part-*.parquet"), with_settings(folder)), folder / "out")
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of both that a test may spoil; ``run(...)`` asks for two steps more."""

    def call(code, *arguments, pattern="part-*.parquet", fresh=False, **settings):
        out = Path(tempfile.mkdtemp(dir=folder)) / "out" if fresh else folder / "out"
        before = files(out)
        config = with_settings(folder, **settings)
        tiny = (folder, str(folder / pattern), config)
        steps = {} if fresh else {"steps": 6}
        told = train(tiny, out, *arguments, code=code, **steps).stderr
        assert before.items() <= files(out).items()
        assert "Traceback" not in told
        return told.splitlines()[-1] if code else told

    folder = tmp_path / "bad"
    shutil.copytree(trained, folder)
    call.folder = folder
    return call


def flip(path, column):
    """A bit in the middle of what a column's first pages hold."""
    chunks = pq.ParquetFile(path).metadata.row_group(0)
    chunk = next(
        chunk
        for chunk in (chunks.column(number) for number in range(chunks.num_columns))
        if chunk.path_in_schema.startswith(column)
    )
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("column", ["image.bytes", "caption_recaption"])
def test_a_flipped_bit_in_a_shard(run, column):
    flip(run.folder / "part-00000.parquet", column)
    told = run(4)
    assert f"train: {run.folder / 'part-00000.parquet'}: row group 0: " in told
    assert "run what wrote it again (`beam run` with --verify, or a rendering" in told


def test_rows_without_captions_are_counted_and_alone_refused(run):
    bare = [shards.row("A", "red", caption_recaption=None, key=f"bare-{n}") for n in range(3)]
    shards.write(run.folder / "mixed.parquet", [*shards.rows(ROWS), *bare])
    assert "skipped: 3 without a caption (none in " in run(0, pattern="mixed.parquet", fresh=True)
    shards.write(run.folder / "bare.parquet", bare)
    told = run(2, pattern="bare.parquet")
    assert f"--data {run.folder / 'bare.parquet'}: nothing to train on: 3 without a caption" in told
    assert "see data.captions" in told


def test_pictures_smaller_than_the_class_are_told(run):
    told = run(0, fresh=True, data="{sizes: [], held_out: 0.2, resolution: 48}")
    assert f"warning: {ROWS} images are smaller than what they are scaled to" in told
    assert f"{ROWS} of 32x16; data.resolution 48 asks for more): data.where" in told
    assert "warning" not in run(0, fresh=True)


def source(data, label=""):
    label = f"label: {label}, " if label else ""
    return f"[{{steps: 2}}, {{{label}sources: [{{data: '{data}'}}]}}]"


@pytest.mark.parametrize("label", ["", "the last one"])
def test_a_missing_source_of_a_later_phase_is_told_before_the_first_is_read(run, label):
    flip(run.folder / "part-00000.parquet", "caption_recaption")  # reading it would be told
    told = run(2, fresh=True, phases=source("nowhere/*.parquet", label))
    beginning = f"train: phase {label}: phases[1]" if label else "train: phases[1]"
    assert told.startswith(f"{beginning}.sources[0].data nowhere/*.parquet: no .parquet file ")
    assert "expected shards" in told
    told = run(2, "--evaluate-on", "nowhere", fresh=True)
    assert told.startswith("train: --evaluate-on nowhere: no .parquet file matches")


def test_a_source_of_which_nothing_is_left_is_told_by_its_own_name_and_reasons(run):
    bare = shards.row("A", "red", caption_recaption=None)
    small = shards.row("A", "red", width=8, height=8)
    shards.write(run.folder / "part-00001.parquet", [bare])
    shards.write(run.folder / "small.parquet", [small])
    told = run(2, fresh=True, phases=source(run.folder / "small.parquet"))
    named = f"phases[1].sources[0].data {run.folder / 'small.parquet'}"
    assert told.startswith(f"train: {named}: nothing to train on: 1 of another size")
    assert "without a caption" not in told


def test_another_family_in_the_configuration_and_in_the_checkpoint(run):
    model = "{name: qwen_image_21, layers: 1, heads: 1, head_width: 16, rope_axes: [4, 6, 6]}"
    told = run(2, model=model)
    assert "holds a run with model.name qwen_image, not qwen_image_21" in told
    assert "give it the same settings, or another --out" in told
    path = run.folder / "out" / "checkpoint-4" / "transformer" / "config.json"
    path.write_text(path.read_text().replace("QwenImageTrans", "QwenImage21Trans"))
    told = run(4)
    assert f"train: {path}: a network of QwenImage21, but the run is one of QwenImage; put " in told
    assert "or remove checkpoint-4 and latest in " in told
    path.write_text('{"_class_name": "Stranger"}')
    assert f"{path}: a Stranger is of none of our families" in run(4)
    path.write_text("{")
    assert f"train: {path}: " in run(4)


def test_a_half_written_checkpoint(run):
    (path,) = (run.folder / "out" / "checkpoint-4" / "training_state").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    told = run(4)
    assert f"train: {path}: damaged, " in told
    assert "the newest whole one is checkpoint-3: remove " in told


def test_latents_that_are_not_finite_are_left_out_and_named(run, monkeypatch):
    encode = PatchPcaAutoencoder.encode
    spoilt = []

    def spoiling(self, pixels):
        latents = encode(self, pixels)
        spoilt.append(len(spoilt) == 3)
        return latents * float("nan") if spoilt[-1] or everything else latents

    everything = False
    monkeypatch.setattr(PatchPcaAutoencoder, "encode", spoiling)
    told = run(0, fresh=True)
    row = shards.rows(ROWS)
    name = "skipped: part-00000.parquet: "
    line = next(line for line in told.splitlines() if line.startswith(name))
    assert line.endswith(": latents not finite (see autoencoder.path)")
    assert line.removeprefix(name).split(": ")[0] in {each["key"] for each in row}
    assert "loss  nan" not in told
    everything = True
    told = run(2)
    assert f"--data {run.folder}/part-*.parquet: the autoencoder gives of none of the first" in told
    assert "check the weights in autoencoder.path" in told


def test_features_that_are_not_finite_are_told_with_their_caption(run, monkeypatch):
    class Frozen(ByteTextEncoder):
        def encode(self, prompts, images=None):
            texts = zip(prompts, super().encode(prompts, images), strict=True)
            return [
                tuple(each * float("nan") for each in text) if prompt else text
                for prompt, text in texts
            ]

    def build(configuration):
        return Frozen(configuration.width).requires_grad_(False)

    monkeypatch.setattr(text_encoder, "build", build)
    optimiser = "{warmup: 2, skips: %d}"
    told = run(2, fresh=True, optimiser=optimiser % 1)
    cause = "the text encoder gives features that are not finite numbers of a sample of source 0"
    assert "step 2: the loss is nan" in told
    assert f"optimiser.skips allows 1: {cause} with the caption 'The text" in told
    assert "check the weights in text_encoder.path, or leave the sample out by data.where" in told


def test_a_network_that_gives_no_finite_numbers_has_another_remedy(run):
    told = run(2, fresh=True, optimiser="{learning_rate: 1e30, clip: 1e30, skips: 0}")
    assert "optimiser.skips allows 0: lower optimiser.learning_rate" in told
