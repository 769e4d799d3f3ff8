"""English instructions, as data: manners, and what is asked for in each operation.

A manner holds one of ``{do}`` (change the title), ``{doing}`` (changing the title), ``{result}``
(the title should read so) and ``{terse}`` (the title, then what it becomes); a phrasing begins
with its verb. Slots of phrasings: ``target`` what is changed, with its article; ``what`` is added;
``where`` it is put, if that is said (``there``: it is); ``to`` where it goes; ``with`` what it
changes places with; ``new`` and ``other`` what takes its place; ``colour``, ``was``, ``a_colour``;
``language``; ``amount``; ``image``. A capital letter begins a sentence.
"""

from synthesis.edits.instructions import english_edits, english_images

MANNERS = (
    "{Do}.",
    "Please {do}.",
    "{Do}, please.",
    "Kindly {do}.",
    "Could you {do}?",
    "Can you {do}?",
    "Could you please {do}?",
    "Would you {do}, please?",
    "Would you mind {doing}?",
    "Mind {doing} for me?",
    "I would like you to {do}.",
    "I'd like you to {do}, please.",
    "I want you to {do}.",
    "I need you to {do}.",
    "You are requested to {do}.",
    "Be so kind as to {do}.",
    "May I ask you to {do}?",
    "I would be grateful if you could {do}.",
    "When you have a moment, please {do}.",
    "Your task is to {do}.",
    "Task: {do}.",
    "Edit request: {do}.",
    "To do: {do}.",
    "Next step: {do}.",
    "What I need: {do}.",
    "Just {do}.",
    "Let's {do}.",
    "How about {doing}?",
    "What about {doing}?",
    "Is it possible to {do}?",
    "Would it be possible to {do}?",
    "Any chance you could {do}?",
    "It would be great if you could {do}.",
    "I was hoping you could {do}.",
    "I wish you would {do}.",
    "I think it would be better to {do}.",
    "Do me a favour and {do}.",
    "Go ahead and {do}.",
    "We need to {do}.",
    "All you need to do is {do}.",
    "Hi! Could you {do}? Thanks!",
    "Hey, can you {do}?",
    "OK, now {do}.",
    "Hey, {do}, would you?",
    "{Do}, and we're good.",
    "Thanks in advance for {doing}.",
    "{Result}.",
    "I think {result}.",
    "In the new version, {result}.",
    "Make sure of this: {result}.",
    "{Terse}",
    "{Terse}.",
    "{Terse}, please.",
    "Edit: {terse}.",
    "Change: {terse}.",
)
# only of what lies in an image: an image itself is not in the image, nor is it a small change
WITHIN = (
    "Small change: {result}.",
    "One thing to fix: {result}.",
    "In this image, {do}.",
    "In the picture, please {do}.",
    "Edit the image: {do}.",
    "Here is a picture. {Do}.",
    "Looking at this picture, I'd like you to {do}.",
)
PHRASINGS = english_edits.PHRASINGS | english_images.PHRASINGS
RESULTS = english_edits.RESULTS | english_images.RESULTS
TERSE = english_edits.TERSE | english_images.TERSE
KEEP = (
    "Leave everything else as it is.",
    "Keep everything else the same.",
    "Nothing else should change.",
    "Do not touch anything else.",
    "The rest stays as it is.",
    "Please don't change anything else.",
    "Everything else must remain unchanged.",
    "No other changes.",
)
KEEP_CONTENT = (
    "Do not change what it shows.",
    "Keep its content as it is.",
    "The content must stay the same.",
)
KEEP_TERSE = ("; keep the rest as it is", "; nothing else", "; rest unchanged")
LANGUAGES = {"en": ("English",), "zh": ("Chinese",)}
# how half of those who write English spell it; names of colours and places keep their spelling
AMERICAN = {
    "colour": "color",
    "favour": "favor",
    "artefact": "artifact",
    "localise": "localize",
}
IMAGES = ("the image", "the picture", "this image", "this picture")
