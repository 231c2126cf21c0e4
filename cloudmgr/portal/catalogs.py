"""What a catalog change costs whom, as a page to read, print and pass round before it is signed.

Owns the routes and names; the figures are `services.proposals_effect`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.proposals_effect import CatalogEffect, EffectLine
from cloudmgr.portal.language import Lang, Words
from cloudmgr.portal.render import render
from cloudmgr.services.proposals_effect import proposal_effect, version_effect
from cloudmgr.services.world import World

pages = APIRouter(tags=["catalogs"])

LangOf = Annotated[Lang, Query(description="zh or en")]
_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}}}


@pages.get(
    "/api/v1/proposals/{id}/effect/page",
    operation_id="get_proposal_effect_page",
    summary="The effect of a proposal, to read and print",
    response_class=HTMLResponse,
    responses={**_PAGE, **responses(401, 404, 409, 422)},
)
def effect_page(edge: EdgeOf, secret: SecretOf, id: Id, lang: LangOf = Lang.ZH) -> HTMLResponse:
    """The same figures as the effect itself, and as its workbook."""
    with edge.reading(secret) as (world, actor, now):
        found = proposal_effect(world, actor, id, now)
        return _page(world, found, Words(lang), f"/api/v1/proposals/{id}/effect/page")


@pages.get(
    "/api/v1/catalog-versions/{a}/diff/{b}/page",
    operation_id="get_catalog_diff_page",
    summary="The comparison of two versions, to read and print",
    response_class=HTMLResponse,
    responses={**_PAGE, **responses(401, 404, 422)},
)
def diff_page(edge: EdgeOf, secret: SecretOf, a: Id, b: Id, lang: LangOf = Lang.ZH) -> HTMLResponse:
    """The same figures as the comparison itself, and as its workbook."""
    with edge.reading(secret) as (world, actor, now):
        found = version_effect(world, actor, a, b, now)
        return _page(world, found, Words(lang), f"/api/v1/catalog-versions/{a}/diff/{b}/page")


class EffectView:
    """What the page says of ids and changes, in one language."""

    def __init__(self, words: Words, organisations: Mapping[str, Organisation]) -> None:
        self.words = words
        self._organisations = organisations

    def organisation(self, id: str) -> str:
        found = self._organisations.get(id)
        return id if found is None else self.words.name(found)

    def kind(self, line: EffectLine) -> str:
        return self.words(f"change_{line.kind}")

    def field(self, line: EffectLine) -> str:
        """A field by its name in the exported tables, but for the few that everybody reads."""
        known = {"ceiling", "retired", "availability"}
        return self.words(f"changed_{line.field}") if line.field in known else line.field


def _page(world: World, found: CatalogEffect, words: Words, path: str) -> HTMLResponse:
    settings = world.seek(NodeSettings, NODE_ID)
    view = EffectView(words, {each.id: each for each in world.find(Organisation)})
    return render(
        "catalog_effect.html",
        words,
        title=words("effect_title"),
        e=found,
        v=view,
        path=path,
        city="",
        rehearsal=settings is not None and settings.rehearsal,
    )
