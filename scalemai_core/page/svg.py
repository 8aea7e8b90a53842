"""Vector drawings that take their colours from the page, so that they follow light and dark."""

from __future__ import annotations

from xml.etree import ElementTree as ET

Place = tuple[float, float]


class Drawing:
    """An SVG picture; ``look`` names a class of the page's style sheet."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._root = ET.Element(
            "svg",
            {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "class": "chart"},
        )
        ET.SubElement(self._root, "title").text = title

    def line(self, start: Place, stop: Place, look: str) -> None:
        """A straight line."""
        ends = zip(("x1", "y1", "x2", "y2"), (*start, *stop), strict=True)
        ET.SubElement(self._root, "line", {"class": look, **{key: _n(at) for key, at in ends}})

    def dot(self, place: Place, look: str, radius: float = 5.0) -> None:
        """A filled or hollow circle."""
        x, y = place
        shape = {"cx": _n(x), "cy": _n(y), "r": _n(radius)}
        ET.SubElement(self._root, "circle", {"class": look, **shape})

    def bar(self, corner: Place, size: Place, look: str, note: str) -> None:
        """A rectangle; pointing at it shows the note."""
        names = zip(("x", "y", "width", "height"), (*corner, *size), strict=True)
        box = ET.SubElement(
            self._root, "rect", {"class": look, **{key: _n(at) for key, at in names}}
        )
        ET.SubElement(box, "title").text = note

    def text(self, place: Place, words: str, look: str) -> None:
        """One line of text; its class says size, colour and which end stands at the place."""
        x, y = place
        ET.SubElement(self._root, "text", {"class": look, "x": _n(x), "y": _n(y)}).text = words

    def source(self) -> str:
        """The SVG element, to be set into a page as it is."""
        return ET.tostring(self._root, encoding="unicode")


def _n(value: float) -> str:
    return f"{value:.1f}"
