"""The genres of texts: what a text is to its reader, and so which media bear it."""

from enum import StrEnum


class Genre(StrEnum):
    """One line of a shipped corpus has one; a user's texts have none and fit every medium."""

    ANNOUNCEMENT = "announcement"  # a longer notice to tenants, visitors, pupils
    BLESSING = "blessing"  # what hangs on walls to bring luck
    CODE = "code"  # what a computer shows: a line of a program, an error, a game
    CONTACT = "contact"  # visiting cards and name tags
    DOOR = "door"  # on and beside doors: EXIT, Room 204, Staff only
    GREETING = "greeting"
    HOURS = "hours"  # OPEN, opening hours
    INSTRUCTION = "instruction"
    LABEL = "label"  # what a package says beside its name: Shake well
    LESSON = "lesson"  # facts, as in school
    LETTER = "letter"
    LIST = "list"
    MENU = "menu"  # dishes and drinks with their prices
    MESSAGE = "message"  # departures, weather, scores, receipts
    NEWS = "news"
    NOTE = "note"  # to one person
    OFFER = "offer"  # what is sold, let, wanted or taught
    PLACE = "place"  # outdoors: This way to the garden
    POEM = "poem"
    PRODUCT = "product"  # the name of what is in a jar or a box
    PROSE = "prose"
    RECIPE = "recipe"
    REQUEST = "request"  # Please knock
    SAYING = "saying"
    SHIPPING = "shipping"  # on boxes: This side up
    SHOP = "shop"  # the name of a shop, or what it does
    SLOGAN = "slogan"
    STREET = "street"  # names of streets
    TITLE = "title"  # of a book, with or without its author
    TRAFFIC = "traffic"  # signs for those who drive and walk
    WARNING = "warning"


# what captions call such a text; the others are just called text
ROLES = {
    Genre.GREETING: "wish",
    Genre.LETTER: "letter",
    Genre.POEM: "poem",
    Genre.RECIPE: "recipe",
    Genre.SAYING: "saying",
    Genre.SLOGAN: "slogan",
    Genre.TITLE: "title",
    Genre.WARNING: "warning",
}
PLAIN_ROLE = "text"


def genres(words: str) -> frozenset[Genre]:
    """The genres of those names, with spaces between. Raises ``ValueError`` for an unknown one."""
    return frozenset(map(Genre, words.split()))
