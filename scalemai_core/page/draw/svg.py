"""Vector drawings that take their colours from the page, so that they follow light and dark."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from scalemai_core.page.draw.contour import Points

Place = tuple[float, float]

_NAMESPACE = "http://www.w3.org/2000/svg"


class Drawing:
    """An SVG picture; ``look`` names a class of the page's style sheet."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self._size = (width, height)
        self._root = ET.Element(
            "svg",
            {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "class": "chart"},
        )
        ET.SubElement(self._root, "title").text = title

    def line(self, start: Place, stop: Place, look: str) -> None:
        """A straight line."""
        ends = zip(("x1", "y1", "x2", "y2"), (*start, *stop), strict=True)
        ET.SubElement(self._root, "line", {"class": look, **{key: _n(at) for key, at in ends}})

    def dot(self, place: Place, look: str, radius: float = 5.0, note: str = "") -> None:
        """A filled or hollow circle; pointing at it shows the note."""
        x, y = place
        shape = {"cx": _n(x), "cy": _n(y), "r": _n(radius)}
        circle = ET.SubElement(self._root, "circle", {"class": look, **shape})
        if note:
            ET.SubElement(circle, "title").text = note

    def path(self, points: Sequence[Place], look: str) -> None:
        """Straight lines from point to point."""
        line = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        ET.SubElement(self._root, "polyline", {"class": look, "points": line})

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

    def outline(self, loops: Sequence[Points], look: str) -> None:
        """Closed lines as one shape, so that a loop inside another is a hole."""
        lines = (" L".join(f"{_n(x)} {_n(y)}" for x, y in loop) for loop in loops)
        path = "".join(f"M{line}Z" for line in lines)
        ET.SubElement(self._root, "path", {"class": look, "fill-rule": "evenodd", "d": path})

    def image(self, corner: Place, size: Place, png: bytes) -> None:
        """A picture stretched to a size, carried along in the drawing."""
        names = zip(("x", "y", "width", "height"), (*corner, *size), strict=True)
        place = {key: f"{at:.3f}" for key, at in names}
        data = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
        ET.SubElement(self._root, "image", {"href": data, "preserveAspectRatio": "none", **place})

    def inset(self, corner: Place, size: Place, title: str) -> Drawing:
        """A part of the picture with its own corner; what reaches out of it is not shown."""
        inner = Drawing(*size, title)
        names = zip(("x", "y", "width", "height"), (*corner, *size), strict=True)
        for key, at in names:
            inner._root.set(key, _n(at))
        self._root.append(inner._root)
        return inner

    def source(self) -> str:
        """The SVG element, to be set into a page as it is."""
        return ET.tostring(self._root, encoding="unicode")

    def document(self, style: str) -> str:
        """A file of its own, with its own style sheet and size."""
        width, height = self._size
        self._root.set("xmlns", _NAMESPACE)
        self._root.set("width", f"{width:g}")
        self._root.set("height", f"{height:g}")
        sheet = ET.Element("style")
        sheet.text = style
        self._root.insert(0, sheet)
        return self.source()


def _n(value: float) -> str:
    return f"{value:.1f}"
