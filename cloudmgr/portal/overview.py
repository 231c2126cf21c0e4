"""The open page of a month: figures, requests, pools, departments, scores and settlements.

Owns what is shown to whom: a rehearsal shows its month to everybody, a production node shows
nobody's data here. Figures come from `services.overview`, words from `words`.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from catalog.errors import CloudmgrError
from catalog.period import Month
from cloudmgr.api.edge import Edge, EdgeOf
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Region, RegionLevel
from cloudmgr.portal.language import Lang, Words
from cloudmgr.portal.month_view import month_view
from cloudmgr.portal.render import render, style
from cloudmgr.services.overview import known_months, latest_month, month_overview
from cloudmgr.services.world import World

pages = APIRouter(include_in_schema=False)

LangOf = Annotated[str, Query(alias="lang", max_length=10)]

EXPLAINED = ("bad_period", "not_found")
"""Refusals that the pages put in their own words; any other speaks for itself."""


@pages.get("/", response_class=HTMLResponse)
def latest(edge: EdgeOf, lang: LangOf = Lang.ZH) -> Response:
    """The latest month."""
    return _page(edge, None, _words(lang))


@pages.get("/months/{month}", response_class=HTMLResponse)
def one_month(edge: EdgeOf, month: str, lang: LangOf = Lang.ZH) -> Response:
    """One month, written `2026-01`."""
    return _page(edge, month, _words(lang))


@pages.get("/static/portal.css")
def style_sheet() -> Response:
    """The style sheet of the pages."""
    return style()


def _words(lang: str) -> Words:
    return Words(Lang.EN if lang == Lang.EN else Lang.ZH)


def _page(edge: Edge, asked: str | None, words: Words) -> HTMLResponse:
    path = "/" if asked is None else f"/months/{quote(asked)}"
    with edge.node.reading() as world:
        settings = world.seek(NodeSettings, NODE_ID)
        if settings is None or not settings.rehearsal:
            return _closed(settings, asked, words, path)
        frame: dict[str, Any] = {"path": path, "city": _city(world, words), "rehearsal": True}
        try:
            month = latest_month(world) if asked is None else Month.parse(asked)
            if month is None:
                return render("empty.html", words, title=words("empty"), **frame)
            found = month_overview(world, month, edge.now(world))
            months = known_months(world)
        except CloudmgrError as error:
            return _problem(error, asked or "", words, frame)
    view = month_view(found, words, months=months)
    title = f"{words.month(month)} {words('heading')}"
    return render("overview.html", words, title=title, o=found, v=view, **frame)


def _closed(
    settings: NodeSettings | None, asked: str | None, words: Words, path: str
) -> HTMLResponse:
    """What a stranger sees of a production node: its name, and where one signs in."""
    return render(
        "production.html",
        words,
        status=200 if asked is None else 401,
        title=words("production"),
        path=path,
        city=settings.city if settings else "",
        rehearsal=False,
    )


def _problem(error: CloudmgrError, asked: str, words: Words, frame: dict[str, Any]) -> HTMLResponse:
    known = error.code in EXPLAINED and bool(asked)
    return render(
        "problem.html",
        words,
        status=error.status,
        title=words("problem"),
        sentence=words(f"problem_{error.code}", asked=asked) if known else error.message,
        code=error.code,
        **frame,
    )


def _city(world: World, words: Words) -> str:
    cities = world.find(Region, level=RegionLevel.CITY, limit=1)
    return words.name(cities[0]) if cities else ""
