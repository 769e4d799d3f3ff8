"""Instructions that mix English and Chinese, as those write who work in both, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """``manners`` around a phrasing in ``language``, with the names of things and colours in the
    language ``names``; ``keep`` and ``keep_content`` say what must stay the same.
    """

    language: str
    names: str
    manners: tuple[str, ...]
    keep: tuple[str, ...]
    keep_content: tuple[str, ...]


_AFTER_CHINESE = (
    "Keep the rest 不变。",
    "Leave everything else as it is.",
    "其他 no change。",
    "别的 please don't touch。",
)
_CONTENT_AFTER_CHINESE = ("Keep the content 不变。", "Do not change the content.")
FRAMES = {
    "english": Frame(
        "en",
        "en",
        (
            "请 {do}。",
            "麻烦 {do}，谢谢！",
            "帮我 {do}。",
            "能不能 {do}？",
            "可以 {do} 吗？",
            "请帮忙 {do}，多谢。",
            "需要 {do}。",
            "任务：{do}。",
            "在这张图里，{do}。",
            "改一下：{do}。",
        ),
        ("其他保持不变。", "其余 keep unchanged。", "别的不要动。"),
        ("内容保持不变。", "不要改变 content。"),
    ),
    "chinese": Frame(
        "zh",
        "zh",
        (
            "Please {do}。",
            "Please {do}, thanks!",
            "Hi, {do}, thanks.",
            "OK, {do}。",
            "Next, {do}。",
            "Quick edit: {do}。",
            "Task: {do}。",
            "Hey, 帮我{do}，thank you!",
            "{do}, please.",
            "To do: {do}。",
        ),
        _AFTER_CHINESE,
        _CONTENT_AFTER_CHINESE,
    ),
    "named": Frame(  # 把 title 改成 navy blue
        "zh",
        "en",
        ("{do}。", "请{do}。", "帮我{do}，谢谢。", "麻烦{do}。", "能不能{do}？", "需要{do}。"),
        _AFTER_CHINESE,
        _CONTENT_AFTER_CHINESE,
    ),
}
