"""What texts are to their readers, and what rows of them are, in words.

A role or an entry without a line here is told by its own name.
"""

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
    "author": ("name of the author/names of the authors", "作者名"),
    "signature": ("signature", "签名"),
    "recipient": ("name of the recipient/names of the recipients", "获奖人姓名"),
    "organisation": ("organisation", "机构名称"),
    "publisher": ("name of the publisher/names of the publishers", "出版方"),
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
    "wish": ("greeting", "贺词"),
    "letter": ("letter", "信"),
    "poem": ("poem", "诗"),
    "recipe": ("recipe", "菜谱"),
    "saying": ("saying", "格言"),
    WATERMARK: ("watermark", "水印"),
    # times and places
    "day": ("day number", "日期"),
    "weekday": ("day of the week/days of the week", "星期"),
    "month": ("month", "月份"),
    "year": ("year", "年份"),
    "period": ("period", "时间段"),
    "billing": ("billing period", "计费周期"),
    "hours": ("opening hours", "营业时间"),
    "age": ("time since posting", "发布时间"),
    "duration": ("duration", "时长"),
    "start": ("starting point", "出发地"),
    "destination": ("destination", "目的地"),
    "direction": ("direction", "指引"),
    "distance": ("distance", "距离"),
    "origin": ("place of origin/places of origin", "产地"),
    # people and things
    "person": ("full name", "姓名"),
    "job": ("job title", "职务"),
    "performer": ("point of the programme/points of the programme", "节目"),
    "skill": ("skill", "技能"),
    "degree": ("degree", "学位"),
    "topic": ("topic", "主题"),
    "product": ("product name", "产品名"),
    "album": ("album title", "专辑名"),
    "artist": ("name of the artist/names of the artists", "歌手名"),
    "category": ("category", "类别"),
    "plan": ("plan name", "方案名"),
    "feature": ("feature", "特点"),
    "lesson": ("lesson", "课程"),
    "event": ("event", "事件"),
    "ingredient": ("ingredient", "食材"),
    "portions": ("number of portions/numbers of portions", "份量"),
    "weight": ("weight", "净含量"),
    # numbers
    "temperature": ("temperature", "气温"),
    "high": ("high", "最高气温"),
    "low": ("low", "最低气温"),
    "sky": ("weather report", "天气状况"),
    "change": ("change", "变化"),
    "amount": ("amount", "金额"),
    "quantity": ("quantity", "数量"),
    "discount": ("discount", "折扣"),
    "rating": ("rating", "评分"),
    "likes": ("number of likes", "点赞数"),
    "replies": ("number of replies", "评论数"),
    "issue": ("issue number", "期号"),
    "invoice": ("invoice number", "单据编号"),
    "gate": ("gate or platform", "登机口或站台"),
    "route": ("road number", "公路编号"),
    # texts
    "description": ("description", "说明"),
    "given": ("value", "内容"),
    "task": ("task", "待办事项"),
    "setting": ("setting", "设置项"),
    "entry": ("entry/entries", "填写内容"),
    "reply": ("reply/replies", "回复"),
    "option": ("option", "选项"),
    "post": ("post", "帖子正文"),
    "hashtag": ("line of hashtags/lines of hashtags", "话题标签"),
    "greeting": ("greeting", "问候语"),
    "word": ("word", "词语"),
    "reading": ("note on the word/notes on the word", "读音或词性"),
    "meaning": ("meaning", "释义"),
    "example": ("example sentence", "例句"),
    "invitation": ("text of the invitation/texts of the invitation", "邀请语"),
    "praise": ("reason for it/reasons for it", "颁发缘由"),
    "deck": ("standfirst", "导语"),
    "teaser": ("teaser", "导读"),
    "blurb": ("blurb", "内容简介"),
    "takeaway": ("conclusion", "结论"),
    "total": ("total", "合计"),
}
# what a row of texts is: (English, Chinese with its measure word)
ENTRIES: dict[str, tuple[str, str]] = {
    "table row": ("row", "行"),
    "pair": ("pair", "组"),
    "week": ("week", "周"),
    "forecast": ("day of the forecast/days of the forecast", "天的预报"),
    "fact": ("fact", "项信息"),
    "detail": ("detail", "项信息"),
    "legend": ("legend entry/legend entries", "项图例"),
    "bar": ("bar", "个条形"),
    "figure": ("figure", "项数据"),
    "ring": ("ring", "个圆环"),
    "card": ("card", "张卡片"),
    "exchange": ("exchange", "段对话"),
    "setting": ("setting", "项设置"),
    "field": ("field", "个输入框"),
    "question": ("question with its answer/questions with their answers", "组问答"),
    "choice": ("question with its options/questions with their options", "道选择题"),
    "departure": ("departure", "个班次"),
    "dish": ("dish/dishes", "道菜品"),
    "menu item": ("menu item", "种餐品"),  # coffee is no dish
    "item": ("item", "项商品"),
    "service": ("line of the bill/lines of the bill", "项明细"),
    "sum": ("sum", "项金额"),
    "step": ("step", "个步骤"),
    "point": ("numbered point", "个编号要点"),
    "event": ("event", "个事件"),
    "note": ("note", "条备忘"),
    "plan": ("plan", "个方案"),
    "person": ("person/people", "个人"),
    "job": ("job", "段经历"),
    "lesson": ("line of the timetable/lines of the timetable", "行课程"),
    "sign": ("direction", "个方向"),
}


def entry_name(language: str, entry: str | None, count: int) -> str:
    """What ``count`` rows are called: ``dishes``; in Chinese ``道菜品``, after the number."""
    if language == "zh":
        return ENTRIES[entry if entry in ENTRIES else "pair"][1]
    known = ENTRIES.get(entry or "table row")
    return _counted(known[0] if known else str(entry), count)


def role_name(language: str, role: str, count: int = 1) -> str:
    """The role in words: ``price``, for several ``prices``; in Chinese the one word for both."""
    known = ROLES.get(role) or ROLES.get(role.replace("_", " "))
    if language == "zh":
        return known[1] if known else _PLAIN["zh"]
    return _counted(known[0] if known else role.replace("_", " "), count)


def _counted(name: str, count: int) -> str:
    singular, _, plural = name.partition("/")
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
