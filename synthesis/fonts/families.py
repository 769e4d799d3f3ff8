"""What a family is like: which look written by hand, and which help out another font.

Names are those of the fonts' own name tables; the list is data, extend it freely.
"""

import re

HANDWRITTEN = frozenset(
    {
        # Chinese: Kai faces follow the brush, WenKai the pen.
        "AR PL KaitiM Big5",
        "AR PL KaitiM GB",
        "AR PL UKai CN",
        "AR PL UKai HK",
        "AR PL UKai TW",
        "AR PL UKai TW MBE",
        "cwTeXKai",
        "KaiTi",
        "LXGW WenKai",
        "LXGW WenKai GB",
        "LXGW WenKai Mono",
        "LXGW WenKai TC",
        "Ma Shan Zheng",
        "STKaiti",
        "TW-Kai",
        "Zhi Mang Xing",
        # Japanese and Korean
        "Aoyagi Kouzan T",
        "AoyagiSosekiFont2",
        "Klee",
        "Klee One",
        "NanumBrush",
        "NanumPen",
        "Nanum Brush Script",
        "Nanum Pen Script",
        "SetoFont",
        "SetoFont-ex",
        "YOzFont",
        "Yusei Magic",
        # Latin, Thai, Greek
        "Because We Build",
        "Because We Connect",
        "Because We Create",
        "Because We Learn",
        "Because We Mentor",
        "Because We Organize",
        "Breip",
        "Caveat",
        "Comic Neue",
        "Comic Neue Angular",
        "Dancing Script",
        "DkgHandwriting",
        "Ecolier_court",
        "femkeklaver",
        "GFS Gazis",
        "Havana",
        "Humor Sans",
        "Kalam",
        "Kaushan Script",
        "Kristi",
        "Patrick Hand",
        "Purisa",
        "Rufscript",
        "Steve",
        "Delphine",
        "Tomson Talks",
        "Z003",
    }
)
_WEIGHTS = re.compile(r" (Thin|Light|ExtraLight|Medium|SemiBold|Semibold|Bold|Black|Heavy)$")

MONOSPACED = ("Mono", "Math", "Typewriter")  # in the names of families for special uses

# Families that write what a text's own font cannot, best first; each is used where installed.
HELPERS = (
    "Noto Sans",
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Lohit Devanagari",
    "Noto Sans Thai",
    "Loma",
    "NanumGothic",
    "IPAexGothic",
    "Droid Sans Fallback",
    "FreeSerif",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
    "Noto Sans Math",
    "Symbola",
    "Noto Color Emoji",
)


def is_handwritten(family: str) -> bool:
    """Whether a family looks written by hand (brush, pen or marker)."""
    return _WEIGHTS.sub("", family) in HANDWRITTEN
