"""What it takes to write a language: its characters to try a font with, and where fonts are had.

One row per language of ``LANGUAGES``; nothing else in the project lists them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-&"
_HANS = (
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家"
    "学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见"
    "经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话"
    "儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真"
    "听世气信北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立"
    "马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制"
    "解各任至清物台象记边共风战干接它许八特觉望直服毛林题建南度统色字请交爱让认算论百吃义科怎"
    "元社术结六功指思非流每青管"
    "，。、！？：；（）《》"
)
_HANT = (
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家"
    "學對可她裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見"
    "經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此實回二理美點月明其種聲全工己話"
    "兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走電四第門相次東政海口使教西再平真"
    "聽世氣信北少關並內加化由卻代軍產入先山五太水萬市眼體別處總才場師書比住員九笑性通目華報立"
    "，。、！？：；（）「」《》"
)
_JAPANESE = (
    "ぁあいうえおかがきぎくぐけげこごさざしじすずせぜそぞただちっつづてでとどなにぬねのはばぱひびぴ"
    "ふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろわをん"
    "ァアイウエオカガキギクグケゲコゴサザシジスズセゼソゾタダチッツテデトドナニヌネノハバパヒビピ"
    "フブプヘベペホボポマミムメモャヤュユョヨラリルレロワヲンヴー"
    "日一国人年大本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百"
    "書先名川千水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨会社新聞駅図広売買発対価経済"
    "、。「」・！？"
)
_KOREAN = (
    "가각간갈감갑강같개거건걸것겠격결경계고공과관광교구국군권그극근글금기길김까께꽃끝나날남내너네년"
    "노높는늘능니다단달담당대더데도동되된두드든들등때또라람래러런레려로록론료를름리린림마만많말매면명"
    "모목못무문물미민바박밖반받발방배백버번법변별보복본볼부북분불비사산살상새색생서석선설성세소속손수"
    "술쉬스시식신실심아안알았야약양어언얼업없었에여역연열영예오온올와완왜요용우운울원월위유육으은을음"
    "의이인일입있자작잘장재저적전절정제조족종좋주중즐지직진집짜차참책처천청체초최추출충치친칠카코크큰"
    "키타태터토통트특파판평포표품프피하학한할함합해했행향허현형호화확환활황회후휴흐히힘"
)
_CYRILLIC = (
    "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя0123456789.,;:!?«»—№()-"
)
_GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΆΈΉΊΌΎΏαβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ0123456789.,;!«»·()-"
_ARABIC = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي،؛؟"
_HEBREW = "אבגדהוזחטיךכלםמןנסעףפץצקרשת"
_DEVANAGARI = "अआइईउऊऋएऐओऔकखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहािीुूृेैोौंँः़्ड़ढ़ज़फ़।"
_THAI = "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลวศษสหฬอฮะัาำิีึืุูเแโใไๅๆ็่้๊๋์"
_FRENCH = "ÀÂÇÉÈÊËÎÏÔŒÙÛàâçéèêëîïôœùûü«»’"
_VIETNAMESE = (
    "ĂÂĐÊÔƠƯăâđêôơưÀẢÃÁẠẰẲẴẮẶẦẨẪẤẬÈẺẼÉẸỀỂỄẾỆÌỈĨÍỊÒỎÕÓỌỒỔỖỐỘỜỞỠỚỢÙỦŨÚỤỪỬỮỨỰỲỶỸÝỴ"
    "àảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
)
_THAI_STACKS = "ที่ น้ำ ปั้น ป้ ปื๊ ฟี้ ผู้ กุ๋ ฐู่ ญุ่ จ๋ำ ก็ ก์ กี้ ทิ้ ลึ้ ถิ่ สิ์ นั่"
_DEVANAGARI_STACKS = "कीं कैं कों र्की कुँ किं र्किं क़ीं कूँ हृँ ज़ू ड़ुं क्ष त्र स्त प्र"
_ARABIC_STACKS = "بَّ بِّ بُّ بًّ لَّ أَ نَّ سٌّ أُ لُّ ثَّ قًّ آ إ ؤ ئ"
_HEBREW_STACKS = "שָׁ שׁ שִׁ בּ בָּ לֹ יִ כֶּ וּ מֵ שַּׁ תְּ"
_VIETNAMESE_STACKS = "ế ề ể ễ ệ ố ồ ổ ỗ ộ ấ ầ ẩ ẫ ậ ắ ằ ẳ ẵ ặ ớ ự Ế Ổ Ẵ Ậ Ỡ"


@dataclass(frozen=True)
class Language:
    """``fontconfig`` is what fc-list calls it, ``script`` its ISO 15924 code, ``package`` the
    Debian package to advise; a font must have every character of ``probe``, and what of
    ``stacks`` it has must be seen to be set well: letters under the marks that pile up on them,
    blanks between (``marks.py``).
    """

    fontconfig: str
    script: str
    package: str
    probe: str
    stacks: str = ""


LANGUAGES: Mapping[str, Language] = {
    "en": Language("en", "Latn", "fonts-dejavu-core", _LATIN),
    "zh": Language("zh-cn", "Hans", "fonts-noto-cjk", _HANS),
    "zh-Hant": Language("zh-tw", "Hant", "fonts-noto-cjk", _HANT),
    "ja": Language("ja", "Jpan", "fonts-noto-cjk", _JAPANESE),
    "ko": Language("ko", "Kore", "fonts-noto-cjk", _KOREAN),
    "ru": Language("ru", "Cyrl", "fonts-dejavu-core", _CYRILLIC, "й ё Й а́ и́ ы́"),
    "el": Language("el", "Grek", "fonts-dejavu-core", _GREEK, "ΐ ΰ ά ϊ ώ Ή"),
    "ar": Language("ar", "Arab", "fonts-noto-core", _ARABIC, _ARABIC_STACKS),
    "he": Language("he", "Hebr", "fonts-noto-core", _HEBREW, _HEBREW_STACKS),
    "hi": Language("hi", "Deva", "fonts-noto-core", _DEVANAGARI, _DEVANAGARI_STACKS),
    "th": Language("th", "Thai", "fonts-noto-core", _THAI, _THAI_STACKS),
    "fr": Language("fr", "Latn", "fonts-dejavu-core", _LATIN + _FRENCH, "é è ê ï ç É"),
    "de": Language("de", "Latn", "fonts-dejavu-core", _LATIN + "ÄÖÜßäöü„“", "ä ö ü Ä"),
    "es": Language("es", "Latn", "fonts-dejavu-core", _LATIN + "ÁÉÍÑÓÚÜáéíñóúü¿¡«»", "ñ í ü Ñ"),
    "vi": Language("vi", "Latn", "fonts-dejavu-core", _LATIN + _VIETNAMESE, _VIETNAMESE_STACKS),
    "pl": Language("pl", "Latn", "fonts-dejavu-core", _LATIN + "ĄĆĘŁŃÓŚŹŻąćęłńóśźż„”", "ą ę ź ż Ź"),
}
HAN = frozenset({"Hans", "Hant", "Jpan", "Kore"})

# Faces of one country's hanzi, kanji or hanja cover other countries' too, in forms that look
# wrong there; so do Nastaliq for Urdu and Rashi script. Told by words in the family name.
HOME: Mapping[str, re.Pattern[str]] = {
    "zh-Hant": re.compile(
        r"\b(TC|TW|HK|MO|Big5|BIG5)\b|cwTeX|TW-(Kai|Sung)|Mingti2L|KaitiM Big5|LXGW WenKai TC"
        r"|AR PL UKai"  # also its CN face sets commas and full stops in the middle of their square
    ),
    "ja": re.compile(
        r"\bJP\b|^(IPA|Takao|VL |Klee|Yusei|Kiloji|Setofont|SetoFont|Yoz|Aoyagi|Mig|Kouzan)"
    ),
    "ko": re.compile(r"\bKR\b|^(Nanum|Baekmuk|Un[A-Z ]|Eunjin|Eunguseul|Guseul|BM )"),
    "ur": re.compile("Nastaliq"),
    "lad": re.compile("Rashi"),
    "zh": re.compile(
        r"\b(SC|CN)\b|WenQuanYi|SungtiL|KaitiM GB|AR PL UMing CN|LXGW WenKai|Smiley|Droid Sans F"
    ),
}
# Of a collection's faces that share their characters, the locales a language would rather have.
LOCALES: Mapping[str, tuple[str, ...]] = {
    "zh-Hant": ("TC", "TW", "HK", "MO"),
    "ja": ("JP",),
    "ko": ("KR",),
}
SIMPLIFIED = ("SC", "CN")  # what every other language has
_LOCALE = re.compile(r"\b(SC|CN|TC|TW|HK|MO|JP|KR)( MBE)?\b")


def home(family: str) -> str | None:
    """The language whose forms of shared characters a family renders, if its name tells."""
    return next((language for language, marks in HOME.items() if marks.search(family)), None)


def locale(family: str) -> tuple[str, str | None]:
    """A family's name without its country's mark, and the mark (SC, TC, JP ...) if it has one."""
    mark = _LOCALE.search(family)
    return " ".join(_LOCALE.sub("", family).split()), mark.group(1) if mark else None
