"""Benchmarks of text: formulas by hand, and each from files of prompts to its figures."""

import json

import numpy as np
import pytest
from making.benchmark_files import cvtg_files, write_jsonl
from PIL import Image

from curation.failures.errors import UsageError
from curation.networks import encoders
from infer.evaluation import cvtg_2k, diversity, oneig_text_en, tiif_text
from infer.evaluation.cvtg_2k import Cvtg2k
from infer.evaluation.diversity import Diversity
from infer.evaluation.longtext_bench_en import LongTextBenchEn
from infer.evaluation.longtext_bench_zh import LongTextBenchZh
from infer.evaluation.oneig_text_en import OneIgTextEn
from infer.evaluation.oneig_text_zh import OneIgTextZh
from infer.evaluation.tiif_text import TiifText, gned, recall
from infer.harness import clip_l14, rendering, texts
from infer.harness.rows import Line, Request, Seen, row

BLANK = Image.new("RGB", (8, 8))


def seen(*lines, image=BLANK, missing=False):
    return Seen(image, tuple(map(Line, lines)), is_missing=missing)


def figures(chosen, *asked):
    """By name, of requests beside what was seen."""
    rows = [row(request, 0, chosen.measure(request, of), of.is_missing) for request, of in asked]
    return {metric.name: metric.value for metric in chosen.score(rows)}


def fit_rows(monkeypatch, kind, rows):
    monkeypatch.setattr(kind, "file", kind.file.model_copy(update={"rows": rows}))


# --- Texts


def test_texts_are_cleaned_as_the_benchmarks_clean_them():
    assert texts.cleaned(" It's  a \n Café-crème, 50%! ") == "Its a Cafécrème 50"
    assert texts.cleaned("“5G 网络”，Naïve ツ 2", spaces=False) == "5G网络Naïve2"
    assert texts.without("addCriterion\nINK", texts.HALLUCINATIONS) == "\nINK"
    assert (texts.matched(["a", "b", "a"], ["a", "b", "b"]), texts.matched("水水火", "火水")) == (
        2,
        2,
    )
    assert (texts.distance("kitten", "sitting"), texts.difference("ink", "in")) == (3, 1 / 3)
    assert texts.difference("", "") == 0


# --- CVTG-2K


def words_of(prompt, *lines):
    targets = tuple(cvtg_2k._QUOTED.findall(prompt))
    return Request(str(hash(prompt)), prompt, group="2 regions", texts=targets), seen(*lines)


def test_cvtg_counts_words_by_membership_and_ned_by_the_closest_word():
    chosen = Cvtg2k(None, None)
    given = [
        words_of("A sign 'New York' and a cup 'New'", "new"),  # one word read serves two targets
        words_of("A card 'Tea Time'", "TIME", "tee"),  # any case, any order
        words_of("A page 'ink'"),
    ]
    got = figures(chosen, *given)
    assert got["word_accuracy"] == pytest.approx(3 / 6)  # pooled; means of images: 0.389
    york, tee = 1 - 4 / 4, 1 - 1 / 3
    assert got["ned"] == pytest.approx((1 + york + 1 + tee + 1 + 0) / 6)
    assert got["word_accuracy, 2 regions"] == got["word_accuracy"]
    assert not any("clip" in name for name in got)
    # difflib finds "abcd" nearer (0.75) than "dab" (0.571...), by Levenshtein 2 and 2 of 4.
    assert cvtg_2k.likeness("bcda", ["dab", "abcd"]) == pytest.approx(1 - 2 / 4)
    assert figures(chosen, words_of("'ink'"))["ned"] == 0


def test_an_apostrophe_breaks_the_rule_of_quotes_and_is_counted():
    broken = "A sign 'don't walk' and a cup 'Tea'"
    assert cvtg_2k._QUOTED.findall(broken)[0] == "don"
    assert cvtg_2k.has_apostrophe(broken) and cvtg_2k.has_apostrophe("the dogs' 'bed'")
    assert not cvtg_2k.has_apostrophe("A sign 'walk' and a cup 'Tea'")


CLIP_CONFIG = {"projection_dim": 768, "vision_config": {"hidden_size": 1024, "patch_size": 14}}


class Clip:
    """Texts are at 1, bright images at 0.6 to them and dark ones opposite."""

    scale = 100.0
    asked: list

    def __init__(self):
        self.asked = []

    def vector(self, rgb):
        return np.array([0.6, 0.8] if rgb.mean() > 128 else [-1.0, 0.0])

    def text_vector(self, text):
        self.asked.append(text)
        return np.array([1.0, 0.0])


@pytest.fixture
def cvtg(tmp_path, monkeypatch):
    """Files that say that they are all."""
    monkeypatch.setattr(cvtg_2k, "PROMPTS", 8)
    return cvtg_files(tmp_path / "data")


def test_cvtg_by_regions_with_clipscore_where_there_is_clip(cvtg, tmp_path, monkeypatch):
    clip = Clip()
    monkeypatch.setattr(encoders, "image_text_encoder", lambda named: clip)
    assert "put CLIP ViT-L/14" in Cvtg2k(None, str(cvtg)).facts["clipscore"]
    config = cvtg / clip_l14.FOLDER / "config.json"
    config.parent.mkdir()
    config.write_text(json.dumps(CLIP_CONFIG))
    chosen = Cvtg2k(None, str(cvtg))
    requests = chosen.requests()
    assert [each.file for each in requests][::5] == ["CVTG_2_0_0.png", "CVTG-Style_3_0_0.png"]
    bright = Image.new("RGB", (8, 8), "white")
    lines = [each.texts[0].lower() for each in requests]
    asked = [(each, seen(line, image=bright)) for each, line in zip(requests, lines, strict=True)]
    asked[1] = (requests[1], seen(lines[1]))  # a negative cosine is 0
    asked[2] = (requests[2], seen(missing=True))
    got = figures(chosen, *asked)
    assert got["clipscore"] == pytest.approx(6 / 8 * 2.5 * 0.6)
    assert (got["word_accuracy"], got["word_accuracy, 4 regions"]) == (7 / 8, 0.5)
    assert clip.asked[0] == "A photo depicts a CVTG poster 'Fresh Coffee'"
    page = chosen.perfect(requests[0])
    assert "clipscore" not in chosen.measure(requests[0], seen("Fresh", image=page)).values
    assert chosen.facts["prompts_with_apostrophes"] == 0
    config.write_text(json.dumps(CLIP_CONFIG | {"projection_dim": 512}))
    with pytest.raises(UsageError, match="expected CLIP ViT-L/14"):
        Cvtg2k(None, str(cvtg))
    monkeypatch.setattr(cvtg_2k, "PROMPTS", 2000)
    config.unlink()
    with pytest.raises(UsageError, match="8 prompts, expected 2000"):
        Cvtg2k(None, str(cvtg)).requests()
    with pytest.raises(UsageError, match="expected the folder of CVTG/2"):
        Cvtg2k(None, str(cvtg / "CVTG/2.json"))


# --- LongText-Bench


def long_text(kind, *cases):
    """Figures of cases of (texts, lines)."""
    asked = [
        (Request(f"{n:04d}", "", texts=case[0]), seen(*case[1])) for n, case in enumerate(cases)
    ]
    return figures(kind(None, None), *asked)


def test_longtext_pools_multisets_whatever_their_order():
    long, short = (("Ink, and ink!", "STONE"), ("stone ink and",)), (("tea",), ())
    got = long_text(LongTextBenchEn, long, short)
    assert got["text_score"] == pytest.approx(3 / 5)  # the mean of images is 0.375; ink counts once
    shuffled = (long[0], ("and", "ink stone", "EXTRA words cost nothing"))
    assert long_text(LongTextBenchEn, shuffled, short) == got
    assert long_text(LongTextBenchEn, (("a b",), ("B A",)))["text_score"] == 1
    got = long_text(LongTextBenchZh, (("水火 水", "Ab"), ("bA水，火",)))
    assert got["text_score"] == pytest.approx(4 / 5)
    assert long_text(LongTextBenchZh, (("AB",), ("ab",)))["text_score"] == 0  # case counts
    assert long_text(LongTextBenchZh, (("水",), ()))["text_score"] == 0


def test_longtext_leaves_out_one_hallucination_as_its_code_does_and_both_beside_it():
    got = long_text(LongTextBenchEn, (("addcriterion tea",), ("addCriterion",)))
    assert (got["text_score"], got["text_score_fixed"]) == (0.5, 0)
    got = long_text(LongTextBenchEn, (("recognized tea",), ("No text recognized.", "tea")))
    assert (got["text_score"], got["text_score_fixed"]) == (0.5, 0.5)


@pytest.mark.parametrize("kind", [LongTextBenchEn, LongTextBenchZh])
def test_longtext_reads_the_users_file(kind, tmp_path, monkeypatch):
    fit_rows(monkeypatch, kind, 1)
    record = {
        "prompt_id": 7,
        "prompt": "a sign",
        "text": ["INK"],
        "category": "sign",
        "length": "short",
    }
    write_jsonl(tmp_path / kind.file.name, record)
    chosen = kind(None, str(tmp_path))
    requests = chosen.requests()
    assert [each.file for each in requests] == [f"0007_{k}.png" for k in (1, 2, 3, 4)]
    assert (requests[0].group, requests[0].texts) == ("sign", ("INK",))
    assert len(chosen.facts["prompts_sha256"]) == 64
    fit_rows(monkeypatch, kind, 160)
    with pytest.raises(UsageError, match="1 rows, expected 160"):
        chosen.requests()


# --- OneIG-Bench


def one_ig(kind, *cases):
    asked = [
        (Request(f"{n:03d}", "", facts={"target": target}), seen(*lines))
        for n, (target, lines) in enumerate(cases)
    ]
    return figures(kind(None, None), *asked)


def test_oneig_score_is_one_formula_of_means_over_all():
    got = one_ig(OneIgTextEn, ("Ink and tea", ("Ink and tea",)), ("red fox", ("fox", "red")))
    assert got["edit_distance"] == pytest.approx(3.0)  # "fox red": 6 changes; and none
    assert (got["completion_rate"], got["word_accuracy"]) == (0.5, 1)
    assert got["text_score"] == 1  # because all words are there
    got = one_ig(OneIgTextEn, ("Ink and tea", ("Ink and tea",)), ("red fox hat", ("fox red",)))
    distance = (0 + texts.distance("fox red", "red fox hat")) / 2
    assert got["text_score"] == pytest.approx(1 - distance * (1 - 0.5) * (1 - 5 / 6) / 100)
    got = one_ig(OneIgTextZh, ("水火AB", ("水火", "A")))
    assert got["text_score"] == pytest.approx(1 - 1 * 1 * (1 - 3 / 4) / 50)
    assert one_ig(OneIgTextEn, ("Ink", ("ink",)))["word_accuracy"] == 0  # case counts


def test_oneig_of_empty_images_is_0_only_where_texts_are_long():
    short, long = one_ig(OneIgTextEn, ("x" * 10, ())), one_ig(OneIgTextEn, ("x" * 300, ()))
    assert short["text_score"] == short["text_score_of_empty_images"] == pytest.approx(0.9)
    assert long["text_score"] == long["text_score_of_empty_images"] == 0
    # Of the mean of the distances, which is above M: an image cannot be below it by itself.
    assert one_ig(OneIgTextEn, ("x" * 300, ()), ("x" * 10, ()))["text_score"] == 0


@pytest.mark.parametrize(("kind", "text"), [(OneIgTextEn, "It's ink"), (OneIgTextZh, "水 ink")])
def test_oneig_reads_the_users_file_and_cleans_the_list_as_it_is_written(
    kind, text, tmp_path, monkeypatch
):
    fit_rows(monkeypatch, kind, 1)
    column = "prompt_cn" if kind is OneIgTextZh else "prompt_en"
    written = repr([text, "tea\nred"]).replace('"', '""')
    (tmp_path / kind.file.name).write_text(f',id,{column},text_content\n0,000,p,"{written}"\n')
    requests = kind(None, str(tmp_path)).requests()
    assert [each.file for each in requests] == [f"000_{k}.png" for k in range(4)]
    assert requests[0].texts == (text, "tea\nred")
    expected = {"It's ink": "Its ink teanred", "水 ink": "水inkteanred"}[text]
    assert requests[0].facts["target"] == expected


def test_what_is_nested_deeply_is_a_text():
    for hostile in ("[" * 400, "-" * 9000 + "1", "[" * 10**6, "('a'," * 150):
        assert oneig_text_en._texts(hostile) == (hostile,)


# --- TIIF-Bench


def test_gned_matches_at_the_least_cost_and_recall_takes_the_first():
    assert gned(("drink", "tea"), ["tea", "drink"]) == 0
    assert gned(("drink", "tea"), ["tea"]) == pytest.approx(1 / 2)
    assert gned(("tea",), ["tea", "x", "y"]) == pytest.approx(2 / 3)
    assert gned(("tea", "ink"), [""]) == 1
    # The first alone would take "abcd"; together "abce" is for it.
    assert gned(("abcf", "abcd"), ["abcd", "abce"]) == pytest.approx(0.25 / 2)
    assert recall(("tea", "drink"), ["tee", "drinks"]) == 0.5  # a third is too far, a sixth is not
    assert recall(("abcf", "abcd"), ["abcd", "wxyz"]) == 0.5
    assert recall(("tea", "tea"), ["tea"]) == 0.5  # each word once
    assert recall(("abcde", "abcdx"), ["abcdx", "yycde"]) == 0.5  # greedy: the first took it


def test_tiif_reads_short_and_long_prompts(tmp_path):
    first = {
        "type": "text",
        "short_description": 'a sign "Drink Tea"',
        "long_description": 'x "Tea"',
    }
    write_jsonl(tmp_path / "text_prompts.jsonl", first, first | {"text": ["Eat"]})
    chosen = TiifText(None, str(tmp_path))
    requests = chosen.requests()
    assert [each.id for each in requests] == ["000-short", "000-long", "001-short", "001-long"]
    assert [each.texts for each in requests] == [("drink", "tea"), ("tea",), ("eat",), ("eat",)]
    lines = [("DRINK TEA",), ("Tea  cup",), ("eat",), ()]
    got = figures(chosen, *((each, seen(*of)) for each, of in zip(requests, lines, strict=True)))
    assert got["gned, short"] == 0 and got["recall, short"] == 1
    assert got["gned, long"] == pytest.approx((2 / 3 + 1) / 2)  # two spaces: an empty word between
    assert got["recall, long"] == 0.5
    assert chosen.facts["rows_with_text"] == 1
    write_jsonl(tmp_path / "text_prompts.jsonl", first | {"short_description": "no words"})
    with pytest.raises(UsageError, match="row 1: no text to be written"):
        TiifText(None, str(tmp_path)).requests()
    assert tiif_text.FILE.name == "text_prompts.jsonl"


# --- Diversity


def test_diversity_is_of_pairs_of_a_prompt_beside_what_is_right():
    chosen = Diversity(None, None)
    one, other = (Request(name, "", k, texts=("INK",)) for name in "ab" for k in (0,))
    again = Request("a", "", 1, texts=("INK",))
    third = Request("a", "", 2, texts=("INK",))
    white, grey = (Image.new("RGB", (32, 32), (shade,) * 3) for shade in (255, 204))
    got = figures(
        chosen,
        (one, seen("I N K", image=white)),
        (again, seen("ink", image=grey)),
        (third, seen("INK.", image=white)),
        (other, seen(missing=True)),
    )
    assert got["right"] == pytest.approx(2 / 4)  # case counts, spaces and points do not
    assert got["pixel_distance"] == pytest.approx((0.2 + 0 + 0.2) / 3)
    assert got["pixel_distance_of_right"] == 0
    assert 0 < got["efficientnet_lite0_distance"] < 1
    assert got["efficientnet_lite0_distance_of_right"] == pytest.approx(0, abs=1e-4)
    alone = figures(chosen, (one, seen("INK", image=white)))
    assert alone == {"right": 1, "likeness": 1}  # of perfect images, which have no distance


def test_diversity_asks_for_eight_of_every_prompt(tmp_path):
    requests = Diversity(None, None).requests()
    assert len(requests) == 8 * len({each.prompt for each in requests}) and requests[0].texts
    write_jsonl(tmp_path / "mine.jsonl", {"prompt": 'a cup "TEA"'})
    own = Diversity(None, str(tmp_path / "mine.jsonl")).requests()
    assert [(each.k, each.texts) for each in own] == [(k, ("TEA",)) for k in range(8)]
    write_jsonl(tmp_path / "mine.jsonl", {"prompt": "a cup"})
    with pytest.raises(UsageError, match="letters in double quotes"):
        Diversity(None, str(tmp_path / "mine.jsonl")).requests()
    assert diversity.SEEDS == 8


def test_a_page_holds_long_texts_and_hanzi_where_a_font_is_known():
    page = rendering.page(["word " * 60, "a\nb"])
    assert (
        page.height > 6 * rendering.SIZE and np.asarray(page)[:, -rendering.MARGIN :].min() == 255
    )
    chinese = rendering.page(["水" * 80])
    if rendering.font("水", chinese=True) is None:
        assert chinese is None
    else:
        assert np.asarray(chinese)[:, -rendering.MARGIN :].min() == 255
