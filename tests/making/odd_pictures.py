"""Odd picture files that are whole all the same, each with the upright pixels it must give."""

import base64
import functools
import random
import struct
import zlib
from typing import Any

import numpy as np
from making.picture_making import (
    HEIGHT,
    WIDTH,
    Array,
    adam7,
    animation,
    bmp_header,
    chunk,
    exif_block,
    orientation_block,
    photo,
    png,
    rows,
    saved,
    upright,
    with_segment,
)
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

EXACT, LOSSY, COARSE = 0, 6, 14  # largest difference of a pixel in the middle of a quarter
WHITE = np.array([255, 255, 255], np.uint8)
_TURNS = {  # how upright pixels are stored under each EXIF orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


Odd = dict[str, tuple[bytes, Array, int]]


@functools.cache
def odd() -> Odd:
    """Every odd file with its upright pixels and the largest difference allowed."""
    return _odd_jpeg() | _odd_png() | _odd_gif_webp() | _odd_tiff() | _odd_rest()


def _stored(orientation: int) -> Array:
    return np.ascontiguousarray(_TURNS[orientation](upright()))


def _grey() -> Array:
    return np.asarray(Image.fromarray(upright()).convert("L"))


def _in_colour(grey: NDArray[Any]) -> Array:
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def _with_alpha() -> tuple[Array, Array]:
    """RGBA pixels with a clear left half and a half-clear lower right quarter; and over white."""
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, :48], alpha[32:, 48:] = 0, 128
    weight = alpha / 255.0
    page = np.rint(upright() * weight + 255 * (1 - weight)).astype(np.uint8)
    return np.concatenate([upright(), alpha], axis=2), page


def _half_white() -> Array:
    page = upright()
    page[:32, :48] = WHITE
    return page


def palette_image() -> Image.Image:
    """Palette entries 1..4 are the four colours; 0 is unused."""
    index = np.empty((HEIGHT, WIDTH), np.uint8)
    index[:32, :48], index[:32, 48:], index[32:, :48], index[32:, 48:] = 1, 2, 3, 4
    image = Image.frombytes("P", (WIDTH, HEIGHT), index.tobytes())
    corners = upright()[[0, 0, -1, -1], [0, -1, 0, -1]]
    image.putpalette(b"\x09\x09\x09" + corners.tobytes())
    return image


def _odd_jpeg() -> Odd:
    pixels = upright()
    image = Image.fromarray(pixels)
    plain = saved(pixels, "JPEG", quality=95)
    small = saved(photo(), "JPEG")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    short_text = exif_block((0x0128, 3, 1, b"\2\0\0\0"), (0x011A, 2, 2, b"7\0\0\0"))
    far = exif_block((0x0112, 3, 1, b"\1\0\0\0"), (0x011A, 5, 1, b"\xff\xff\xff\xff"))
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    first = plain.find(b"\xff\xdb")
    made = {
        "jpeg-plain": plain,
        "jpeg-progressive": saved(pixels, "JPEG", quality=95, progressive=True),
        "jpeg-restarts": saved(pixels, "JPEG", quality=95, restart_marker_blocks=2),
        "jpeg-full-chroma": saved(pixels, "JPEG", quality=95, subsampling=0, optimize=True),
        "jpeg-profile": saved(pixels, "JPEG", quality=95, icc_profile=profile),
        "jpeg-cmyk": saved(image.convert("CMYK"), "JPEG", quality=95),
        "jpeg-fill-bytes": plain[:first] + b"\xff\xff\xff" + plain[first:],
        "jpeg-tail": plain + random.Random(5).randbytes(900),
        "jpeg-tail-of-markers": plain + b"\xff\xda\0\0\xff\xd9" * 9,
        "jpeg-tail-jpeg": plain + small,
        "jpeg-multi-picture": saved(image, "MPO", quality=95, save_all=True,
                                    append_images=[Image.fromarray(photo())]),
        "jpeg-few-stray-bytes": plain[:-2] + b"\x35" * 7 + b"\x41" + plain[-2:],
        "jpeg-padded-scan": plain[:-2] + bytes(400) + plain[-2:],
        "jpeg-exif-noise": with_segment(plain, 0xE1, b"Exif\0\0" + random.Random(6).randbytes(200)),
        "jpeg-exif-cut": with_segment(plain, 0xE1, b"Exif\0\0II*\0\x08"),
        "jpeg-exif-empty": with_segment(plain, 0xE1, b"Exif\0\0"),
        "jpeg-exif-short-text": with_segment(plain, 0xE1, short_text),
        "jpeg-exif-far": with_segment(plain, 0xE1, far),
        "jpeg-orientation-0": with_segment(plain, 0xE1, orientation_block(0)),
        "jpeg-orientation-9": with_segment(plain, 0xE1, orientation_block(9)),
        "jpeg-broken-mpf": with_segment(plain, 0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
    }  # fmt: skip
    for value in _TURNS:
        stored = saved(_stored(value), "JPEG", quality=95)
        made[f"jpeg-orientation-{value}"] = with_segment(stored, 0xE1, orientation_block(value))
    made["jpeg-xmp-orientation"] = with_segment(saved(_stored(6), "JPEG", quality=95), 0xE1, xmp)
    grey = saved(Image.fromarray(_grey()), "JPEG", quality=95)
    return {name: (data, pixels, LOSSY) for name, data in made.items()} | {
        "jpeg-grey": (grey, _in_colour(_grey()), LOSSY)
    }


def _odd_png() -> Odd:
    pixels = upright()
    alpha, page = _with_alpha()
    ink = (_grey() > 100).astype(np.uint8) * 255
    red, clear = struct.pack(">3H", 200, 30, 40), b"\xff\0\xff\xff\xff"
    frames = chunk(b"acTL", struct.pack(">II", 1 << 30, 0))
    grey_alpha = Image.fromarray(alpha).convert("LA")
    grey_over = np.asarray(grey_alpha)[..., 0] * (alpha[..., 3] / 255.0) + 255 - alpha[..., 3]
    exact = {
        "png-plain": (saved(pixels, "PNG"), pixels),
        "png-interlaced": (png(adam7(pixels), interlace=1), pixels),
        "png-grey": (saved(Image.fromarray(_grey()), "PNG"), _in_colour(_grey())),
        "png-one-bit": (saved(Image.fromarray(ink).convert("1"), "PNG"), _in_colour(ink)),
        "png-palette": (saved(palette_image(), "PNG"), pixels),
        "png-palette-clear": (saved(palette_image(), "PNG", transparency=1), _half_white()),
        "png-palette-alphas": (saved(palette_image(), "PNG", transparency=clear), _half_white()),
        "png-clear-colour": (png(rows(pixels), before=chunk(b"tRNS", red)), _half_white()),
        "png-animated": (animation("PNG"), pixels),
        "png-many-frames": (png(rows(pixels), before=frames), pixels),
        "png-tail": (saved(pixels, "PNG") + b"tail" * 99, pixels),
        "png-black": (saved(Image.new("RGB", (WIDTH, HEIGHT)), "PNG"), np.zeros_like(pixels)),
        **_deep_png(),
        **_png_metadata(),
    }
    near = {
        "png-alpha": (saved(alpha, "PNG"), page),
        "png-grey-alpha": (saved(grey_alpha, "PNG"), _in_colour(np.rint(grey_over))),
    }
    return {name: (*made, EXACT) for name, made in exact.items()} | {
        name: (*made, 1) for name, made in near.items()
    }


def _deep_png() -> dict[str, tuple[bytes, Array]]:
    """Sixteen bits a channel."""
    pixels = upright()
    deep = pixels.astype(">u2") * 257
    grey_deep = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(">u2")
    grey_page = _in_colour(grey_deep >> 8)
    clear_deep = grey_page.copy()
    clear_deep[10, 20] = 255
    key = chunk(b"tRNS", struct.pack(">H", int(grey_deep[10, 20])))
    clear = chunk(b"tRNS", struct.pack(">3H", 51400, 7710, 10280))
    return {
        "png-deep": (png(rows(deep), depth=16), pixels),
        "png-deep-clear-colour": (png(rows(deep), depth=16, before=clear), _half_white()),
        "png-deep-grey": (png(rows(grey_deep), depth=16, colour=0), grey_page),
        "png-deep-grey-clear": (png(rows(grey_deep), depth=16, colour=0, before=key), clear_deep),
    }


def _png_metadata() -> dict[str, tuple[bytes, Array]]:
    """EXIF and text wherever writers put them."""
    pixels = upright()
    image, stored, turn = Image.fromarray(pixels), saved(_stored(6), "PNG"), orientation_block(6)
    profile = f"\nexif\n{len(turn):8}\n{turn.hex()}\n".encode()
    as_text = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile))
    return {
        "png-exif": (_with_chunk(stored, chunk(b"eXIf", turn[6:])), pixels),
        "png-exif-behind": (stored[:-12] + chunk(b"eXIf", turn[6:]) + stored[-12:], pixels),
        "png-exif-as-text": (_with_chunk(stored, as_text), pixels),
        "png-exif-noise": (_with_chunk(saved(image, "PNG"), chunk(b"eXIf", bytes(9))), pixels),
        "png-text": (_with_chunk(saved(image, "PNG"), chunk(b"tEXt", b"\xe9\0\xff\xfe")), pixels),
    }


def _with_chunk(data: bytes, extra: bytes) -> bytes:
    return data[:33] + extra + data[33:]


def _odd_gif_webp() -> Odd:
    pixels = upright()
    alpha, page = _with_alpha()
    clear = saved(palette_image(), "GIF", transparency=1)
    webp = saved(pixels, "WEBP", quality=95)
    turned = saved(_stored(8), "WEBP", lossless=True, exif=orientation_block(8))
    return {
        "gif-plain": (saved(palette_image(), "GIF"), pixels, EXACT),
        "gif-interlaced": (saved(palette_image(), "GIF", interlace=True), pixels, EXACT),
        "gif-clear": (clear, _half_white(), EXACT),
        "gif-animated": (animation("GIF"), pixels, COARSE),
        "gif-comment": (saved(palette_image(), "GIF", comment=b"hello " * 400), pixels, EXACT),
        "gif-tail": (saved(palette_image(), "GIF") + b"tail" * 99, pixels, EXACT),
        "webp-lossy": (webp, pixels, COARSE),
        "webp-lossless": (saved(pixels, "WEBP", lossless=True), pixels, EXACT),
        "webp-alpha": (saved(alpha, "WEBP", lossless=True, exact=True), page, 1),
        "webp-animated": (animation("WEBP", lossless=True), pixels, EXACT),
        "webp-orientation": (turned, pixels, EXACT),
        "webp-tail": (webp + b"tail" * 99, pixels, COARSE),
    }


def _float_tiff(low: float, high: float) -> tuple[bytes, Array]:
    """A floating-point ramp from ``low`` to ``high`` and what its 0..1 version looks like."""
    ramp = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    data = saved(Image.fromarray((low + ramp * (high - low)).astype(np.float32)), "TIFF")
    return data, _in_colour(np.rint(ramp * 255))


def _odd_tiff() -> Odd:
    pixels = upright()
    image = Image.fromarray(pixels)
    ink = (_grey() > 100).astype(np.uint8) * 255
    deep = np.linspace(0, 65535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint16)
    wide = Image.fromarray((deep.astype(np.int32) - 40_000) * 1000)
    other = Image.fromarray(photo())
    turn = TiffImagePlugin.ImageFileDirectory_v2()
    turn[0x0112] = 6
    made = {
        "tiff-plain": (saved(pixels, "TIFF"), EXACT),
        "tiff-lzw": (saved(pixels, "TIFF", compression="tiff_lzw"), EXACT),
        "tiff-deflate": (saved(pixels, "TIFF", compression="tiff_adobe_deflate"), EXACT),
        "tiff-packbits": (saved(pixels, "TIFF", compression="packbits"), EXACT),
        "tiff-zstd": (saved(pixels, "TIFF", compression="zstd"), EXACT),
        "tiff-jpeg": (saved(pixels, "TIFF", compression="jpeg", quality=95), COARSE),
        "tiff-big": (saved(pixels, "TIFF", big_tiff=True), EXACT),
        "tiff-cmyk": (saved(image.convert("CMYK"), "TIFF"), 1),
        "tiff-palette": (saved(palette_image(), "TIFF"), EXACT),
        "tiff-pages": (saved(image, "TIFF", save_all=True, append_images=[other]), EXACT),
        "tiff-orientation": (saved(_stored(6), "TIFF", tiffinfo=turn), EXACT),
    }
    grey_deep = saved(Image.fromarray(deep), "TIFF")
    fax = saved(Image.fromarray(ink).convert("1"), "TIFF", compression="group4")
    stretched = _in_colour(np.rint(deep / 65535 * 255))
    alpha, page = _with_alpha()
    return {name: (data, pixels, worst) for name, (data, worst) in made.items()} | {
        "tiff-deep": (grey_deep, _in_colour(deep >> 8), EXACT),
        "tiff-wide": (saved(wide, "TIFF"), stretched, 1),
        "tiff-float-one": (*_float_tiff(0, 1), 1),
        "tiff-float-bytes": (*_float_tiff(0, 255), 1),
        "tiff-float-any": (*_float_tiff(-3, 1e6), 1),
        "tiff-fax": (fax, _in_colour(ink), EXACT),
        "tiff-alpha": (saved(alpha, "TIFF"), page, 1),
        "tiff-lab": (saved(_lab(image), "TIFF"), pixels, COARSE),
    }


def _lab(image: Image.Image) -> Image.Image:
    made = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert made is not None
    return made


# made once of ``upright()`` by pillow-heif 1.x (quality 90, 4:4:4): what we install only decodes
_HEIC = {
    "plain": (
        "c-muNV30{GsVvAy&8%Pmg51nBLl8SRGck>UfiW~UwIq=N0u(b+a*CjAhJwuG5(YG&l$n#C3}U!AFfalk5HMC"
        "kXdt)%#LAhOd1+uCNK_QaNo9iaGRl$-K}^1a%#vKVlB<~oMFl{5TV_FWK9DX4DsyIJ;Q%t{S%4JDePH<W|Hl"
        "so27cxQpbl{dMjpoh|3M0v!77-6N_H_hBm(8MoERBVB_^;5C~UgxscL%mfU{#GNK6t$FmfaTm2<c-9xQ6(VN"
        "wCwBAlF`Q<RsSQvnp`WngOn3W;PE7o<YHmH@;KKrB#@S&<16VCLWeIZ-^bAQu*TzyM)sWMXCkGH>LjB!U9(j"
        "0WR+Hj59__uKpab8h_q|GDD6_FvA|^nOO=?Yk&z|Hm`_|Es{V<W`%z|H7LD?ixqvX&TO&9l7{+uCkd}<<yNl"
        "g<mHfo%AtBg_Uzb`lksq4xcQV{JijhV5fS-jFXDi7px>caw{KPQl?cOBE7h7XP5o|#Mq<Wto;w|8ghR=Jk0#"
        "@$JOj_?LKpR{+Z2@h`Pj*67y$eanZEX0sm~b7=*{TzYxs-|NQ%Dxw9Ak|NkNS;(zt8;PyW)g}X{TSziaL`>>"
        "UW@U)&w=e_XwSNWF&08YxRGX"
    ),
    "turned": (
        "c-muNV30{GsVvAy&8%Pmg51nBLl8SRGck>UfpI}@YDppk1Sn>t<P<^K3<a6VB@Af5Br_*J8N_gLU|?ck1hE*"
        "8KxiPi4-^9erp0g(6(F|A%*;yz^FXqqKu#)H8Bk3|S+XGmk{}~UiEBkBSUF!oW=SpsR3*dx%z~l<AiY1cAUP"
        "jMmjm@WGqP|1ne!|_isU{p{Q3Xm2Ll5?a{^F@xC0{(<NyC41<YU-%s?f(m>d#;a#~J|jHnV5SOg3<-St#8J$"
        "t~}u@NLD2_hIdl7PxNTo?})wec{4JR_W(pHq~VoKpc5=Vf4P01Am@78j&K{p$e42|z4RkXexl5@6=w06CE}v"
        "nam=Xc2=%W<f42v>6!~SsR&{Sz3W?sm!9(G^jXVa!PSBICy~`XXMUJNd(2iZ4JitY!*>}{+h2c|NnpQod5st"
        "EPr+={8!(r|Nog<*ZkXhY?{#XSAUZ?{&=XSU6-*XTv+$lr)dYfS`*qDRcaWso&EFv>dHS^b-rYYB8UGw*R=<"
        "DdvDkBJ{EQrk-GbkH$3_P_uX^*=9@PsF8kr}DmeRdieGE%(pT%NAKR-3sMf`<=70YE{=ajKuKFUbky^diy}m"
        "p<dF<l8{cqLJ%O~3ZDarWi$(TJStN!yd@dI-EPBP2nPp|)AX7p!;<b>Ua|0k_CIoQ9#P)tcKlC9zVTGuUIzu"
        "3#3>~5UHe&g5o13>SwL89H)mq822<6vN96avKzFbLQnp#lJh;={r"
    ),
}


def heic(name: str) -> bytes:
    """``plain``, or ``turned``: stored with EXIF orientation 6, which HEIC also says by a box."""
    return zlib.decompress(base64.b85decode(_HEIC[name]))


def _odd_rest() -> Odd:
    pixels = upright()
    alpha, page = _with_alpha()
    palette = np.array([[9, 9, 9, 0], *(np.append(c, 0) for c in _corners_bgr())], np.uint8)
    upper, lower = b"\x30\1\x30\2\0\0", b"\x30\3\x30\4\0\0"  # runs of 48, end of line; bottom up
    runs = bmp_header(WIDTH, HEIGHT, 8, 1, 5) + palette.tobytes() + lower * 32 + upper * 32
    upside = bmp_header(WIDTH, -HEIGHT, 24, 0) + pixels[..., ::-1].tobytes()
    turned = saved(_stored(6), "AVIF", quality=95, speed=10, exif=orientation_block(6))
    return {
        "bmp-plain": (saved(pixels, "BMP"), pixels, EXACT),
        "bmp-palette": (saved(palette_image(), "BMP"), pixels, EXACT),
        "bmp-top-down": (upside, pixels, EXACT),
        "bmp-run-lengths": (runs + b"\0\1", pixels, EXACT),
        "avif-plain": (saved(pixels, "AVIF", quality=95, speed=10), pixels, COARSE),
        "avif-alpha": (saved(alpha, "AVIF", quality=95, speed=10), page, COARSE),
        "avif-orientation": (turned, pixels, COARSE),
        "heic-plain": (heic("plain"), pixels, COARSE),
        "heic-turned": (heic("turned"), pixels, COARSE),
        "jp2-plain": (saved(pixels, "JPEG2000"), pixels, EXACT),
        "jp2-bare": (saved(pixels, "JPEG2000", no_jp2=True), pixels, EXACT),
        "jp2-tiles": (saved(pixels, "JPEG2000", tile_size=(32, 24)), pixels, EXACT),
        "jp2-alpha": (saved(alpha, "JPEG2000"), page, EXACT),
        "jp2-lossy": (saved(pixels, "JPEG2000", irreversible=True), pixels, COARSE),
    }


def _corners_bgr() -> Array:
    return upright()[[0, 0, -1, -1], [0, -1, 0, -1]][:, ::-1]
