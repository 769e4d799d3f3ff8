"""From a caption to the nouns in it: the longest match of WordNet's lemmas, English and Chinese.

Quoted text is left out: what a sign says is not what the image shows. The longest match first: a
hot dog is no dog, and 松鼠鳜鱼 neither a squirrel nor a fish. Every noun of WordNet is matched, so
that what cannot be seen takes its words with it; only nodes of the taxonomy are senses.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from taxonomy.tree import DATA, Tree, branches, nouns, tree

LONGEST = 5  # words, or eight characters of Chinese, in a lemma
LONGEST_CHINESE = 8
ALONE = frozenset("狗猫鸟牛羊猪鸡鸭鹅鱼蛇熊虎兔狼鹿猴树船河湖桥伞碗球")  # else parts of words
# Lexicographer files of what is in the tree, but no thing that a caption is about: attributes
# (among them colours), quantities, relations, shapes, states, times.
NO_THINGS = frozenset({7, 23, 24, 25, 26, 28})
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|『[^』]*』|(?<!\w)'[^']*'(?!\w)|‘[^’]*’(?!\w)")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|[.,;:!?()\[\]、。，；：！？（）\n]")
_HANZI = re.compile(r"[\u3400-\u9fff]+")
_ENDINGS = (
    ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
    ("ves", "f"), ("ies", "y"), ("oes", "o"), ("s", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Sense:
    """What a ``lemma`` can mean: a node, the number of the sense (1 is the commonest), its
    lexicographer file (0 of our own branches), and how often SemCor has it.
    """

    node: int
    number: int
    lexfile: int
    tags: int
    lemma: str


@dataclass(frozen=True)
class Mention:
    """A lemma in a text: as written there, where it begins, and the nodes that it can mean."""

    text: str
    start: int
    senses: tuple[Sense, ...]


class Lexicon:
    """Lemmas of both languages, and the nodes that they can mean."""

    def __init__(self, nodes: Tree | None = None) -> None:
        self.tree = nodes or tree()
        self._senses: dict[str, list[Sense]] = {}
        self._others: set[str] = set()  # lemmas of what cannot be seen
        self._chinese: dict[str, list[Sense]] = {}
        self._stopped = frozenset((DATA / "stop_words.txt").read_text("utf-8").split("\n"))
        self._of_wordnet()
        self._of_branches()

    def _of_wordnet(self) -> None:
        table = nouns()
        columns = [table.column(name).to_pylist() for name in _COLUMNS]
        for offset, lexfile, *of_lemmas, chinese in zip(*columns, strict=True):
            is_thing = lexfile not in NO_THINGS
            node = self.tree.number.get(f"n{offset:08d}") if is_thing else None
            for lemma, number, tags, plurals in zip(*of_lemmas, strict=True):
                for form in (lemma, *plurals):
                    key = form.lower()
                    if node is None:
                        self._others.add(key)
                    else:
                        sense = Sense(node, number, lexfile, tags, form)
                        self._senses.setdefault(key, []).append(sense)
            for lemma in chinese if node is not None else ():
                # as common as its first English lemma: the names are in no order of their own
                sense = Sense(node or 0, of_lemmas[1][0], lexfile, of_lemmas[2][0], lemma)
                self._chinese.setdefault(lemma, []).append(sense)

    def _of_branches(self) -> None:
        for name, branch in branches().nodes.items():
            node = self.tree.number[name]
            for lemmas, senses in ((branch.en, self._senses), (branch.zh, self._chinese)):
                for lemma in lemmas:
                    of_wordnet = senses.get(lemma, [])
                    own = [sense for sense in of_wordnet if node in self.tree.above(sense.node)]
                    senses[lemma] = own or [Sense(node, 0, 0, 0, lemma)]

    @cached_property
    def lemmas(self) -> dict[int, tuple[str, ...]]:
        """Of each node, the lemmas that mean it and that no other node has a better claim to."""
        named: dict[int, dict[str, None]] = {}
        for known in (self._senses, self._chinese):
            for senses in known.values():
                first = min(senses, key=lambda of: (-of.tags, of.number))
                named.setdefault(first.node, {})[first.lemma] = None
        return {node: tuple(names) for node, names in named.items()}

    def mentions(self, text: str) -> list[Mention]:
        """The nouns of a text in their order, each with at least one node that it can mean."""
        plain = _QUOTED.sub(_blank, unicodedata.normalize("NFKC", text))
        every = [*self._english(plain), *self._of_chinese(plain)]
        return sorted(every, key=lambda mention: mention.start)

    def _english(self, text: str) -> Iterator[Mention]:
        words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
        place = 0
        while place < len(words):
            for length in range(min(LONGEST, len(words) - place), 0, -1):
                written = " ".join(word for word, _ in words[place : place + length])
                key = self._known(written.lower())
                if key is not None:
                    senses = tuple(self._senses.get(key, ()))
                    if senses and key not in self._stopped:
                        start = words[place][1]
                        yield Mention(written, start, senses)
                    place += length - 1
                    break
            place += 1

    @cache  # noqa: B019 -- lives as long as the process does
    def _known(self, written: str) -> str | None:
        """The lemma that a text is, or is a plural of."""
        written = re.sub("['’]s?$", "", written)
        forms = [written, written.replace("-", " "), written.replace("-", "")]
        for ending, instead in _ENDINGS:
            if written.endswith(ending) and len(written) > len(ending) + 1:
                forms.append(written.removesuffix(ending) + instead)
        return next((form for form in forms if form in self._senses or form in self._others), None)

    def _of_chinese(self, text: str) -> Iterator[Mention]:
        for run in _HANZI.finditer(text):
            characters, place = run.group(), 0
            while place < len(characters):
                most = min(LONGEST_CHINESE, len(characters) - place)
                for length in range(most, 0, -1):
                    lemma = characters[place : place + length]
                    if length == 1 and lemma not in ALONE:
                        continue
                    if lemma in self._chinese and lemma not in self._stopped:
                        senses = tuple(self._chinese[lemma])
                        yield Mention(lemma, run.start() + place, senses)
                        place += length - 1
                        break
                place += 1


def _blank(quoted: re.Match[str]) -> str:
    """As long as what was quoted, and no word of a lemma."""
    return ";" * len(quoted.group())


_COLUMNS = ("offset", "lexfile", "lemmas", "senses", "tags", "plurals", "chinese")


@cache
def lexicon() -> Lexicon:
    """The one lexicon of a process."""
    return Lexicon()
