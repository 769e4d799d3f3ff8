"""How far what was read is from what was to be read."""


def edits(wanted: str, read: str, unasked: frozenset[str] = frozenset()) -> int:
    """Levenshtein's distance of two texts; the ``unasked`` characters of the first may be read as
    anything, or not at all.
    """
    before = list(range(len(read) + 1))
    for character in wanted:
        cost = int(character not in unasked)
        row = [before[0] + cost]
        for column, other in enumerate(read, start=1):
            changed = before[column - 1] + (cost if character != other else 0)
            row.append(min(changed, before[column] + cost, row[-1] + 1))
        before = row
    return before[-1]
