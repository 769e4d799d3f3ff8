"""Files of benchmarks, as their sources or users have them."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
from making.training_shards import png
from PIL import Image


def questions_csv(path, ids):
    names = ["item_id", "text", "keywords", "proposition_id", "dependency"]
    names += ["category_broad", "category_detailed", "tuple", "question_natural_language"]
    asked = [(1, "0", "entity - whole (cup)"), (2, "1", "attribute - color (cup, red)")]
    asked += [(3, "1,2", "relation - spatial (cup, table, on)")]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        writer.writerow(["first", "", "", 1, "0", "", "", "other (x)", "skipped?"])
        for name in ids:
            for number, parents, kind in asked:
                writer.writerow([name, "", "", number, parents, "", "", kind, f"q{number}?"])


def gedit_file(path, kinds, size=(16, 12), meets=None):
    listed = [
        {
            "key": f"k{n}",
            "task_type": kind,
            "instruction": f"edit {n}",
            "instruction_language": language,
            "input_image_raw": {"bytes": png(Image.new("RGB", size)), "path": None},
        }
        | ({} if meets is None else {"Intersection_exist": n < meets})
        for language in ("en", "cn")
        for n, kind in enumerate(kinds)
    ]
    pq.write_table(pa.Table.from_pylist(listed), path)


PLACES = {"left of": (-99, 0), "right of": (99, 0), "above": (0, -99), "below": (0, 99)}


def perfect_detections(of):
    """Detections that are all right."""
    listed = []
    for clause in of.include:
        x, y = PLACES[clause.position[0]] if clause.position else (0, 0)
        own = {"class": clause.class_, "score": 0.99, "box": [x, y, x + 9, y + 9]}
        listed += [own | {"color": clause.color}] * clause.count
    return {"objects": listed}


WORDS = {2: "Coffee", 3: "Garden", 4: "Brush", 5: "Paper"}


def cvtg_files(folder):
    """Eight files of one prompt each."""
    for name in ("CVTG", "CVTG-Style"):
        for regions, word in WORDS.items():
            prompt = f"a {name} poster 'Fresh {word}'"
            path = folder / name / f"{regions}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            record = {"index": 0, "prompt": prompt, "carrier_list": []}
            path.write_text(json.dumps({"data_list": [record]}))
    return folder


def write_jsonl(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
