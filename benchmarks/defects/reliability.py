"""Reliability: of the images with a stated probability of damage, how many are damaged."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

EDGES = (0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1)
SIDE, GAP = 150, 46  # pixels of a panel and between panels
Floats = NDArray[np.float64]


class Panel(Protocol):
    """What one panel shows: stated probabilities, what is true, and how much each row counts."""

    stated: Floats
    damaged: NDArray[np.bool_]
    weights: Floats


def points(panel: Panel) -> list[tuple[float, float, float]]:
    """Stated mean, observed share and weight share of each interval of ``EDGES`` that has rows."""
    place = np.clip(np.searchsorted(EDGES, panel.stated, side="right") - 1, 0, len(EDGES) - 2)
    found, total = [], panel.weights.sum()
    for number in range(len(EDGES) - 1):
        inside = place == number
        weight = panel.weights[inside].sum()
        if (inside & (panel.weights > 0)).sum() >= 5:
            stated = float((panel.weights * panel.stated)[inside].sum() / weight)
            observed = float((panel.weights * panel.damaged)[inside].sum() / weight)
            found.append((stated, observed, float(weight / total)))
    return found


def expected_error(panel: Panel) -> float:
    """Mean distance of stated from observed probability, weighted by rows (ECE)."""
    return sum(weight * abs(stated - observed) for stated, observed, weight in points(panel))


def plot(panels: Mapping[str, Panel]) -> str:
    """An SVG with a panel for each rule: the diagonal, and a dot for each interval."""
    width = GAP + len(panels) * (SIDE + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {SIDE + 84}" '
        f'width="{width}" font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (name, panel) in enumerate(panels.items()):
        lines += _panel(name, panel, GAP + number * (SIDE + GAP))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(name: str, panel: Panel, left: int) -> Iterator[str]:
    top, bottom = 30, 30 + SIDE
    found = points(panel)
    yield f'<text x="{left}" y="18" font-weight="bold">{name}</text>'
    yield f'<rect x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    yield (
        f'<line x1="{left}" y1="{bottom}" x2="{left + SIDE}" y2="{top}" stroke="#999" '
        'stroke-dasharray="4"/>'
    )
    places = [(left + SIDE * stated, bottom - SIDE * observed) for stated, observed, _ in found]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>'
    for (x, y), (_, _, weight) in zip(places, found, strict=True):
        radius = 2 + 8 * weight**0.5
        place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
        yield f'<circle {place} fill="#1f5fa8" fill-opacity="0.5"/>'
    yield f'<text x="{left}" y="{bottom + 14}">0</text>'
    yield f'<text x="{left + SIDE - 6}" y="{bottom + 14}">1</text>'
    yield f'<text x="{left + 32}" y="{bottom + 14}">stated, observed up</text>'
    yield f'<text x="{left}" y="{bottom + 32}">error {expected_error(panel):.3f}</text>'
