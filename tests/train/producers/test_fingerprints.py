"""What tells encoders apart: any byte of a small file, another training of a large one."""

import numpy as np
import pytest

from train.configuration import Configuration
from train.producers import fingerprints
from train.text_encoders import text_encoder


def configured(folder, **text):
    return Configuration.model_validate(
        {
            "preset": "test",
            "autoencoder": {"kind": "qwen", "path": str(folder)},
            "text_encoder": {"kind": "qwen", "path": str(folder), **text},
        }
    )


@pytest.fixture
def folder(tmp_path):
    for name in ("vae", "text_encoder", "tokenizer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "vae" / "weights").write_bytes(b"weights" * 100)
    return tmp_path


def test_any_byte_of_any_of_its_files_counts(folder):
    def both():
        given = configured(folder)
        return fingerprints.of_autoencoder(given, None), fingerprints.of_text_encoder(given, None)

    autoencoder, text = both()
    assert autoencoder != text
    (folder / "vae" / "weights").write_bytes(b"weights" * 99 + b"weighty")
    assert both()[0] != autoencoder
    assert both()[1] == text
    (folder / "tokenizer" / "config.json").write_text("[]")
    assert both()[1] != text
    longest = configured(folder, longest=7)
    assert fingerprints.of_text_encoder(longest, None) != both()[1]
    together = configured(folder, at_once=2)
    assert fingerprints.of_text_encoder(together, None) != both()[1]


def test_of_a_large_file_another_training_counts(folder, monkeypatch):
    monkeypatch.setattr(fingerprints, "_READ_WHOLE", 1000)
    monkeypatch.setattr(fingerprints, "_BLOCK", 16)
    given, path = configured(folder), folder / "vae" / "weights"
    chance = np.random.default_rng(0)
    weights = chance.standard_normal(20_000).astype(np.float32)
    path.write_bytes(weights.tobytes())
    before = fingerprints.of_autoencoder(given, None)
    assert fingerprints.of_autoencoder(given, None) == before
    path.write_bytes((weights * 1.0001).tobytes())
    assert fingerprints.of_autoencoder(given, None) != before


def test_what_is_not_here_has_none_and_what_is_learnt_needs_none(tmp_path):
    assert fingerprints.of_autoencoder(configured(tmp_path), None) is None
    assert fingerprints.of_text_encoder(configured(tmp_path), None) is None
    learnt = Configuration.model_validate({"preset": "test"})
    assert fingerprints.of_text_encoder(learnt, None) == fingerprints.LEARNT
    encoders = [text_encoder.build(learnt.text_encoder) for _ in range(2)]
    assert fingerprints.of_text_encoder(learnt, encoders[0]) == fingerprints.LEARNT
    frozen = [
        fingerprints.of_text_encoder(learnt, encoder.requires_grad_(False)) for encoder in encoders
    ]
    assert len({*frozen, fingerprints.LEARNT}) == 3
    assert frozen[0] == fingerprints.of_text_encoder(learnt, encoders[0])
