"""A figure as SVG within a page: text stays text, and colours follow light or dark mode."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from runner.reporting.document import Figure
from runner.reporting.plots.style import THEMED, encoded

SVG = "http://www.w3.org/2000/svg"
LINK = "http://www.w3.org/1999/xlink"
FONTS = "'DejaVu Sans', Verdana, 'Noto Sans', sans-serif"


def inline(figure: Figure) -> str:
    """The <svg> element. Its ids start with the figure's name, to be unique in the page."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINK)
    root = ElementTree.fromstring(encoded(figure.picture, ".svg", text=True))
    for child in list(root):
        if child.tag == f"{{{SVG}}}metadata":
            root.remove(child)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            element.set(key, _changed(key, value, figure.name))
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    width = float(root.attrib["viewBox"].split()[2])
    root.set("style", f"max-width: {width * 4 / 3:.0f}px")
    root.set("role", "img")
    root.set("aria-label", figure.alt)
    return ElementTree.tostring(root, encoding="unicode")


def _changed(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key.endswith("href") and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    if key == "clip-path":
        return value.replace("url(#", f"url(#{name}-")
    if key in ("style", "fill", "stroke"):
        value = re.sub(r"'DejaVu Sans'(, sans-serif)?", FONTS, value)
        for colour, variable in THEMED.items():
            value = re.sub(colour, f"var(--{variable})", value, flags=re.IGNORECASE)
        return value.replace("url(#", f"url(#{name}-")
    return value
