"""The little grammar captions need: articles and plurals in English, lists, quotation marks."""

from collections.abc import Sequence

from synthesis.unrenderable import UnrenderableError

_RARE_MARKS = (("‹", "›"), ("《", "》"), ("【", "】"), ("⟨", "⟩"), ("⟦", "⟧"))
_QUOTES = {
    "en": (('"', '"'), ("“", "”"), ("«", "»"), ("「", "」"), ("『", "』"), *_RARE_MARKS),
    "zh": (("“", "”"), ("「", "」"), ("『", "』"), ("«", "»"), ('"', '"'), *_RARE_MARKS),
}
_STOPS = (".", "!", "?", "…", "。", "！", "？", "؟", "।", "．", "｡")
_DETERMINERS = ("a ", "an ", "the ", "some ", "two ", "three ", "several ", "its ")
_HEAD_ENDS = (" of ", " with ", " in ", " on ", " at ", " under ", " from ", " by ", " behind ")
_UNCOUNTABLE = (
    *("asphalt", "bark", "blur", "brick", "cardboard", "clay", "concrete", "denim", "dust"),
    *("fabric", "foil", "foliage", "fog", "glass", "grain", "granite", "grass", "gravel"),
    *("greenery", "ice", "lace", "leather", "light", "lighting", "linen", "marble", "metal"),
    *("moss", "mud", "noise", "packaging", "paper", "plaster", "plywood", "rain", "sand"),
    *("scenery", "silk", "sky", "snow", "stone", "stucco", "velvet", "water", "wear", "wood"),
)
_SINGULAR_IN_S = ("ss", "us", "is", "glass", "canvas", "atlas", "lens", "gas")
_CONSONANT_SOUNDS = ("uni", "use", "usu", "euro", "one-", "once", "ut", "eu")
_VOWEL_SOUNDS = ("hour", "honest", "heir", "honour")


def quoted(language: str, text: str, others: Sequence[str] = ()) -> str:
    """The text in quotation marks that occur in it nowhere.

    The marks are the first ones that suit ``others`` too, so that the texts of one caption are
    quoted alike. Raises ``UnrenderableError`` for a text that holds all the marks there are.
    """
    opening, closing = _marks(language, [text, *others]) or _marks(language, [text]) or ("", "")
    if not opening:
        raise UnrenderableError("unquotable", text[:60])
    return f"{opening}{text}{closing}"


def _marks(language: str, texts: Sequence[str]) -> tuple[str, str] | None:
    for opening, closing in _QUOTES["zh" if language == "zh" else "en"]:
        if not any(opening in text or closing in text for text in texts):
            return opening, closing
    return None


def ends_a_sentence(text: str) -> bool:
    """Whether the text itself ends as a sentence does, its closing marks left aside."""
    return text.rstrip("\"'”’»)）」』】》 ").endswith(_STOPS)


def is_plural(name: str) -> bool:
    """Whether an English name is in the plural, by the last word of its head."""
    head = _head(name)
    return head.endswith("s") and not head.endswith(_SINGULAR_IN_S)


def _head(name: str) -> str:
    """The last word before what follows a preposition: ``sheets`` of ``sheets of paper``."""
    for preposition in _HEAD_ENDS:
        name = name.split(preposition, maxsplit=1)[0]
    return name.split()[-1].lower()


def with_article(name: str) -> str:
    """``a poster``, ``an open book``; what is plural or uncountable or has an article is kept."""
    if name.lower().startswith(_DETERMINERS) or is_plural(name) or _head(name) in _UNCOUNTABLE:
        return name
    lower = name.lower()
    vowel = lower[0] in "aeiou" and not lower.startswith(_CONSONANT_SOUNDS)
    return f"{'an' if vowel or lower.startswith(_VOWEL_SOUNDS) else 'a'} {name}"


# the measure word of a Chinese noun, by how it ends; the longest ending that fits counts
_MEASURE_WORDS = {
    "张": (
        "纸",
        "幻灯片",
        "图片",
        "照片",
        "海报",
        "卡片",
        "卡",
        "名片",
        "证书",
        "请柬",
        "票",
        "表",
        "登机牌",
    ),
    "枚": ("徽章", "邮票"),
    "块": ("板", "牌", "屏幕", "屏", "布", "玻璃", "石碑"),
    "本": ("书", "封面", "杂志", "菜单", "笔记本", "手册", "日历", "月历", "挂历"),
    "件": ("T恤", "衣服", "衬衫"),
    "面": ("墙", "墙壁", "旗", "镜子"),
    "扇": ("窗", "门"),
    "幅": ("漫画", "信息图", "图表", "画", "地图", "图"),
    "页": ("书页", "页面", "报纸", "网页"),
    "份": ("报告", "简历", "发票", "收据", "奖状", "感谢状", "邀请函", "账单", "问卷", "通知"),
    "条": ("帖子", "横幅", "街", "街道", "小路", "马路", "消息"),
    "间": ("教室", "房间", "办公室", "厨房"),
    "片": ("草地", "树林", "沙滩", "天空"),
    "家": ("商店", "咖啡馆", "餐馆"),
    "座": ("山", "桥", "城市"),
    "个": ("弹窗", "头版"),
}
_ENDINGS = {end: measure for measure, ends in _MEASURE_WORDS.items() for end in ends}
_COUNTED = tuple("一两几些这那")


def with_measure_word(name: str) -> str:
    """``一张幻灯片``; a name that begins with a number is kept, what is unknown is ``一个``."""
    if name.startswith(_COUNTED):
        return name
    for start in range(len(name)):
        if name[start:] in _ENDINGS:
            return f"一{_ENDINGS[name[start:]]}{name}"
    return f"一个{name}"


def capitalised(words: str) -> str:
    """The words with their first letter in upper case and the rest kept."""
    return words[:1].upper() + words[1:]


def listed(language: str, parts: Sequence[str]) -> str:
    """``a, b and c``, or ``a、b和c``."""
    comma, conjunction = ("、", "和") if language == "zh" else (", ", " and ")
    if len(parts) < 2:
        return "".join(parts)
    return comma.join(parts[:-1]) + conjunction + parts[-1]
