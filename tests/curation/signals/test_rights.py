"""Licences and credits, as sources say them and as metadata hide them."""

import io
import struct
import time
from dataclasses import replace
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from curation.measuring import measure
from curation.picture import decoding
from curation.picture.decoding import Header
from curation.picture.formats import metadata
from curation.picture.formats.rights import NOTHING, Rights
from curation.signals.rights import KINDS, licence_kind, provider_named, rights
from curation.sources.sample import Sample

HEADER = Header("JPEG", "RGB", 40, 24, 1, 1, 100)
PACKET = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description %s</rdf:RDF></x:xmpmeta>"


def of(header: Header, **said: Any) -> tuple[object, object]:
    values = rights.function(replace(header, **said))
    return values["licence_kind"], values["credited_provider"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CC0", "cc0"),
        ("CC0-1.0", "cc0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0"),
        ("Creative Commons Zero v1.0 Universal", "cc0"),
        ("CC BY 4.0", "cc-by"),
        ("cc-by-2.0", "cc-by"),
        ("© 2012 A. Person, CC BY 2.0", "cc-by"),
        ("Creative Commons Attribution 3.0 Unported", "cc-by"),
        ("Licensed under the Creative Commons license BY-SA", "cc-by-sa"),
        ("CC BY-SA 3.0, GFDL", "cc-by-sa"),
        ("http://creativecommons.org/licenses/by-sa/2.0/de/", "cc-by-sa"),
        ("Attribution-ShareAlike", "cc-by-sa"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0", "cc-by-nc-nd"),
        ("cc_by_nc", "cc-by-nc"),
        ("Attribution-NonCommercial-ShareAlike License", "cc-by-nc-sa"),
        ("CC-BY-ND", "cc-by-nd"),
        ("Public domain", "public-domain"),
        ("PD-USGov", "public-domain"),
        ("No known copyright restrictions", "public-domain"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "public-domain"),
        ("公有领域", "public-domain"),
        ("This work is not in the public domain", "other"),
        ("All Rights Reserved", "all-rights-reserved"),
        ("Alle Rechte vorbehalten", "all-rights-reserved"),
        ("版权所有 某人", "all-rights-reserved"),
        ("© 2020 A. Person", "all-rights-reserved"),
        ("Copyright (c) 2020 A. Person", "all-rights-reserved"),
        ("Copyright (c)", "other"),
        ("©", "other"),
        ("MIT", "other"),
        ("Unsplash License", "other"),
        ("accby4", "other"),
        (" \n", "unknown"),
    ],
)
def test_a_licence_is_known_by_how_it_is_written(text: str, kind: str) -> None:
    assert licence_kind(text) == kind
    assert kind in KINDS
    assert of(HEADER, licence=text)[0] == kind


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("Getty Images/iStockphoto", "getty images"),
        ("(c) Alamy Stock Photo", "alamy"),
        ("A. Person / Shutterstock.com", "shutterstock"),
        ("image.shutterstock.com", "shutterstock"),
        ("iStockphoto", "istock"),
        ("图片来源：视觉中国", "vcg"),
        ("VCG.com", "vcg"),
        ("Salamyan Press", None),
        ("A. Person", None),
    ],
)
def test_a_provider_is_known_where_its_name_begins_a_word(text: str, provider: str | None) -> None:
    assert provider_named(text) == provider


def test_the_source_counts_first_where_it_is_understood() -> None:
    metadata_says = replace(HEADER, rights=Rights("© A. Person", "Getty Images"))
    assert of(HEADER) == ("unknown", "none")
    assert of(metadata_says) == ("all-rights-reserved", "getty images")
    assert of(metadata_says, licence="cc-by") == ("cc-by", "getty images")
    assert of(metadata_says, licence="see the site") == ("all-rights-reserved", "getty images")
    assert of(HEADER, licence="see the site") == ("other", "none")
    assert of(HEADER, source="https://media.gettyimages.com/a.jpg") == ("unknown", "getty images")
    assert of(HEADER, source="https://blog.org/about-shutterstock.jpg") == ("unknown", "none")
    assert of(HEADER, source="http://[::") == ("unknown", "none")


def saved(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 24), (9, 99, 199)).save(stream, kind, **options)
    return stream.getvalue()


def exif(copyright_: str = "", artist: str = "") -> Image.Exif:
    made = Image.Exif()
    for tag, text in ((ExifTags.Base.Copyright, copyright_), (ExifTags.Base.Artist, artist)):
        if text:
            made[tag] = text
    return made


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_says_it_in_every_format(kind: str) -> None:
    data = saved(kind, exif=exif("CC BY 4.0", "Dreamstime"))
    assert of(decoding.read_header(data)) == ("cc-by", "dreamstime")
    data = saved(kind, exif=exif("   ", ""))
    assert of(decoding.read_header(data)) == ("unknown", "none")


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('cc:license="http://creativecommons.org/licenses/by-nc/3.0/"/>', ("cc-by-nc", "none")),
        (
            "><cc:license rdf:resource='http://creativecommons.org/licenses/by/4.0/'/>",
            ("cc-by", "none"),
        ),
        (
            '><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© A &amp; B</rdf:li></rdf:Alt>'
            "</dc:rights><photoshop:Credit>Adobe Stock</photoshop:Credit>",
            ("all-rights-reserved", "adobe stock"),
        ),
        ('xmpRights:Marked="True" photoshop:Source="Alamy"/>', ("all-rights-reserved", "alamy")),
        ("><xmpRights:Marked>False</xmpRights:Marked>", ("public-domain", "none")),
        ('xmpRights:WebStatement="https://creativecommons.org/publicdomain/zero/1.0/"/>',
         ("cc0", "none")),
        ('dc:format="image/jpeg" dc:title="Public domain"/>', ("unknown", "none")),
    ],
)  # fmt: skip
def test_xmp_says_it_as_attribute_or_element(inside: str, expected: tuple[str, str]) -> None:
    packet = (PACKET % inside).encode()
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet.decode())
    for data in (saved("JPEG", xmp=packet), saved("WEBP", xmp=packet), saved("PNG", pnginfo=text)):
        assert of(decoding.read_header(data)) == expected


def test_iptc_and_texts_of_a_png_say_it() -> None:
    sets = ((116, b"\xa9 A. Person"), (110, b"picture alliance / Depositphotos"), (105, b"CC0"))
    body = b"".join(struct.pack(">BBBH", 0x1C, 2, n, len(text)) + text for n, text in sets)
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body
    data = saved("JPEG")
    data = data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:]
    assert of(decoding.read_header(data)) == ("all-rights-reserved", "depositphotos")
    for packed in (False, True):
        text = PngImagePlugin.PngInfo()
        text.add_text("Copyright", "CC BY-SA 4.0", zip=packed)
        text.add_text("Title", "CC0")
        assert of(decoding.read_header(saved("PNG", pnginfo=text))) == ("cc-by-sa", "none")


def test_damaged_and_endless_metadata_say_little_and_cost_little() -> None:
    block, packet = exif("© A", "B").tobytes(), (PACKET % 'dc:rights="© A"/>').encode()
    for cut in range(len(block)):
        metadata.read(block[:cut], packet[:cut])
        metadata.read(block[:cut] + b"\xff" + block[cut + 1 :])
    endless = [
        b"<dc:rights>" * 100_000,
        b'dc:rights="' * 100_000,
        b"dc:rights" + b" " * 1_000_000,
        b"<!ENTITY a '&a;&a;'>" * 50_000 + b"<dc:rights>&a;</dc:rights>",
        b"<dc:rights>" + b"<" * 1_000_000,
    ]
    start = time.process_time()
    for xmp in endless:
        assert len("".join(metadata.read(b"", xmp).rights)) < 14_000
    for text in (
        "©" * 10**6,
        "copyright " * 10**5,
        "cc " * 10**5,
        "creative commons" + ":" * 10**6,
    ):
        rights.function(replace(HEADER, licence=text, source=text))
    assert time.process_time() - start < 5  # quadratic would be minutes
    assert metadata.read(b"II*\0\xff\xff\xff\xff", b"<x/>", b"8BIM").rights == NOTHING


def test_samples_are_measured_by_what_their_source_says() -> None:
    data = saved("JPEG", exif=exif("Copyright A. Person"))
    rows = measure.measure(
        [
            Sample("a", "a", data, None, "a.jpg"),
            Sample(
                "b", "b", data, None, "b.jpg", licence="CC BY 4.0", source="https://istock.com/1"
            ),
        ],
        [rights],
    )
    assert rows.column("licence_kind").to_pylist() == ["all-rights-reserved", "cc-by"]
    assert rows.column("credited_provider").to_pylist() == ["none", "istock"]
