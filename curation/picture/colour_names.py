"""The names of colours, as data: which lightness, chroma and hue each is said of, in OKLCH.

OKLCH (Ottosson 2020) keeps hues apart where CIELAB mixes blue with purple. A row is tried after
those above it; the first that holds a colour names it. Grey is what has hardly any chroma for its
lightness: a dark colour needs less of it than a light one to be told from grey.
"""

from typing import NamedTuple

Range = tuple[float, float]
_ANY: Range = (0.0, 1.01)


class Region(NamedTuple):
    """From, and to without: ``hue`` in degrees, may pass 360; ``lightness``, ``chroma``."""

    name: str
    hue: Range
    lightness: Range = _ANY
    chroma: Range = _ANY


# English, Chinese, and the sRGB that is typical of it
NAMES: tuple[tuple[str, str, tuple[int, int, int]], ...] = (
    ("white", "白色", (255, 255, 255)),
    ("off-white", "米白色", (244, 240, 230)),
    ("light grey", "浅灰色", (217, 218, 220)),
    ("grey", "灰色", (146, 147, 149)),
    ("dark grey", "深灰色", (74, 75, 78)),
    ("charcoal", "炭灰色", (44, 46, 48)),
    ("black", "黑色", (16, 16, 17)),
    ("cream", "米色", (247, 238, 214)),
    ("beige", "米黄色", (226, 212, 184)),
    ("tan", "浅棕色", (206, 167, 130)),
    ("greyish brown", "灰棕色", (128, 112, 98)),
    ("brown", "棕色", (108, 67, 34)),
    ("reddish brown", "红棕色", (136, 78, 62)),
    ("dark brown", "深棕色", (60, 36, 22)),
    ("pale yellow", "浅黄色", (249, 241, 158)),
    ("yellow", "黄色", (252, 208, 44)),
    ("pale gold", "淡金色", (240, 218, 158)),
    ("golden", "金色", (214, 172, 84)),
    ("mustard", "芥末黄色", (170, 124, 24)),
    ("khaki", "卡其色", (188, 180, 116)),
    ("olive", "橄榄色", (100, 104, 40)),
    ("dark olive", "深橄榄色", (58, 60, 24)),
    ("peach", "蜜桃色", (252, 210, 178)),
    ("orange", "橙色", (246, 158, 56)),
    ("coral", "珊瑚色", (240, 128, 108)),
    ("brick red", "砖红色", (170, 76, 56)),
    ("red", "红色", (196, 24, 36)),
    ("dark red", "深红色", (112, 20, 32)),
    ("maroon", "暗红色", (78, 20, 26)),
    ("burgundy", "酒红色", (88, 18, 46)),
    ("pale pink", "浅粉色", (246, 224, 226)),
    ("pink", "粉色", (250, 212, 224)),
    ("dusty pink", "灰粉色", (196, 150, 152)),
    ("rose", "玫红色", (196, 28, 104)),
    ("magenta", "洋红色", (190, 40, 170)),
    ("lavender", "淡紫色", (224, 212, 246)),
    ("mauve", "灰紫色", (160, 136, 160)),
    ("purple", "紫色", (110, 46, 148)),
    ("dark purple", "深紫色", (48, 26, 78)),
    ("pale blue", "浅蓝色", (203, 226, 248)),
    ("sky blue", "天蓝色", (120, 186, 238)),
    ("greyish blue", "灰蓝色", (112, 130, 150)),
    ("blue", "蓝色", (28, 88, 204)),
    ("dark blue", "深蓝色", (20, 56, 128)),
    ("navy blue", "藏青色", (16, 30, 74)),
    ("pale turquoise", "浅青色", (190, 232, 230)),
    ("turquoise", "绿松石色", (62, 186, 178)),
    ("teal", "青色", (22, 104, 112)),
    ("dark teal", "深青色", (12, 62, 74)),
    ("pale green", "浅绿色", (206, 238, 206)),
    ("light green", "草绿色", (132, 204, 140)),
    ("yellow-green", "黄绿色", (166, 206, 60)),
    ("greyish green", "灰绿色", (132, 152, 136)),
    ("green", "绿色", (16, 120, 56)),
    ("dark green", "深绿色", (12, 66, 44)),
)

_ROUND: Range = (0, 360)
REGIONS: tuple[Region, ...] = (
    # hardly any chroma
    Region("black", _ROUND, (0, 0.15)),
    Region("black", _ROUND, (0, 0.285), (0, 0.02)),
    Region("black", (260, 20), (0, 0.24), (0, 0.025)),
    Region("charcoal", _ROUND, (0.285, 0.335), (0, 0.018)),
    Region("dark grey", _ROUND, (0.335, 0.53), (0, 0.019)),
    Region("grey", _ROUND, (0.53, 0.79), (0, 0.018)),
    Region("light grey", _ROUND, (0.79, 0.933), (0, 0.013)),
    Region("light grey", (120, 45), (0.79, 0.933), (0, 0.017)),
    Region("white", _ROUND, (0.933, 1.01), (0, 0.0135)),
    # light and dull, warm
    Region("off-white", (45, 120), (0.87, 1.01), (0, 0.021)),
    Region("cream", (60, 112), (0.878, 1.01), (0, 0.051)),
    Region("beige", (42, 96), (0.79, 0.91), (0, 0.056)),
    Region("beige", (96, 112), (0.79, 0.91), (0, 0.035)),
    # red and pink
    Region("maroon", (12, 38), (0, 0.345), (0.04, 0.11)),
    Region("dark red", (12, 33), (0, 0.43), (0.09, 1)),
    Region("burgundy", (340, 16), (0, 0.42)),
    Region("red", (12, 42), (0.43, 0.62), (0.15, 1)),
    Region("red", (12, 42), (0.43, 0.68), (0.17, 1)),
    Region("coral", (14, 46), (0.62, 0.83), (0.09, 1)),
    Region("brick red", (14, 33), (0.43, 0.62), (0.09, 0.15)),
    Region("brick red", (30, 43), (0.335, 0.62), (0.1, 1)),
    Region("rose", (340, 22), (0.42, 0.7), (0.09, 1)),
    Region("pale pink", (335, 48), (0.86, 1.01), (0, 0.031)),
    Region("pink", (335, 30), (0.835, 1.01), (0.031, 1)),
    Region("pink", (335, 30), (0.66, 0.86), (0.075, 1)),
    Region("peach", (30, 78), (0.82, 1.01), (0.02, 0.12)),
    Region("dusty pink", (335, 36), (0.56, 0.88), (0, 0.1)),
    Region("mauve", (330, 16), (0.42, 0.56), (0, 0.1)),
    # orange and brown
    Region("orange", (42, 76), (0.6, 1.01), (0.13, 1)),
    Region("orange", (42, 72), (0.72, 1.01), (0.11, 1)),
    Region("tan", (42, 94), (0.6, 0.85), (0.036, 0.07)),
    Region("tan", (34, 72), (0.6, 0.85), (0.036, 0.14)),
    Region("tan", (70, 79), (0.6, 0.85), (0.036, 0.105)),
    Region("dark brown", (22, 100), (0, 0.335)),
    Region("maroon", (12, 24), (0, 0.335)),
    Region("reddish brown", (15, 46), (0.335, 0.62), (0.04, 0.12)),
    Region("brown", (36, 80), (0.335, 0.62), (0.036, 1)),
    Region("mustard", (78, 104), (0.5, 0.68), (0.1, 1)),
    Region("brown", (78, 95), (0.335, 0.62), (0.036, 1)),
    Region("greyish brown", (15, 104), (0.335, 0.87), (0, 0.04)),
    # yellow and olive
    Region("pale yellow", (96, 116), (0.82, 1.01), (0, 0.13)),
    Region("pale yellow", (90, 98), (0.925, 1.01), (0, 0.08)),
    Region("pale gold", (74, 97), (0.85, 1.01), (0, 0.112)),
    Region("yellow", (86, 118), (0.79, 1.01), (0.14, 1)),
    Region("yellow", (84, 118), (0.84, 1.01), (0.112, 1)),
    Region("golden", (70, 100), (0.6, 1.01), (0.05, 1)),
    Region("khaki", (92, 118), (0.62, 0.86), (0.03, 0.11)),
    Region("yellow", (100, 118), (0.62, 1.01), (0.1, 1)),
    Region("dark olive", (88, 124), (0, 0.4)),
    Region("olive", (88, 130), (0.38, 0.64)),
    # green
    Region("pale green", (116, 174), (0.86, 1.01), (0, 0.1)),
    Region("pale green", (116, 174), (0.84, 1.01), (0.03, 0.07)),
    Region("yellow-green", (116, 134), (0.6, 1.01), (0.1, 1)),
    Region("dark green", (120, 192), (0, 0.42)),
    Region("dark green", (120, 184), (0, 0.455), (0.03, 0.11)),
    Region("greyish green", (104, 190), (0.42, 0.88), (0, 0.06)),
    Region("light green", (118, 172), (0.68, 1.01), (0.06, 0.2)),
    Region("green", (118, 172), (0.42, 1.01), (0.05, 1)),
    # turquoise
    Region("dark teal", (184, 224), (0, 0.395)),
    Region("pale turquoise", (172, 224), (0.84, 1.01), (0, 0.09)),
    Region("turquoise", (172, 226), (0.6, 1.01), (0.06, 1)),
    Region("teal", (172, 228), (0.39, 0.62), (0.045, 1)),
    # blue
    Region("navy blue", (224, 283), (0, 0.345)),
    Region("pale blue", (190, 284), (0.8, 1.01), (0, 0.08)),
    Region("greyish blue", (190, 290), (0.335, 0.82), (0, 0.06)),
    Region("dark blue", (224, 283), (0.3, 0.428)),
    Region("sky blue", (222, 262), (0.66, 1.01), (0.05, 1)),
    Region("blue", (222, 284), (0.42, 0.72), (0.05, 1)),
    Region("pale blue", (262, 284), (0.72, 1.01)),
    # purple
    Region("dark purple", (282, 342), (0, 0.36)),
    Region("lavender", (282, 340), (0.8, 1.01), (0, 0.1)),
    Region("mauve", (282, 345), (0.5, 0.84), (0, 0.07)),
    Region("dark purple", (282, 345), (0, 0.46), (0, 0.1)),
    Region("magenta", (322, 345), (0.42, 1.01), (0.14, 1)),
    Region("purple", (282, 345), (0.3, 1.01)),
)
