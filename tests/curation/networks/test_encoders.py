"""Encoders by name: real classes of the libraries, loaded from tiny random checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import tiny_encoders
from making.collection import drawing, encoded
from making.signal_pictures import photo

from curation.networks import encoders
from curation.networks.encoders import Named
from curation.networks.weights import MissingModelError
from curation.signals import signal
from curation.signals.embedding import EmbeddingSettings, embedding
from curation.signals.image_text import ChineseClipSettings, chinese_clip, clip, siglip
from curation.signals.offence import OffenceSettings, offence
from curation.signals.row import Row
from curation.signals.signal import MissingModelError as SignalError
from curation.signals.signal import ready

pytest.importorskip("transformers")
pytest.importorskip("open_clip")

MAKERS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "chinese_clip": ("transformers", tiny_encoders.chinese_clip),
    "siglip": ("transformers", tiny_encoders.siglip),
    "open_clip": ("open_clip", tiny_encoders.open_clip_folder),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Named]:
    """The encoders by name."""
    root = tmp_path_factory.mktemp("encoders")
    return {
        name: Named(library=library, model=str(make(root / name)))
        for name, (library, make) in MAKERS.items()
    }


@pytest.mark.parametrize("name", MAKERS)
def test_images_and_texts_have_unit_vectors_of_one_space(name: str, made: dict[str, Named]) -> None:
    encoders.check(made[name], texts=True)
    encoder = encoders.image_text_encoder(made[name])
    images = [encoder.vector(photo(of)) for of in ("coffee", "chelsea")]
    texts = [encoder.text_vector(text) for text in ("a cat", "a red dog", "一只猫")]
    vectors = [*images, *texts]
    assert {vector.shape for vector in vectors} == {(tiny_encoders.SIZE,)}
    assert [float(np.linalg.norm(vector)) for vector in vectors] == pytest.approx([1] * 5)
    assert not np.allclose(*images) and not np.allclose(*texts[:2])
    assert np.array_equal(encoder.vector(photo("coffee")), images[0])


def test_a_checkpoint_says_what_its_library_says_of_it(made: dict[str, Named]) -> None:
    """The scores of a library's own whole forward pass, which normalises and scales by itself."""
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    for name in ("chinese_clip", "siglip"):
        folder = made[name].model
        model = AutoModel.from_pretrained(folder).eval()
        tokens = AutoTokenizer.from_pretrained(folder)
        padding: dict[str, Any] = {"padding": "max_length", "max_length": 8}
        texts = tokens(["a red cat"], return_tensors="pt", **(padding if name == "siglip" else {}))
        pixels = AutoImageProcessor.from_pretrained(folder)(photo("coffee"), return_tensors="pt")
        with torch.inference_mode():
            whole = model(**texts, **pixels)
        likeness = (whole.image_embeds @ whole.text_embeds.T).item()
        encoder = encoders.image_text_encoder(made[name])
        ours = float(encoder.vector(photo("coffee")) @ encoder.text_vector("a red cat"))
        assert ours == pytest.approx(likeness, abs=1e-5)


def test_a_caption_is_encoded_once_for_all_that_score_by_its_model(
    made: dict[str, Named], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder: Any = encoders.image_text_encoder(made["open_clip"])
    asked: list[str] = []
    plain = encoder._model.encode_text
    monkeypatch.setattr(encoder._model, "encode_text", lambda of: asked.append("") or plain(of))
    settings = {"library": "open_clip", "model": made["open_clip"].model}
    measure = ready(clip, clip.settings(**settings))
    said = {"caption_raw": ["a cat asleep", "a cat asleep", "  "]}
    rows = [Row(str(n), encoded(drawing(n)), said, {}) for n in range(3)]
    scores = [values["caption_raw.clip"] for values in measure(rows)]
    assert all(of[0] == of[1] and of[2] == -1 for of in scores)
    ready(offence, OffenceSettings(**settings, violent=("a cat asleep",)))
    assert len(asked) == 1 + len({*OffenceSettings().offensive, *OffenceSettings().harmless})


def test_offence_is_a_share_of_all_sentences(made: dict[str, Named]) -> None:
    named = made["siglip"]
    measure = ready(offence, OffenceSettings(library="transformers", model=named.model))
    (values,) = measure([Row("x", encoded(drawing(1)), {}, {})])
    assert values.keys() == {"violence", "offence"}
    assert 0 < values["violence"] + values["offence"] < 1


def test_an_embedding_by_another_encoder(made: dict[str, Named], tmp_path: Path) -> None:
    script = tiny_encoders.torchscript(tmp_path / "sscd.torchscript.pt")
    settings = [
        EmbeddingSettings(library="torchscript", weights=str(script), side=tiny_encoders.SIDE),
        EmbeddingSettings(library="transformers", model=made["siglip"].model),
        EmbeddingSettings(library="open_clip", model=made["open_clip"].model),
    ]
    row = Row("x", encoded(drawing(1)), {}, {})
    vectors = [ready(embedding, of)([row])[0]["embedding"] for of in settings]
    assert [len(vector) for vector in vectors] == [tiny_encoders.SIZE] * 3
    assert not np.allclose(vectors[0], vectors[1])


def test_weights_that_are_missing_are_named_before_any_work() -> None:
    cases = (
        (
            clip,
            clip.settings(),
            r"'clip' needs .* of open_clip's ViT-L-14.*--without clip",
        ),
        (siglip, siglip.settings(), r"needs the weights of 'google/siglip2.*hf download .*FOLDER"),
        (chinese_clip, ChineseClipSettings(model="nobody/nothing"), "nobody/nothing.*--without"),
        (clip, clip.settings(model="ViT-B-16-SigLIP2"), "needs a folder .*ViT-B-16-SigLIP2"),
        (clip, clip.settings(model="ViT-B-17"), "'model' should be an architecture"),
        (embedding, EmbeddingSettings(library="torchscript", weights="x"), "TorchScript.*'x'"),
    )
    for entry, settings, message in cases:
        with pytest.raises(SignalError, match=message):
            signal.check(entry, settings)
    with pytest.raises(MissingModelError, match="needs an encoder of texts"):
        encoders.check(Named(library="embedded"), texts=True)
