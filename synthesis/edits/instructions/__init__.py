"""What an edit is asked for with, in words: English and Chinese."""

from random import Random

from synthesis.edits.edit import Change

_SENTENCES = {
    "en": {
        "text.replace": "Replace “{old}” with “{new}”.",
        "text.add": "Add the text “{new}” {place}.",
        "text.remove": "Remove the text “{old}”.",
        "text.recolour": "Change the colour of “{old}” to {colour}.",
    },
    "zh": {
        "text.replace": "把“{old}”改成“{new}”。",
        "text.add": "在{place}添加文字“{new}”。",
        "text.remove": "删除文字“{old}”。",
        "text.recolour": "把“{old}”的颜色改成{colour}。",
    },
}


def instruct(random: Random, language: str, change: Change) -> str:
    """The change as an instruction in ``en`` or ``zh``."""
    words = {
        "old": change.old,
        "new": change.new,
        "place": change.place.name(language) if change.place else "",
        "colour": change.colour.name(language) if change.colour else "",
    }
    return _SENTENCES[language].get(change.operation, change.operation).format(**words)
