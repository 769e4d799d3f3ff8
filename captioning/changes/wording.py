"""A change as an instruction, English or Chinese, terse or polite: which wording, by number.

Each pattern is complete by itself; what it is filled with was measured.
"""

from collections.abc import Mapping, Sequence

from captioning.changes.change import Change, Operation, Place, Side, Tone
from captioning.prompting import Language

_EN: Mapping[Operation, tuple[str, ...]] = {
    "text.replace": ('change the text "{old}" to "{new}"', 'replace "{old}" with "{new}"',
                     'make the text that says "{old}" say "{new}"'),
    "text.add": ('add the text "{new}" {place}', 'write "{new}" {place} of the image',
                 'put the words "{new}" {place}'),
    "layout.move": ('move the text "{new}" {to}', 'put the text "{new}" {place} instead'),
    "text.remove": ('remove the text "{old}"', 'delete "{old}"', 'erase the words "{old}"'),
    "text.recolour": ('make the text "{new}" {colour}', 'change the colour of "{new}" to {colour}'),
    "background.recolour": ("make the background {colour}",
                            "change the background colour to {colour}"),
    "mirror.sides": ("mirror the image from left to right", "flip the image horizontally"),
    "mirror.top": ("flip the image upside down, top to bottom", "flip the image vertically"),
    "rotate.right": ("rotate the image 90 degrees clockwise",
                     "turn the image a quarter to the right"),
    "rotate.left": ("rotate the image 90 degrees counterclockwise",
                    "turn the image a quarter to the left"),
    "rotate.half": ("rotate the image by 180 degrees", "turn the image upside down by half a turn"),
    "crop": ("crop the image: cut off {sides}", "cut {sides} off the image"),
    "extend": ("extend the image beyond its edges, by {sides}", "outpaint the image: add {sides}"),
    "enlarge": ("enlarge the image to {size} pixels", "upscale the image to {size} pixels"),
    "reduce": ("reduce the image to {size} pixels", "scale the image down to {size} pixels"),
    "grey": ("make the image black and white", "take all colour out of the image",
             "convert the image to greyscale"),
    "colourise": ("colourise the black-and-white image", "give the greyscale image colours"),
    "invert": ("invert the colours of the image", "turn the image into its negative"),
    "tones": ("make the entire image {tones}", "make the image {tones}"),
    "deblur": ("remove the blur from the image", "sharpen the blurred image"),
    "denoise": ("remove the noise from the image", "clean up the grain in the image"),
    "decompress": ("remove the compression artefacts from the image",
                   "clean up the JPEG artefacts in the image"),
    "blur": ("blur the image", "blur the entire image"),
    "noise": ("add noise to the image", "make the image noisy"),
}  # fmt: skip
_ZH: Mapping[Operation, tuple[str, ...]] = {
    "text.replace": ("把文字“{old}”改成“{new}”", "将“{old}”替换为“{new}”",
                     "把写着“{old}”的地方改写成“{new}”"),
    "text.add": ("在图像{place}加上文字“{new}”", "在{place}写上“{new}”"),
    "layout.move": ("把文字“{new}”移到图像{place}", "将“{new}”挪到{place}"),
    "text.remove": ("去掉文字“{old}”", "删除“{old}”这段文字", "把“{old}”擦掉"),
    "text.recolour": ("把文字“{new}”改成{colour}", "将“{new}”的颜色换成{colour}"),
    "background.recolour": ("把背景改成{colour}", "将背景颜色换成{colour}"),
    "mirror.sides": ("把图像左右翻转", "将图像水平镜像"),
    "mirror.top": ("把图像上下翻转", "将图像垂直镜像"),
    "rotate.right": ("把图像顺时针旋转90度", "将图像向右转90度"),
    "rotate.left": ("把图像逆时针旋转90度", "将图像向左转90度"),
    "rotate.half": ("把图像旋转180度",),
    "crop": ("裁剪图像：裁掉{sides}", "把图像裁掉{sides}"),
    "extend": ("把图像向外扩展：{sides}", "扩图：{sides}"),
    "enlarge": ("把图像放大到{size}像素", "将图像放大为{size}像素"),
    "reduce": ("把图像缩小到{size}像素", "将图像缩小为{size}像素"),
    "grey": ("把图像变成黑白", "去掉图像的所有颜色", "将图像转为灰度"),
    "colourise": ("给黑白图像上色", "把灰度图像变成彩色"),
    "invert": ("把图像的颜色反相", "将图像变成负片效果"),
    "tones": ("把整张图像调得{tones}", "让图像{tones}"),
    "deblur": ("去除图像的模糊", "把模糊的图像变清晰"),
    "denoise": ("去除图像的噪点", "给图像降噪"),
    "decompress": ("去除图像的压缩痕迹", "修复图像的JPEG压缩伪影"),
    "blur": ("把图像变模糊", "让整张图像模糊"),
    "noise": ("给图像加上噪点", "让图像带有噪点"),
}  # fmt: skip
_AROUND: Mapping[Language, tuple[str, ...]] = {
    "en": ("{said}.", "{said}", "Please {lower}.", "Could you {lower}?", "I want you to {lower}."),
    "zh": ("{said}。", "{said}", "请{said}。", "麻烦{said}，谢谢。", "帮我{said}。"),
}
_PLACES: Mapping[Place, tuple[str, str]] = {
    ("left", "top"): ("at the top left", "左上方"),
    ("middle", "top"): ("at the top", "上方"),
    ("right", "top"): ("at the top right", "右上方"),
    ("left", "middle"): ("on the left", "左侧"),
    ("middle", "middle"): ("in the middle", "中间"),
    ("right", "middle"): ("on the right", "右侧"),
    ("left", "bottom"): ("at the bottom left", "左下方"),
    ("middle", "bottom"): ("at the bottom", "下方"),
    ("right", "bottom"): ("at the bottom right", "右下方"),
}
_SIDES: Mapping[Side, tuple[str, str]] = {
    "left": ("left", "左侧"), "right": ("right", "右侧"),
    "top": ("top", "上方"), "bottom": ("bottom", "下方"),
}  # fmt: skip
_TONES: Mapping[Tone, tuple[str, str]] = {
    "brighter": ("brighter", "更亮"), "darker": ("darker", "更暗"),
    "more_contrast": ("richer in contrast", "对比度更高"),
    "less_contrast": ("poorer in contrast", "对比度更低"),
    "more_vivid": ("more colourful", "色彩更鲜艳"), "less_vivid": ("less colourful", "色彩更淡"),
    "warmer": ("warmer in tone", "色调更暖"), "cooler": ("cooler in tone", "色调更冷"),
    "greener": ("greener in tone", "色调偏绿"), "pinker": ("pinker in tone", "色调偏粉"),
}  # fmt: skip
_KEPT: Mapping[Language, str] = {"en": "everything else", "zh": "其余部分"}


def instruction(changes: Sequence[Change], language: Language, number: int) -> str:
    """What to do, in the ``number``-th wording (from 0, modulo how many there are)."""
    patterns = _ZH if language == "zh" else _EN
    parts = []
    for change in changes:
        ways = patterns[change.operation]
        parts.append(ways[number % len(ways)].format(**_filled(change, language)))
    said = ("，并" if language == "zh" else " and ").join(parts)
    around = _AROUND[language]
    upper = said[:1].upper() + said[1:]
    return around[number // 7 % len(around)].format(said=upper, lower=said)


def kept(language: Language) -> str:
    """What stays as it is."""
    return _KEPT[language]


def _filled(change: Change, language: Language) -> dict[str, str]:
    is_chinese = language == "zh"
    place = _PLACES[change.place][is_chinese] if change.place else ""
    size = change.size or (0, 0)
    return {
        "old": change.old or "",
        "new": change.new or "",
        "place": place,
        "to": "to " + place.partition(" ")[2],
        "colour": change.colour.name(language) if change.colour else "",
        "tones": _joined([_TONES[of][is_chinese] for of in change.tones], language),
        "sides": _joined([_side(*of, change, language) for of in change.sides], language),
        "size": f"{size[0]}×{size[1]}" if is_chinese else f"{size[0]} x {size[1]}",
    }


def _side(side: Side, percent: int, change: Change, language: Language) -> str:
    """How much was cut off or added at a side."""
    if language == "zh":
        return f"{_SIDES[side][1]}{percent}%"
    if change.operation == "extend":
        return f"{percent} % at the {_SIDES[side][0]}"
    return f"{percent} % of the {_SIDES[side][0]}"


def _joined(texts: Sequence[str], language: Language) -> str:
    *first, last = texts or ("",)
    if not first:
        return last
    if language == "zh":
        return "、".join([*first, last])
    return ", ".join(first) + " and " + last
