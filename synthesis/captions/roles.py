"""What texts are to their readers, in words. A role without a line here is told by its own name."""

from synthesis.captions.grammar import is_plural

WATERMARK = "watermark"
_PLAIN = {"en": "text", "zh": "文字"}
# role: (English, Chinese); English plurals are made by rule, or told after a slash
ROLES: dict[str, tuple[str, str]] = {
    "text": ("text", "文字"),
    "title": ("title", "标题"),
    "subtitle": ("subtitle", "副标题"),
    "heading": ("heading", "小标题"),
    "subheading": ("subheading", "次级标题"),
    "headline": ("headline", "大标题"),
    "tagline": ("tagline", "宣传语"),
    "slogan": ("slogan", "标语"),
    "body": ("body text", "正文"),
    "paragraph": ("paragraph", "段落"),
    "item": ("list item", "列表项"),
    "bullet": ("bullet point", "要点"),
    "note": ("note", "备注"),
    "footnote": ("footnote", "脚注"),
    "caption": ("caption", "图注"),
    "label": ("label", "标签"),
    "axis": ("axis label", "坐标轴标签"),
    "legend": ("legend entry/legend entries", "图例"),
    "value": ("value", "数值"),
    "number": ("number", "数字"),
    "unit": ("unit", "单位"),
    "percentage": ("percentage", "百分比"),
    "button": ("button label", "按钮文字"),
    "link": ("link", "链接"),
    "menu": ("menu entry/menu entries", "菜单项"),
    "tab": ("tab label", "选项卡"),
    "field": ("field label", "字段名"),
    "placeholder": ("placeholder", "占位文字"),
    "search": ("search text", "搜索框文字"),
    "status": ("status text", "状态文字"),
    "message": ("message", "消息"),
    "username": ("user name", "用户名"),
    "name": ("name", "名称"),
    "author": ("author's name/authors' names", "作者名"),
    "signature": ("signature", "签名"),
    "recipient": ("recipient's name/recipients' names", "获奖人姓名"),
    "organisation": ("organisation", "机构名称"),
    "publisher": ("publisher's name/publishers' names", "出版社"),
    "brand": ("brand name", "品牌名"),
    "logo": ("logo", "标志文字"),
    "date": ("date", "日期"),
    "time": ("time", "时间"),
    "place": ("place", "地点"),
    "address": ("address", "地址"),
    "phone": ("telephone number", "电话号码"),
    "website": ("web address/web addresses", "网址"),
    "price": ("price", "价格"),
    "dish": ("dish/dishes", "菜名"),
    "section": ("section heading", "栏目标题"),
    "source": ("source line", "来源"),
    "quote": ("quotation", "引文"),
    "speech": ("speech bubble", "对话气泡"),
    "narration": ("narration box/narration boxes", "旁白框"),
    "sound": ("sound word", "拟声词"),
    "page number": ("page number", "页码"),
    "page_number": ("page number", "页码"),
    "header": ("header", "页眉"),
    "footer": ("footer", "页脚"),
    "chapter": ("chapter heading", "章节标题"),
    "kicker": ("kicker", "眉题"),
    "badge": ("badge", "角标"),
    "seat": ("seat number", "座位号"),
    "code": ("code", "编号"),
    "cell": ("table cell", "表格单元格"),
    "column": ("column heading", "表头"),
    "row": ("row heading", "行标题"),
    "step": ("step", "步骤"),
    "question": ("question", "问题"),
    "answer": ("answer", "回答"),
    "contact": ("contact line", "联系方式"),
    "ingredients": ("ingredient list", "配料表"),
    "warning": ("warning", "警示语"),
    WATERMARK: ("watermark", "水印"),
}


def role_name(language: str, role: str, count: int = 1) -> str:
    """The role in words: ``price``, for several ``prices``; in Chinese the one word for both."""
    known = ROLES.get(role) or ROLES.get(role.replace("_", " "))
    if language == "zh":
        return known[1] if known else _PLAIN["zh"]
    singular, _, plural = (known[0] if known else role.replace("_", " ")).partition("/")
    if count == 1 or is_plural(singular):
        return singular
    return plural or _plural(singular)


def _plural(name: str) -> str:
    if name.endswith("text"):
        return f"{name}s" if name == "text" else f"pieces of {name}"
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"
