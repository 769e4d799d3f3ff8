"""A LoRA that is trained: as peft trains it, exactly continued, and a file that diffusers reads."""

import json

import pytest
import torch
from making import loras, packed_21
from making import training_shards as shards
from making.commands import invoke
from making.training_runs import frozen_base, tensors, train, train_killed
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from curation.failures.errors import UsageError
from infer.__main__ import app as infer_app
from infer.export import app as export_app
from train import checkpoint
from train.__main__ import app as train_app
from train.adapters import base, beside, reading
from train.adapters.adapter_folder import NAME

LORA = """
steps: 24
batch: 16
precision: fp32
weights: {weights}
adapter: {adapter}
data: {{sizes: [], held_out: 0.2}}
optimiser: {{kind: adamw, learning_rate: 0.03, warmup: 2, decay: 0.3}}
evaluation: {{every: 12, images: 8, steps: 2, grid: 4, gradients: false}}
checkpoint: {{every: 5}}
log_every: 5
ema: {{decay: 0.8}}
"""


def test_a_run_begins_with_a_stored_lora(trained, tmp_path):
    (folder, pattern, config), out, _ = trained
    further = tmp_path / "further.yaml"
    text = config.read_text().replace("alpha: 8", f"alpha: 8, start: {out}")
    further.write_text(text.replace("steps: 24", "steps: 1", 1))
    train((folder, pattern, further), tmp_path / "out")
    begun, ended = (
        [json.loads(line) for line in (each / "evaluations.jsonl").open()]
        for each in (tmp_path / "out", out)
    )
    assert begun[0]["step"] == 0
    assert begun[0]["held_out_loss"] == pytest.approx(ended[-1]["held_out_loss"], rel=1e-4)


@pytest.fixture(scope="module")
def trained(tiny, undisturbed, tmp_path_factory):
    """The tiny run, and a LoRA beside it that ran undisturbed."""
    folder, pattern, _ = tiny
    target = tmp_path_factory.mktemp("lora")
    config = target / "lora.yaml"
    config.write_text(LORA.format(weights=undisturbed[0], adapter="{rank: 4, alpha: 8}"))
    with frozen_base():
        told = train((folder, pattern, config), target / "out")
    return (folder, pattern, config), target / "out", told.stderr


def test_a_run_says_what_it_trains_and_how_the_base_did_without(trained, undisturbed):
    _, out, told = trained
    of = f"of a LoRA of rank 4 beside {undisturbed[0] / 'checkpoint-40'}, fp32, device cpu"
    assert of in told
    evaluated = [json.loads(line) for line in (out / "evaluations.jsonl").open()]
    assert [each["step"] for each in evaluated] == [0, 12, 24]
    assert evaluated[2]["held_out_loss"] < evaluated[0]["held_out_loss"]
    grids = [(out / "samples" / f"step-{step:06d}.png").read_bytes() for step in (0, 24)]
    assert grids[0] != grids[1]
    card = (out / "checkpoint-24" / "README.md").read_text()
    assert "# LoRA of qwen_image" in card
    assert "load_lora_weights" in card


def test_killed_it_ends_in_the_same_bytes(trained, tmp_path):
    tiny, out, _ = trained
    again = tmp_path / "again"
    train_killed(tiny, again, 14)
    assert (again / "latest").read_text() == "checkpoint-10\n"
    assert "after step 10" in train(tiny, again).stderr
    names = ["metrics.jsonl", "samples/step-000024.png", "samples/step-000000.png"]
    names += [f"checkpoint-24/{name}" for name in (NAME, "README.md")]
    for name in names:
        assert (out / name).read_bytes() == (again / name).read_bytes(), name
    mine, theirs_ = tensors(out / "checkpoint-24"), tensors(again / "checkpoint-24")
    assert mine.keys() == theirs_.keys()
    assert all(torch.equal(mine[name], theirs_[name]) for name in mine)


@torch.no_grad()
def test_its_file_has_the_averages_and_alpha_and_diffusers_reads_the_same_bits(trained):
    from diffusers import QwenImageTransformer2DModel

    _, out, _ = trained
    folder = out / "checkpoint-24"
    configuration = checkpoint.read_configuration(folder)
    state = tensors(folder / "training_state")
    network = base.load(configuration, 8, 16)
    torch.manual_seed(0)
    adapter = beside.start(network, configuration.adapter)
    adapter.load_state_dict(
        {key.split("ema.0.adapter.")[1]: w for key, w in state.items() if "ema.0.adapter." in key}
    )
    pairs = reading.read(folder / NAME, network)
    assert {pair.scale for pair in pairs.values()} == {2.0}
    own = adapter.pairs()
    assert pairs.keys() == own.keys()
    theirs_ = QwenImageTransformer2DModel.from_pretrained(configuration.weights + "/transformer")
    modules = dict(loras.into_diffusers(theirs_, folder).named_modules())
    for layer, pair in pairs.items():
        assert float(pair.up.abs().sum()) > 0
        assert modules[layer].scaling["first"] == 2.0
        for mine, other, read in (
            (own[layer].down, modules[layer].lora_A["first"].weight, pair.down),
            (own[layer].up, modules[layer].lora_B["first"].weight, pair.up),
        ):
            assert torch.equal(mine, other)
            assert torch.equal(mine, read)


def test_it_generates_beside_its_base_and_not_by_itself(trained, undisturbed, tmp_path):
    _, out, _ = trained
    given = ['The text "AE" in red on a white background.', "--steps", "2", "--size", "32x16"]
    image, plain = tmp_path / "image.png", tmp_path / "plain.png"
    model = ["--checkpoint", str(undisturbed[0])]
    for path, more in ((image, ["--lora", f"{out}:1.5"]), (plain, [])):
        result = invoke(infer_app, [*given, *model, *more, "-o", str(path)])
        assert result.exit_code == 0, result.output
    assert image.read_bytes() != plain.read_bytes()
    alone = invoke(infer_app, [*given, "--checkpoint", str(out), "-o", str(tmp_path / "x.png")])
    assert alone.exit_code == 2
    assert f"a LoRA, not a model: --checkpoint {undisturbed[0] / 'checkpoint-40'}" in alone.stderr


def test_it_is_exported_by_the_names_of_comfyui(trained, undisturbed, tmp_path):
    _, out, _ = trained
    file = tmp_path / "style.safetensors"
    given = ["--checkpoint", str(undisturbed[0]), "--to", "comfyui-lora", "-o", str(file)]
    result = invoke(export_app, [*given, "--lora", f"{out}:0.5"])
    assert result.exit_code == 0, result.output
    stored, own = load_file(file), load_file(out / "checkpoint-24" / NAME)
    assert len(stored) == len(own) // 2 * 3
    for key, tensor in own.items():
        assert torch.equal(stored[key.replace("transformer.", "diffusion_model.", 1)], tensor)
    alphas = {float(tensor) for key, tensor in stored.items() if key.endswith(".alpha")}
    assert alphas == {4.0}  # of 8, by the factor
    none = invoke(export_app, [*given[:-1], str(tmp_path / "x.safetensors")])
    assert none.exit_code == 2
    assert "expected one --lora" in none.stderr


WRONG = {
    "no weights": ({"weights": "''"}, "an adapter is trained beside a network: name a published"),
    "no folder": ({"weights": "absent"}, "absent: no checkpoint here"),
    "a LoRA of a LoRA": ({"weights": "{out}"}, "is a LoRA of"),
    "another family": (
        {"model": "{{name: qwen_image_21, layers: 2}}"},
        "has a network of model qwen_image, not qwen_image_21: leave model out",
    ),
    "no such matrix": (
        {"adapter": "{{targets: [to_x]}}"},
        "no matrix of this network ends with 'to_x'; in its blocks there are attn.add_k_proj",
    ),
    "muon": ({"optimiser": "{{kind: muon}}"}, "an adapter needs kind: adamw"),
    "no LoRA to go on with": ({"adapter": "{{rank: 4, start: gone}}"}, "adapter.start: gone"),
    "of another rank": ({"adapter": "{{rank: 3, start: '{out}'}}"}, "has rank 4: set adapter.rank"),
    "float8": ({"precision": "float8"}, "take bf16"),
    "aligned": ({"phases": "[{{repa: true}}]"}, "repa trains early blocks"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_adapted_is_said_in_a_sentence(case, trained, tmp_path):
    (folder, pattern, config), out, _ = trained
    changes, says = WRONG[case]
    lines = [
        line
        for line in config.read_text().splitlines()
        if not line.startswith(tuple(f"{name}:" for name in changes))
    ]
    lines += [f"{name}: {value.format(out=out)}" for name, value in changes.items()]
    other = tmp_path / "wrong.yaml"
    other.write_text("\n".join(lines))
    told = train((folder, pattern, other), tmp_path / "out", code=2).stderr
    assert says in told.splitlines()[-1]
    assert "Traceback" not in told


def test_heads_of_its_base_are_not_shared_out(trained, tmp_path):
    (_, pattern, config), _, _ = trained
    divided = tmp_path / "divided.yaml"
    divided.write_text(config.read_text().replace("fp32", "bf16") + "distributed: {tensor: 2}\n")
    given = ["--data", pattern, "--config", str(divided), "--plan-on", "rtx-4090x2"]
    refused = invoke(train_app, given)
    assert refused.exit_code == 2
    assert "its heads are not shared out: set 1" in refused.stderr


def test_a_run_of_another_base_is_not_continued(trained, undisturbed, tmp_path):
    (folder, pattern, config), out, _ = trained
    other = tmp_path / "other.yaml"
    earlier = undisturbed[0] / "checkpoint-35"
    other.write_text(config.read_text().replace(str(undisturbed[0]), str(earlier)))
    told = train((folder, pattern, other), out, code=2).stderr.splitlines()[-1]
    assert "holds a run with weights" in told


def test_a_lora_of_another_network_is_not_merged(trained, tmp_path):
    _, out, _ = trained
    network = packed_21.packed_network(packed_21.diffusers_network())
    with pytest.raises(UsageError, match=r"are no LoRA of this network|is it of another network"):
        reading.read(out / "checkpoint-24" / NAME, network)
    with safe_open(str(out / "checkpoint-24" / NAME), "pt") as opened:
        assert "lora_adapter_metadata" in opened.metadata()


def test_a_command_makes_a_lora_of_a_folder_of_images(undisturbed, tmp_path):
    folder, out = tmp_path / "images", tmp_path / "out"
    folder.mkdir()
    for number, row in enumerate(shards.rows(16, seed=5)):
        (folder / f"{number}.png").write_bytes(row["image"]["bytes"])
        (folder / f"{number}.txt").write_text(row["caption_recaption"][0]["text"])
    given = ["--preset", "lora", "--data", str(folder), "--weights", str(undisturbed[0])]
    result = invoke(train_app, [*given, "--out", str(out), "--steps", "3"])
    assert result.exit_code == 0, result.output
    told = result.stderr
    assert "packing 16 images" in told
    assert "bucket 32x16" in told  # as the base was trained, not at the preset's 1024 px
    assert "step 0 " in told
    configuration = checkpoint.read_configuration(out / "checkpoint-3")
    assert configuration.adapter.base == "stored"
    assert configuration.evaluation.steps == 2
    with Image.open(out / "samples" / "before-and-after.png") as both:
        widths = [Image.open(out / "samples" / f"step-00000{n}.png").width for n in (0, 3)]
        assert both.width == sum(widths)
    before = sorted(undisturbed[0].rglob("*"))
    refused = invoke(train_app, [*given, "--out", str(undisturbed[0]), "--steps", "3"])
    assert refused.exit_code == 2 and sorted(undisturbed[0].rglob("*")) == before
    assert "holds a run that trained a network, not a LoRA" in refused.stderr


def test_where_there_is_no_base_the_command_says_what_to_name(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(shards.rows(1)[0]["image"]["bytes"])
    given = ["--preset", "lora-21", "--data", str(tmp_path / "images")]
    result = invoke(train_app, [*given, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    says = "weights: Qwen-Image-2.1: no checkpoint here; expected transformer/; name a published"
    assert says in result.stderr


PROMPTS = "[{{name: prompts, file: {file}{more}}}, held_out_strings]"


def with_prompts(config, tmp_path, text, more=""):
    """A LoRA that is looked at by prompts of our own."""
    (tmp_path / "prompts.txt").write_text(text)
    evaluators = PROMPTS.format(file=tmp_path / "prompts.txt", more=more)
    content = config.read_text().replace("gradients: false", f"evaluators: {evaluators}")
    path = tmp_path / "with-prompts.yaml"
    path.write_text(content.replace("steps: 24", "steps: 2"))
    return path


def test_the_grid_may_be_of_prompts_of_ones_own(trained, tmp_path):
    (folder, pattern, config), out, _ = trained
    path = with_prompts(config, tmp_path, "one prompt\n\nanother\n", ", size: 64x32")
    train((folder, pattern, path), tmp_path / "out")
    places = [each / "samples" / "step-000000.png" for each in (tmp_path / "out", out)]
    own, usual = (Image.open(path).size for path in places)
    assert own != usual
    figures = json.loads((tmp_path / "out" / "evaluations.jsonl").read_text().splitlines()[0])
    assert figures["held_out_loss"]


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        ("\n", "", "has no line with a prompt"),
        ("a", ", size: 30x30", "size 30x30: expected multiples of 16 px"),
        ("a", ", size: small", "size 'small': expected such as 1024x1024"),
    ],
)
def test_prompts_that_cannot_be_generated_are_refused(text, more, says, trained, tmp_path):
    (folder, pattern, config), _, _ = trained
    path = with_prompts(config, tmp_path, text, more)
    assert says in train((folder, pattern, path), tmp_path / "out", code=2).stderr.splitlines()[-1]
