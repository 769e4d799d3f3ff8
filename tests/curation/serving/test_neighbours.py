"""What is most alike: held against every pair computed plainly."""

import numpy as np
import pytest

pytest.importorskip("duckdb")

from curation.failures.errors import UsageError
from curation.networks.weights import MissingModelError
from curation.serving import neighbours
from curation.serving.asked import Asked
from curation.serving.neighbours import Alike, Neighbours
from curation.serving.run_rows import Rows
from curation.serving.site import Site
from curation.signals.embedding import EmbeddingSettings

MIRROR = 0x5555_5555_5555_5555


def test_by_vectors(rows: Rows) -> None:
    vectors = {n: np.array(of) for n, of in enumerate(rows.column("embedding").to_pylist()) if of}
    known = Neighbours(rows)
    assert known.columns == ["embedding", "phash"]
    for number in [*vectors][::9]:
        own = vectors[number] / np.linalg.norm(vectors[number])
        cosines = {n: own @ of / np.linalg.norm(of) for n, of in vectors.items()}
        alike = known.of_image(number, "embedding")
        assert alike.numbers[0] == number and alike.said[0] == "1.000 alike"
        assert sorted(alike.numbers) == sorted(vectors)
        found = np.array([cosines[n] for n in alike.numbers.tolist()])
        assert (np.diff(found) < 0.001).all()
        assert [float(said.split()[0]) for said in alike.said] == pytest.approx(found, abs=0.002)


def test_by_hashes_also_of_mirror_images(rows: Rows) -> None:
    hashes = {n: of for n, of in enumerate(rows.column("phash").to_pylist()) if of is not None}
    number = [*hashes][2]
    bits = {
        n: min((of ^ hashes[number]).bit_count(), (of ^ hashes[number] ^ MIRROR).bit_count())
        for n, of in hashes.items()
    }
    alike = Neighbours(rows).of_image(number, "phash")
    assert alike.numbers.tolist() == sorted(bits, key=lambda n: (bits[n], n))
    assert alike.said == tuple(f"{bits[n]} of 64 bits differ" for n in alike.numbers.tolist())


def test_within_what_meets_a_condition(site: Site) -> None:
    vectors = site.rows.column("embedding").to_pylist()
    number = next(number for number, of in enumerate(vectors) if of)
    asked = Asked(near=number, by="embedding", where="verdict = 'kept'", order="clarity")
    everything = site.neighbours.of_image(number, "embedding").numbers.tolist()
    verdicts = site.rows.column("verdict").to_pylist()
    kept = [number for number in everything if verdicts[number] == "kept"]
    assert site.selection(asked).numbers.tolist() == kept


def test_a_sentence_by_an_encoder_of_texts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[EmbeddingSettings] = []

    def encoder(settings: EmbeddingSettings) -> neighbours.Encoder:
        asked.append(settings)
        return lambda text, held: Alike(held.numbers[::-1], tuple(text for _ in held.numbers))

    monkeypatch.setattr(neighbours, "_encoder", encoder)
    selection = site.selection(Asked(text=" a dog "))
    assert set(selection.said.values()) == {"a dog"} and len(selection.numbers) > 9
    site.selection(Asked(text="a cat"))
    assert asked == [EmbeddingSettings()]  # loaded once


def test_without_an_encoder_it_says_what_is_missing(site: Site) -> None:
    with pytest.raises(MissingModelError, match="needs an encoder of texts, and torchscript has"):
        neighbours._encoder(EmbeddingSettings(library="torchscript", weights="a.pt"))
    with pytest.raises(UsageError, match="choose by: embedding"):
        site.selection(Asked(text="a dog", by="phash"))
    with pytest.raises(UsageError, match="no column 'clarity' of vectors: expected one of emb"):
        site.selection(Asked(near=1, by="clarity"))
    with pytest.raises(UsageError, match="no image 999"):
        site.selection(Asked(near=999))
    lacking = site.rows.column("embedding").to_pylist().index(None)
    with pytest.raises(UsageError, match="did not look at this image; choose another, or by phash"):
        site.selection(Asked(near=lacking, by="embedding"))


def test_many_are_cut_to_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST", 3)
    scores = np.array([0.5, 0.9, 0.5, 0.1, 0.7, 0.5], np.float32)
    assert neighbours._most(np.arange(10, 16), scores).numbers.tolist() == [11, 14, 10]
