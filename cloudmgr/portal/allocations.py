"""The papers of releases and relocations as pages to print, sign and stamp; what stands on them is
`services.allocations_forms`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id
from cloudmgr.portal.language import Lang, Words
from cloudmgr.portal.render import render
from cloudmgr.services.allocations_forms import resource_form
from cloudmgr.services.requests_evidence import seen_request

forms = APIRouter(tags=["requests"])


@forms.get(
    "/api/v1/requests/{id}/resource-form",
    operation_id="get_resource_form",
    summary="The paper of a release or a relocation, to print and stamp",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {}}}, **responses(401, 404, 422)},
)
def resource_form_page(
    edge: EdgeOf,
    secret: SecretOf,
    id: Id,
    lang: Annotated[Lang, Query(description="zh or en")] = Lang.ZH,
) -> HTMLResponse:
    """An A4 page: for a release the data handed over, the erasure certificate and the end of
    billing, for a relocation both places and the days at both, each with boxes to sign."""
    with edge.reading(secret) as (world, actor, now):
        form = resource_form(world, seen_request(world, actor, id, now), now)
    words = Words(lang)
    title = words(f"paper_title_{form.request.kind}")
    return render("resource_form.html", words, f=form, title=title)
