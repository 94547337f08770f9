"""Reading the reports as a browser would."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

EMPTY_TAGS = {"meta", "link", "br", "img", "hr", "input"}


class Tags(HTMLParser):
    """Every start tag with its attributes, and the tags that are not closed."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def charts(page):
    """Every SVG of a page, parsed."""
    found = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    return [ElementTree.fromstring(chart) for chart in found]  # noqa: S314  our own page


def assert_self_contained(page):
    """Nothing is loaded from elsewhere, every tag is closed, no id stands twice."""
    tags = Tags(page)
    for tag, attributes in tags.found:
        for name in ("src", "href", "xlink:href", "action", "data"):
            target = attributes.get(name) or "#"
            assert target.startswith(("#", "data:")), (tag, target)
    assert not re.search(r"url\((?!#)|@import", page)
    assert "<script" not in page
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
