"""Chinese instructions, as data: manners, and what is asked for in each operation.

The slots are those of ``english``; ``where`` has its 在, ``here`` is the same without it, and
there is no ``doing``: the same words follow 能不能 and 麻烦.
"""

from synthesis.edits.instructions import chinese_edits, chinese_images

MANNERS = (
    "{do}。",
    "请{do}。",
    "请您{do}，谢谢。",
    "麻烦{do}。",
    "麻烦你{do}。",
    "麻烦您{do}，谢谢！",
    "帮我{do}。",
    "帮忙{do}。",
    "请帮我{do}。",
    "帮我{do}，谢谢。",
    "能不能{do}？",
    "能不能帮我{do}？",
    "可不可以{do}？",
    "可以{do}吗？",
    "能{do}吗？",
    "可以帮我{do}吗？",
    "请问可以{do}吗？",
    "是否可以{do}？",
    "您能{do}吗？",
    "我想{do}。",
    "我想请你{do}。",
    "我希望你{do}。",
    "希望能{do}。",
    "最好能{do}。",
    "要是能{do}就好了。",
    "如果可以的话，请{do}。",
    "方便的话，{do}。",
    "有空帮我{do}吧。",
    "{do}吧。",
    "咱们{do}吧。",
    "要不{do}吧？",
    "{do}就行。",
    "{do}就可以了。",
    "直接{do}就好。",
    "只需{do}。",
    "需要{do}。",
    "现需{do}。",
    "烦请{do}。",
    "劳驾{do}。",
    "拜托{do}！",
    "你好，请{do}。",
    "嗨，帮我{do}，谢啦！",
    "下一步，{do}。",
    "任务：{do}。",
    "编辑要求：{do}。",
    "修改说明：{do}。",
    "你的任务是{do}。",
    "{result}。",
    "我觉得{result}。",
    "改一下：{result}。",
    "修改后，{result}。",
    "{terse}",
    "{terse}。",
    "修改：{terse}。",
    "编辑：{terse}。",
)
WITHIN = (
    "有个小改动，{do}。",
    "有一处要改：{result}。",
    "在这张图里，{do}。",
    "这张图片，请{do}。",
    "编辑这张图：{do}。",
    "看这张图，帮我{do}。",
    "图中内容修改如下：{do}。",
)
PHRASINGS = chinese_edits.PHRASINGS | chinese_images.PHRASINGS
RESULTS = chinese_edits.RESULTS | chinese_images.RESULTS
TERSE = chinese_edits.TERSE | chinese_images.TERSE
KEEP = (
    "其他保持不变。",
    "其余部分不要动。",
    "别的都不要改。",
    "其他内容保持原样。",
    "其他地方不变。",
    "除此之外不要有任何改动。",
    "其余不变。",
    "不要改动其他内容。",
)
KEEP_CONTENT = ("画面内容不要变。", "内容保持不变。", "不要改变原有内容。")
KEEP_TERSE = ("，其余不变", "，其他不动", "；别的不改")
LANGUAGES = {"en": ("英文", "英语"), "zh": ("中文",)}
IMAGES = ("图片", "这张图", "这张图片", "图像")
