"""Contact sheets: images in a grid, each with its number and its caption below it."""

from curation.picture.contact_sheet.grid import Sheet, compose, fit
from curation.picture.contact_sheet.lettering import INK, MOST_LINES, PAPER, Lettering

__all__ = ["INK", "MOST_LINES", "PAPER", "Lettering", "Sheet", "compose", "fit"]
