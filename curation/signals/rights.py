"""Under which licence an image is, and which provider of stock photographs it is credited to: by
what its source says (columns ``licence`` and ``source``), and by its own metadata.

The words are a stranger's and may be wrong; no column says that an image may be used.
"""

import re
import unicodedata
from functools import lru_cache

import pyarrow as pa

from curation.picture.decoding import Header
from curation.picture.formats.rights import MARKED
from curation.signals.signal import Column, signal
from curation.signals.watermarks import NO_PROVIDER, providers

_CREATIVE_COMMONS = tuple(f"cc-by{more}" for more in ("", "-sa", "-nd", "-nc", "-nc-sa", "-nc-nd"))
RESERVED, OTHER, UNKNOWN = "all-rights-reserved", "other", "unknown"
KINDS = ("cc0", *_CREATIVE_COMMONS, "public-domain", RESERVED, OTHER, UNKNOWN)
_MOST = 4000  # characters that are looked at
_CACHED = 4096  # texts: collections repeat theirs
_URL_HOST = re.compile(r"\w{1,9}://(?:[^/?#]*@)?([^/?#:]*)")
_ZERO = re.compile(r"creativecommons\.org/publicdomain/zero|\bcc[\s_-]?(0|zero)\b|commons zero")
_ADDRESS = re.compile(r"creativecommons\.org/licen[sc]es/((?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)\b")
_NAMED = re.compile(
    r"\b(?:cc|creative[\s_-]?commons)\b(?:[\s:_-]|licen[sc]e|the|under)*(?:by\b|attribution)"
    r"|\battribution[\s_-]+(?:non|share|no[\s_-]?deriv|\d)"
    r"|\bcc[_-]by|\bby[_-](?:nc|sa|nd)\b"
)
_TERMS = {  # what follows the name, within a few words
    "-nc": re.compile(r"\bnc\b|non[\s_-]?commercial"),
    "-sa": re.compile(r"\bsa\b|share[\s_-]?alike"),
    "-nd": re.compile(r"\bnd\b|no[\s_-]?deriv"),
}
_TERMS_WITHIN = 60  # characters
_PUBLIC = re.compile(
    r"(?<!not )(?<!not in )(?<!not in the )(?:creativecommons\.org/(?:publicdomain/mark|"
    r"licenses/publicdomain)|public[\s_-]?domain|gemeinfrei|domaine public|dominio p[uú]blico"
    r"|no known copyright|公有领域|公共领域)|^pd(?:-\w+)*$"
)
_RESERVED = re.compile(
    r"all rights reserved|rights[\s-]managed|alle rechte vorbehalten|tous droits r[ée]serv[ée]s"
    r"|todos los derechos reservados|tutti i diritti riservati|todos os direitos reservados"
    r"|版权所有|保留所有权利|无断转载|無断転載|(?:©|\(c\)|\bcopyright\b)\W{0,4}(?:\(c\)|©)?\W{0,8}(?!c\))\w"
    rf"|{MARKED['true']}"
)


@signal(
    tier="file",
    version=1,
    columns={
        "licence_kind": Column(
            pa.string(),
            "category",
            "the licence that source or metadata name; unknown: nothing is said",
            categories=KINDS,
        ),
        "credited_provider": Column(
            pa.string(), "category", "provider of stock photographs that they name, or 'none'"
        ),
    },
)
def rights(header: Header) -> dict[str, object]:
    """What the source says of the licence, where that is understood; else what metadata say."""
    notice, credit = header.rights
    kinds = [licence_kind(of) for of in (header.licence, notice) if of]
    kind = next((of for of in kinds if of != OTHER), OTHER if kinds else UNKNOWN)
    texts = (header.source and host_of(header.source), header.licence, notice, credit)
    named = (provider_named(text) for text in texts if text)
    provider = next((name for name in named if name), NO_PROVIDER)
    return {"licence_kind": kind, "credited_provider": provider}


@lru_cache(_CACHED)
def licence_kind(text: str) -> str:
    """The licence that a text names, one of ``KINDS``: a named licence before a claim of rights."""
    plain = unicodedata.normalize("NFKC", text[:_MOST]).lower().strip()
    if not plain:
        return UNKNOWN
    if _ZERO.search(plain):
        return "cc0"
    if address := _ADDRESS.search(plain):
        return _with_terms(address[1].replace("-", " "))
    if name := _NAMED.search(plain):
        line = plain[name.start() :].partition("\n")[0]
        return _with_terms(line[: name.end() - name.start() + _TERMS_WITHIN])
    if _PUBLIC.search(plain):
        return "public-domain"
    return RESERVED if _RESERVED.search(plain) else OTHER


def _with_terms(text: str) -> str:
    """Creative Commons' licence with these terms; of share-alike and no derivatives the latter."""
    words = re.sub(r"[_-]", " ", text)
    terms = [term for term, pattern in _TERMS.items() if pattern.search(words)]
    if "-nd" in terms and "-sa" in terms:
        terms.remove("-sa")
    return "cc-by" + "".join(terms)


def host_of(source: str) -> str:
    """The host where a source is an address; its path may speak of anything."""
    match = _URL_HOST.match(source)
    return match[1] if match else source


@lru_cache(_CACHED)
def provider_named(text: str) -> str | None:
    """The provider whose name begins at one of the words, in one word or several."""
    folded = unicodedata.normalize("NFKC", text[:_MOST]).lower()
    words = re.findall(r"[^\W_]+", folded)
    run = "".join(words)
    starts, place = set[int](), 0
    for word in words:
        starts.add(place)
        place += len(word)
    for name, provider in providers().items():
        at = run.find(name)
        while at >= 0:
            if at in starts or not name.isascii():
                return provider
            at = run.find(name, at + 1)
    return None
