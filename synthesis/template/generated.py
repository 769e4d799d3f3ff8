"""Texts made by rule: dates, times, prices, numbers, as each language writes them."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_CHINESE_DAYS = ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"]
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXY"
_ENDINGS = (0.0, 0.5, 0.9, 0.95, 0.0, 0.5)
Maker = Callable[[Random, str, Sequence[str]], str]


def _whole(random: Random, _language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds[:2])
    step = int(bounds[2]) if len(bounds) > 2 else 1
    return f"{random.randrange(low, high + 1, step):d}"


def _thousands(random: Random, _language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds[:2])
    return f"{random.randrange(low, high + 1, 10):,}"


def _percent(random: Random, _language: str, bounds: Sequence[str]) -> str:
    return f"{_whole(random, '', bounds or ('5', '95'))}%"


def _decimal(random: Random, _language: str, bounds: Sequence[str]) -> str:
    low, high = (float(bound) for bound in bounds[:2])
    return f"{random.uniform(low, high):.1f}"


def _price(random: Random, language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds[:2])
    if language == "zh":
        return f"¥{random.randint(low, high)}"
    if high >= 200:
        return f"${random.randint(low, high):,}"
    return f"${random.randint(low, high) + random.choice(_ENDINGS):.2f}"


def _amount(random: Random, language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds[:2])
    value = random.randint(low, high) + random.randint(0, 99) / 100
    return f"{'¥' if language == 'zh' else '$'}{value:,.2f}"


def _date(random: Random, language: str, _bounds: Sequence[str]) -> str:
    month, day = random.randint(1, 12), random.randint(1, 28)
    if language == "zh":
        return random.choice((f"{month}月{day}日", f"2026年{month}月{day}日"))
    name = _MONTHS[month - 1]
    return random.choice((f"{day} {name} 2026", f"{name} {day}, 2026", f"{day} {name}"))


def _short_date(random: Random, language: str, _bounds: Sequence[str]) -> str:
    month, day = random.randint(1, 12), random.randint(1, 28)
    return f"{month}月{day}日" if language == "zh" else f"{day} {_MONTHS[month - 1][:3]}"


def _month(random: Random, language: str, _bounds: Sequence[str]) -> str:
    month = random.randint(1, 12)
    return f"{month}月" if language == "zh" else _MONTHS[month - 1]


def _weekday(random: Random, language: str, _bounds: Sequence[str]) -> str:
    return random.choice(_CHINESE_DAYS if language == "zh" else _DAYS)


def _day_of_the_year(random: Random) -> date:
    return date(2026, 1, 1) + timedelta(days=random.randrange(365))


def _full_date(random: Random, language: str, _bounds: Sequence[str]) -> str:
    """A day of 2026 with its day of the week."""
    day = _day_of_the_year(random)
    if language == "zh":
        return f"2026年{day.month}月{day.day}日 {_CHINESE_DAYS[day.weekday()]}"
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} 2026"


def _weekday_and_day(random: Random, language: str, _bounds: Sequence[str]) -> str:
    """The same without the year."""
    day = _day_of_the_year(random)
    if language == "zh":
        return f"{day.month}月{day.day}日 {_CHINESE_DAYS[day.weekday()]}"
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]}"


def _time(random: Random, _language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds or ("7", "21"))
    return f"{random.randint(low, high)}:{random.choice((0, 10, 15, 20, 30, 40, 45, 50)):02d}"


def _year(random: Random, _language: str, bounds: Sequence[str]) -> str:
    low, high = (int(bound) for bound in bounds or ("2024", "2027"))
    return str(random.randint(low, high))


def _phone(random: Random, language: str, _bounds: Sequence[str]) -> str:
    """Numbers nobody has: 555-01xx is kept for fiction, 000 is no Chinese prefix."""
    if language == "zh":
        return f"000-{random.randint(1000, 9999)}-{random.randint(1000, 9999)}"
    return f"({random.randint(201, 989)}) 555-01{random.randint(0, 99):02d}"


def _seat(random: Random, language: str, _bounds: Sequence[str]) -> str:
    if language == "zh":
        return f"{random.randint(1, 24)}排{random.randint(1, 30)}座"
    return f"{random.choice(_LETTERS)}{random.randint(1, 30)}"


def _code(random: Random, _language: str, bounds: Sequence[str]) -> str:
    """``X`` of the pattern becomes a letter, ``0`` a digit."""
    made = {"X": lambda: random.choice(_LETTERS), "0": lambda: str(random.randint(0, 9))}
    return "".join(
        made[character]() if character in made else character
        for character in (" ".join(bounds) or "XX-0000")
    )


def _letter(random: Random, _language: str, _bounds: Sequence[str]) -> str:
    return random.choice(_LETTERS)


MAKERS: dict[str, Maker] = {
    "int": _whole,
    "thousands": _thousands,
    "percent": _percent,
    "decimal": _decimal,
    "price": _price,
    "amount": _amount,
    "date": _date,
    "day": _short_date,
    "full_date": _full_date,
    "weekday_and_day": _weekday_and_day,
    "month": _month,
    "weekday": _weekday,
    "time": _time,
    "year": _year,
    "phone": _phone,
    "seat": _seat,
    "code": _code,
    "letter": _letter,
}
