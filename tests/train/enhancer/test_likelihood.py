"""What a language model writes is as likely as it is said to be, and so is what is trained."""

import json

import pytest
import torch
from making import tiny_writer

from curation.failures.errors import UsageError
from train.enhancer import answering, language_model, recomputing, sequences
from train.enhancer.answering import Answer
from train.enhancer.configuration import Lora, Policy
from train.enhancer.policy import PolicyTask
from train.enhancer.rules.rule import Rule
from train.enhancer.sequences import Row
from train.enhancer.triplet import Triplet

ROWS = [
    Row((5, 6, 7), (8, 9)),
    Row((5, 6, 7, 11, 12, 13), (14,)),
    Row((20,), (21, 22, 23, 24, 25)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A language model of random weights, which looks at all that is before a token."""
    place = tiny_writer.save(tmp_path_factory.mktemp("likelihood") / "writer")
    model = language_model.load(place, "cpu", "fp32")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(1)
        for weight in model.network.parameters():
            weight.normal_(std=0.3)
    model.network.generation_config.update(
        do_sample=True,
        repetition_penalty=1.3,
        min_p=0.2,
        no_repeat_ngram_size=2,
        suppress_tokens=[8],
    )
    model.write(place)
    return place


@pytest.fixture
def model(folder):
    return language_model.load(folder, "cpu", "fp32")


@torch.no_grad()
def test_rows_of_unlike_lengths_are_as_likely_as_each_alone_and_as_by_hand(model):
    together, mask = sequences.log_probabilities(model, ROWS, 0.7)
    assert torch.equal(mask.sum(1), torch.tensor([2, 1, 5]))
    assert torch.equal(together[~mask], torch.zeros(int((~mask).sum())))
    for own, is_answer, row in zip(together, mask, ROWS, strict=True):
        alone, _ = sequences.log_probabilities(model, [row], 0.7)
        tokens = torch.tensor([[*row.prompt, *row.answer]])
        likely = (model.network(input_ids=tokens).logits / 0.7).log_softmax(-1)[0]
        first = len(row.prompt) - 1
        hand = torch.stack([likely[first + n, token] for n, token in enumerate(row.answer)])
        torch.testing.assert_close(own[is_answer], hand)
        torch.testing.assert_close(alone[0], hand)


@torch.no_grad()
def test_answers_are_sampled_by_the_probabilities_that_are_trained(model, monkeypatch):
    kept, scores = model.network.generate, []

    def generate(**given):
        made = kept(**given, return_dict_in_generate=True, output_scores=True)
        scores.extend(made.scores)
        return made.sequences

    monkeypatch.setattr(model.network, "generate", generate)
    written = answering.answers(model, ["a fox", "a cat on a mat"], 6, 2, 1.5, seed=3)
    assert model.network.generation_config.repetition_penalty == 1.3  # as it is saved
    # of a portion, the shortest first, as they stand there
    rows = sorted((each.row for each in written), key=lambda row: len(row.prompt))
    likely, mask = sequences.log_probabilities(model, rows, 1.5)
    for number, row in enumerate(rows):
        sampled = torch.stack(
            [scores[n][number].log_softmax(-1)[token] for n, token in enumerate(row.answer)]
        )
        torch.testing.assert_close(likely[number][mask[number]], sampled, atol=1e-4, rtol=1e-4)


def test_blocks_are_computed_twice_where_asked_for_and_to_the_same_gradients(model):
    passes = []
    for block in model.network.model.layers:
        block.self_attn.register_forward_hook(lambda *_: passes.append(1))
    expected = gradients(model)
    assert len(passes) == 1
    recomputing.recompute(model.network)
    assert not model.network.training
    again = gradients(model)
    assert len(passes) == 1 + 2
    for own, other in zip(again, expected, strict=True):
        assert torch.equal(own, other)
    with torch.no_grad():
        sequences.log_probabilities(model, ROWS)
    assert len(passes) == 4


def gradients(model):
    model.network.zero_grad()
    likely, _ = sequences.log_probabilities(model, ROWS)
    likely.sum().backward()
    return [weight.grad.clone() for weight in model.trained]


class First(Rule):
    """Whether it begins with an "A"."""

    def score(self, prompt, answer):
        return float(answer.startswith("A"))


@pytest.mark.parametrize("updates", [1, 2])
def test_the_better_answer_of_a_group_becomes_likelier(model, monkeypatch, updates):
    better = Row((5, 6), (8, 9, 10))
    worse = Row((5, 6), (30, 31))
    written = [Answer("A", better), Answer("B", worse)]
    monkeypatch.setattr("train.enhancer.policy.answers", lambda *_: written)
    chosen = Policy(
        rewards=(), rules=(First(),), group=2, batch=1, kl=0.0, held_out=0.0, updates=updates
    )
    task = PolicyTask(model, None, None, [Triplet("0", "a fox", "", "")], chosen, print)
    before = likely(model, better, worse)
    for number in range(updates):
        made = task.update(1, number)
        assert made.tokens == 5
        with torch.no_grad():
            for weight in model.trained:
                weight.sub_(1e-3 * weight.grad)
        model.network.zero_grad()
    after = likely(model, better, worse)
    assert after[0] > before[0] and after[1] < before[1]


@torch.no_grad()
def likely(model, *rows):
    made, _ = sequences.log_probabilities(model, rows)
    return made.sum(1).tolist()


def test_a_lora_is_read_as_safetensors_alone(folder, tmp_path):
    pytest.importorskip("peft")
    model = language_model.load(folder, "cpu", "fp32", Lora(rank=2))
    model.write(tmp_path)
    with pytest.raises(UsageError, match="take lora: away"):
        language_model.load(tmp_path, "cpu", "fp32", Lora(rank=4))
    language_model.load(tmp_path, "cpu", "fp32")
    described = tmp_path / language_model.ADAPTER
    kept = json.loads(described.read_text())
    described.write_text(json.dumps({**kept, "peft_type": "IA3"}))
    with pytest.raises(UsageError, match="expected peft_type LORA"):
        language_model.load(tmp_path, "cpu", "fp32")
    described.write_text(json.dumps({**kept, "target_modules": 5}))
    with pytest.raises(UsageError, match="no LoRA of"):
        language_model.load(tmp_path, "cpu", "fp32")
    described.write_text(json.dumps(kept))
    (tmp_path / "adapter_model.safetensors").rename(tmp_path / "adapter_model.bin")
    with pytest.raises(UsageError, match="a LoRA without adapter_model"):
        language_model.load(tmp_path, "cpu", "fp32")


def test_a_pointer_that_names_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "latest").write_text("../elsewhere")
    with pytest.raises(UsageError, match="which is no checkpoint of an enhancer"):
        language_model.check(str(tmp_path))
