"""What the marks of a layout are called: icons, images, charts and controls."""

from synthesis.description import Name
from synthesis.template import art, filled, shapes
from synthesis.template.expanding import Part

_ICONS = {  # a gear is left out: it looks like the sun
    "check": ("check mark icon", "对勾图标"),
    "cross": ("cross icon", "叉号图标"),
    "plus": ("plus icon", "加号图标"),
    "back": ("left chevron icon", "向左尖括号图标"),
    "next": ("right chevron icon", "向右尖括号图标"),
    "arrow": ("arrow icon", "箭头图标"),
    "menu": ("menu icon", "菜单图标"),
    "search": ("magnifying glass icon", "放大镜图标"),
    "home": ("house icon", "房子图标"),
    "user": ("person icon", "人像图标"),
    "bell": ("bell icon", "铃铛图标"),
    "chat": ("chat bubble icon", "对话气泡图标"),
    "mail": ("envelope icon", "信封图标"),
    "clock": ("clock icon", "时钟图标"),
    "calendar": ("calendar icon", "日历图标"),
    "pin": ("map pin icon", "定位图标"),
    "phone": ("mobile phone icon", "手机图标"),
    "lock": ("padlock icon", "挂锁图标"),
    "cart": ("shopping cart icon", "购物车图标"),
    "book": ("open book icon", "书本图标"),
    "leaf": ("leaf icon", "叶子图标"),
    "flame": ("flame icon", "火焰图标"),
    "drop": ("water drop icon", "水滴图标"),
    "bolt": ("lightning icon", "闪电图标"),
    "heart": ("heart icon", "心形图标"),
    "play": ("play icon", "播放图标"),
    "pause": ("pause icon", "暂停图标"),
    "camera": ("camera icon", "相机图标"),
    "music": ("music note icon", "音符图标"),
    "cup": ("cup icon", "杯子图标"),
    "train": ("train icon", "列车图标"),
    "plane": ("paper plane icon", "纸飞机图标"),
    "bus": ("bus icon", "公交车图标"),
    "bicycle": ("bicycle icon", "自行车图标"),
    "sun": ("sun icon", "太阳图标"),
    "cloud": ("cloud icon", "云朵图标"),
    "rain": ("rain cloud icon", "雨云图标"),
    "globe": ("globe icon", "地球图标"),
    "chart": ("bar chart icon", "柱状图图标"),
    "file": ("document icon", "文档图标"),
    "folder": ("folder icon", "文件夹图标"),
    "gift": ("gift box icon", "礼盒图标"),
    "bulb": ("light bulb icon", "灯泡图标"),
    "wifi": ("Wi-Fi icon", "无线信号图标"),
    "share": ("share icon", "分享图标"),
    "wallet": ("wallet icon", "钱包图标"),
    "info": ("information icon", "信息图标"),
    "warning": ("warning triangle icon", "三角警告图标"),
    "mountain": ("mountain icon", "山峰图标"),
    "door": ("door icon", "门图标"),
    "toilet": ("restroom icon", "洗手间图标"),
    "stairs": ("staircase icon", "楼梯图标"),
    "tag": ("price tag icon", "价签图标"),
}
ICONS = {key: Name(*names) for key, names in _ICONS.items()}
ARTS = {
    key: Name(name.english, name.chinese.removeprefix("一幅").removeprefix("由"))
    for key, name in filled.SEEN.items()
    if key in art.DRAWN
}
_MARKS = {
    "seal": Name("seal with a star", "带星的印章"),
    "avatar": Name("round avatar", "圆形头像"),
    "stars": Name("star rating", "星级评分"),
    "bars": Name("bar chart", "柱状图"),
    "lines": Name("line chart", "折线图"),
    "pie": Name("pie chart", "饼图"),
    "donut": Name("ring chart", "环形图"),
    "gauge": Name("progress ring", "进度环"),
    "progress": Name("progress bar", "进度条"),
    "slider": Name("slider", "滑块"),
    "arrow": Name("arrow", "箭头"),
    "barcode": Name("bar code", "条形码"),
    "map": Name("street map", "街道地图"),
    "toggle": Name("toggle switch", "开关"),
    "checkbox": Name("checkbox", "复选框"),
    "radio": Name("radio button", "单选按钮"),
}
LOOKALIKES = (  # which no picture tells apart for sure
    {"arrow", "next", "back"},
    {"cloud", "rain"},
    {"heart", "leaf", "drop", "flame"},
    {"menu", "chart"},
    {"hills", "peaks"},
)


def named(part: Part) -> Name | None:
    """What a mark is called; ``None`` for shapes that are no mark, or have no name."""
    shape = part.node.shape or ""
    if shape in {"icon", "search"}:
        return ICONS.get(shapes.icon_of(part))
    if shape == "art":
        return ARTS.get(art.chosen(part.seed, part.node.name))
    return _MARKS.get(shape)
