"""Reads the portal's pages as a test needs them: tags with their attributes, tables by cells."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from fastapi import FastAPI

from cloudmgr.api import overview, problems
from cloudmgr.api.edge import Edge
from cloudmgr.portal.overview import pages
from cloudmgr.services.memory import MemoryNode

VOID = {"meta", "link", "br", "rect", "path"}


@dataclass(slots=True)
class Tag:
    """An element: its attributes, and all text inside it."""

    name: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(slots=True)
class TableRead:
    """A table's caption, whether it has a head, and its rows of cells."""

    caption: str = ""
    rows: list[list[Tag]] = field(default_factory=list)


class Page(HTMLParser):
    """Every element of a page in order, and its tables; raises AssertionError on bad nesting."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[Tag] = []
        self.tables: list[TableRead] = []
        self._open: list[Tag] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        tag = Tag(name, {key: value or "" for key, value in attributes})
        self.tags.append(tag)
        if name == "table":
            self.tables.append(TableRead())
        elif name == "tr":
            self.tables[-1].rows.append([])
        elif name in ("td", "th"):
            self.tables[-1].rows[-1].append(tag)
        if name not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(name, {key: value or "" for key, value in attributes}))

    def handle_endtag(self, name: str) -> None:
        tag = self._open.pop()
        assert tag.name == name, f"<{tag.name}> is closed by </{name}>"
        if name == "caption":
            self.tables[-1].caption = tag.text

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            tag.text += data

    def all(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]

    def of_class(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if name in tag.attributes.get("class", "").split()]

    @property
    def text(self) -> str:
        return " ".join(self.all("body")[0].text.split())

    def table(self, index: int) -> list[list[str]]:
        """The texts of a table's cells, without surrounding spaces."""
        return [[" ".join(cell.text.split()) for cell in row] for row in self.tables[index].rows]


def application(node: MemoryNode) -> FastAPI:
    """The pages and the overview's route on a node, without the rest of the API."""
    app = FastAPI()
    app.state.edge = Edge(node)
    problems.install(app)
    app.include_router(overview.router, prefix="/api/v1")
    app.include_router(pages)
    return app


def get(node: MemoryNode, path: str, *, token: str | None = None) -> httpx.Response:
    """One GET over HTTP, in the same process."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(node))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def page(node: MemoryNode, path: str = "/") -> Page:
    """A page that answers 200."""
    answer = get(node, path)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)
