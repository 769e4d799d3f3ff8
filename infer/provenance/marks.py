"""A mark in a PNG: its facts and its pixels, signed.

It proves that who has the key made these very pixels and wrote these facts beside them. It proves
nothing about an image without one: a mark is gone once an image is saved anew, cropped or scaled.
Beside it stands the IPTC's word for images of trained models, which other programs read.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from curation.failures.errors import UsageError
from curation.picture import decoding
from curation.picture.decoding import PictureError
from infer.job import png
from infer.provenance import keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

CHUNK, XMP = "provenance", "XML:com.adobe.xmp"
_PREFIX = b"inkstone image mark 1\n"
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="{}"/></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True)
class Mark:
    """What a mark says: the ``facts`` of an image, and the key that signed them."""

    facts: Mapping[str, str]
    key: str


def signed(image: Image.Image, facts: Mapping[str, Any], key: "Ed25519PrivateKey") -> bytes:
    """PNG bytes of an RGB image with its facts and a mark. Same image, facts, key: same bytes."""
    is_edit = "inputs" in facts
    kind = "compositeWithTrainedAlgorithmicMedia" if is_edit else "trainedAlgorithmicMedia"
    texts = {name: str(value) for name, value in facts.items()}
    texts[XMP] = _XMP.format(_SOURCES + kind)
    signature = key.sign(_message(np.asarray(image), texts))
    mark = {"key": keys.name(key.public_key()), "signature": b64encode(signature).decode()}
    return png(image, {**texts, CHUNK: json.dumps(mark)})


def verified(data: bytes, key: "Ed25519PublicKey", name: str) -> Mark:
    """The mark of a PNG that ``name`` is said of. Raises ``UsageError`` where it does not hold."""
    from cryptography.exceptions import InvalidSignature

    try:
        pixels = decoding.decode(data, None).rgb
    except PictureError as error:
        raise UsageError(f"{name}: {error.reason}: {error.detail}") from error
    texts = _texts(data, name)
    mark = texts.pop(CHUNK, None)
    if mark is None:
        raise UsageError(f"{name}: has no mark; that says nothing about who made it")
    try:
        content = json.loads(mark)
        signature, signer = b64decode(content["signature"], validate=True), str(content["key"])
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{name}: has a mark that is not readable") from error
    if signer != keys.name(key):
        raise UsageError(f"{name}: signed by the key {signer}; yours is {keys.name(key)}")
    try:
        key.verify(signature, _message(pixels, texts))
    except InvalidSignature as error:
        raise UsageError(f"{name}: pixels or facts are not those that were signed") from error
    return Mark({at: text for at, text in texts.items() if at != XMP}, signer)


def _message(pixels: "np.ndarray[Any, Any]", texts: Mapping[str, str]) -> bytes:
    """What is signed: all texts, and the digest of the size and the RGB bytes (H, W, 3)."""
    digest = hashlib.sha256(np.asarray(pixels.shape, ">u4").tobytes())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    content = {"facts": dict(texts), "pixels": digest.hexdigest()}
    return _PREFIX + json.dumps(content, sort_keys=True, ensure_ascii=True).encode()


def _texts(data: bytes, name: str) -> dict[str, str]:
    try:
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            image.load()  # texts may stand behind the pixels
            texts: dict[str, str] = {key: str(value) for key, value in image.text.items()}  # type: ignore[attr-defined]
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageError(f"{name}: not a readable PNG ({error})") from error
    return texts
