"""Keyword search over captions in English and Chinese: SQLite's FTS5, ranked by BM25.

Chinese has no spaces. A text is kept as two columns: words (of Chinese, single characters), and
pairs of neighbouring Chinese characters, so that a word of two or more is found as a phrase of
pairs. Queries are cut likewise; of a Chinese sentence numbers with their measure words and words
for images are no terms, and nouns of one character are: who asks for 一只狗 means 两条狗, too.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from taxonomy.lexicon import lexicon
from taxonomy.tree import tree

MOST_NAMES = 400  # of a node and those below it, the nearest first
_STOPPED = """
    a an and are as at be by for from has have image in into is it its of on or over photo
    photograph picture that the there this to up with
"""
# how many of what: the measure words of people, animals and things, and words for the image itself
_NUMERALS, _MEASURES = (
    "一二两三四五六七八九十百千几数这那每某",
    ("个只条张头匹辆座棵朵本把件位名群些种幅块片根颗台架艘间栋杯瓶盘碗双对副套枚枝支株束排堆盏顶"),
)
_UNASKED = re.compile(rf"[{_NUMERALS}]+[{_MEASURES}]|照片|图片|图像|相片|画面")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
Hits = list[tuple[int, float]]  # rows with their scores, the best first


def _tokens(text: str) -> list[tuple[str, bool]]:
    """Words, and runs of Chinese characters: these with True."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return [(token, re.match(f"[{_HAN}]", token) is not None) for token in _TOKEN.findall(plain)]


def _pairs(run: str) -> str:
    return " ".join(run[place : place + 2] for place in range(len(run) - 1))


def cut(text: str) -> tuple[str, str]:
    """A text as both columns hold it: words, and pairs of characters."""
    words, pairs = [], []
    for token, is_chinese in _tokens(text):
        words.append(" ".join(token) if is_chinese else token)
        if is_chinese:
            pairs.append(_pairs(token))
    return " ".join(words), " . ".join(filter(None, pairs))


def phrase(text: str) -> str:
    """The query for a name, as it stands there; empty for one without a word."""
    parts = []
    for is_chinese, run in groupby(_tokens(text), key=itemgetter(1)):
        tokens = [token for token, _ in run]
        if not is_chinese:
            parts.append(f'words : "{" ".join(tokens)}"')
        for token in tokens if is_chinese else ():
            paired = f'pairs : "{_pairs(token)}"'
            parts.append(paired if len(token) > 1 else f'words : "{token}"')
    return " AND ".join(parts)


def any_of(text: str) -> str:
    """The query for a sentence: any of its words, of Chinese the pairs of its characters."""
    terms = []
    for token, is_chinese in _tokens(text):
        if is_chinese:
            terms += _of_run(token)
        elif token not in _STOPPED.split():
            terms.append(f'words : "{token}"')
    return " OR ".join(dict.fromkeys(terms))


def _of_run(run: str) -> list[str]:
    """The terms of a run of Chinese: pairs, and what stands alone; all of it if nothing is left."""
    parts = [part.strip("的") for part in _UNASKED.split(run)]
    terms = []
    for part in filter(None, parts if any(parts) else [run]):
        alone = [of.text for of in lexicon().mentions(part) if len(of.text) == 1]
        terms += [f'pairs : "{pair}"' for pair in _pairs(part).split()]
        terms += [
            f'words : "{character}"' for character in alone or (part if len(part) == 1 else "")
        ]
    return terms


def of_node(node: str) -> str:
    """The query for a node of the taxonomy: its names and those of what is below, both languages.

    Raises ``KeyError`` for a node that is none.
    """
    nodes, level, names = tree(), [tree().number[node]], dict[str, None]()
    seen = set(level)
    lemmas = lexicon().lemmas
    while level and len(names) < MOST_NAMES:
        names |= dict.fromkeys(name for of in level for name in lemmas.get(of, ()))
        level = sorted({child for of in level for child in nodes.children[of]} - seen)
        seen.update(level)
    terms = (phrase(name) for name in [*names][:MOST_NAMES])
    return " OR ".join(f"({term})" for term in dict.fromkeys(terms) if term)


class Index:
    """Rows 0, 1, ... with their texts, in a SQLite file that is no larger than they are."""

    def __init__(self, path: str) -> None:
        self._base = sqlite3.connect(path)
        self._base.execute("pragma journal_mode = off")
        self._base.execute("pragma synchronous = off")
        made = "content='', columnsize=1, tokenize='porter unicode61'"
        self._base.execute(f"create virtual table texts using fts5(words, pairs, {made})")
        self._base.execute("create table rows (row integer primary key, id text, key text)")

    def add(self, first: int, rows: Sequence[tuple[str, str, str]]) -> None:
        """Rows from number ``first`` on: id, key and text of each."""
        numbered = list(enumerate(rows, start=first))
        self._base.executemany(
            "insert into texts(rowid, words, pairs) values (?, ?, ?)",
            ((number, *cut(text)) for number, (_, _, text) in numbered),
        )
        self._base.executemany(
            "insert into rows values (?, ?, ?)",
            ((number, identity, key) for number, (identity, key, _) in numbered),
        )

    def search(self, query: str, most: int) -> Hits:
        """The best rows for a query of ``phrase``, ``any_of`` or ``of_node``; ties by row."""
        if not query:
            return []
        asked = "select rowid, bm25(texts) from texts where texts match ? order by 2, 1 limit ?"
        return [(row, -score) for row, score in self._base.execute(asked, (query, most))]

    def names(self, rows: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Id and key by row."""
        asked = "select id, key from rows where row = ?"
        return {row: self._base.execute(asked, (row,)).fetchone() for row in rows}

    def row_of(self, name: str) -> int | None:
        """The row with this key or id."""
        asked = "select row from rows where id = ? or key = ? order by row limit 1"
        known = self._base.execute(asked, (name, name)).fetchone()
        return None if known is None else int(known[0])
