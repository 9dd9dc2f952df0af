"""The page as the tests read it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from pytest_compat.report.html import render_html

VOID = {"meta", "link", "wbr"}
INLINE = {"a", "abbr", "code", "i", "span", "strong", "time"}


class Page(HTMLParser):
    """Elements in order, each with its attributes, its text and how deep it lies."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.elements[self.open.pop()][0] == tag
        if tag not in INLINE:
            self.handle_data(" ")

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.elements[number][2].append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str = "", **attributes: str | None) -> list[tuple[dict[str, str | None], str]]:
        """Return attributes and text of the elements with this tag and these attributes; `class_` is one of many.

        White space is one space, and an en dash a hyphen.
        """
        wanted = attributes.pop("class_", None)
        return [
            (attrs, " ".join("".join(texts).replace("\N{EN DASH}", "-").split()))
            for name, attrs, texts in self.elements
            if name == (tag or name)
            and attributes.items() <= attrs.items()
            and (wanted is None or wanted in (attrs.get("class") or "").split())
        ]

    def text(self) -> str:
        return self.all("main")[0][1]

    def tags(self) -> list[str]:
        return [name for name, _, _ in self.elements if name != "wbr"]

    def heat(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads("".join(self.script("application/json")))
        return found

    def script(self, kind: str | None) -> list[str]:
        scripts = [(attrs, texts) for name, attrs, texts in self.elements if name == "script"]
        return ["".join(texts) for attrs, texts in scripts if attrs.get("type") == kind]


def rendered(document: dict[str, Any]) -> Page:
    return Page(render_html(document))
