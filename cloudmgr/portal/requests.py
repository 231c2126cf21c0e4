"""The application form of a request as a page to print, sign and stamp.

Owns the route and the words put together from values; what stands on the form is
`services.requests_form`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from catalog.period import shanghai
from catalog.skus import Sku
from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id
from cloudmgr.domain.approvals import RESUBMITTED, Standing
from cloudmgr.portal.language import Lang, Words, spelled
from cloudmgr.portal.render import render, style
from cloudmgr.services.requests_evidence import seen_request
from cloudmgr.services.requests_evidence_values import Person, SignatureView, StepView
from cloudmgr.services.requests_form import request_form

forms = APIRouter(tags=["requests"])
pages = APIRouter(include_in_schema=False)

SHORT_DIGEST = 16


@pages.get("/static/form.css")
def style_sheet() -> Response:
    """The style sheet of printed forms."""
    return style("form.css")


@forms.get(
    "/api/v1/requests/{id}/form",
    operation_id="get_request_form",
    summary="The application form, to print and stamp",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/html": {}}}, **responses(401, 404, 422)},
)
def request_form_page(
    edge: EdgeOf,
    secret: SecretOf,
    id: Id,
    lang: Annotated[Lang, Query(description="zh or en")] = Lang.ZH,
) -> HTMLResponse:
    """An A4 page with the request's lines, prices and signatures, and a box to sign and stamp for
    each step. For whoever sees the request or may sign it."""
    with edge.reading(secret) as (world, actor, now):
        form = request_form(world, seen_request(world, actor, id, now), now)
    view = FormWords(Words(lang))
    title = view.words("form_title")
    return render("request_form.html", view.words, f=form, v=view, title=title)


class FormWords:
    """What the form says of values, in one language."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def step(self, step: StepView) -> str:
        return step.label if self.words.lang is Lang.ZH else spelled(step.role)

    def signer(self, signature: SignatureView) -> str:
        """Who signed, for whom, and why it was not the step's own people."""
        name = self.person(signature.signer)
        if signature.on_behalf_of is not None:
            principal = self.person(signature.on_behalf_of)
            name = self.words("form_on_behalf", name=name, principal=principal)
        if signature.standing is Standing.STEP:
            return name
        return self.words(f"form_standing_{signature.standing}", name=name)

    def person(self, person: Person) -> str:
        return person.name

    def decision(self, signature: SignatureView) -> str:
        return self.words(f"form_decision_{signature.decision}")

    def opinion(self, signature: SignatureView) -> str:
        """What was written; what the node wrote for a resubmission, in this language."""
        if signature.opinion == RESUBMITTED:
            return self.words("form_resubmitted")
        return signature.opinion

    def day(self, signature: SignatureView) -> str:
        return f"{shanghai(signature.at):%Y-%m-%d}"

    def unit(self, sku: Sku) -> str:
        return sku.unit_zh if self.words.lang is Lang.ZH else sku.unit_en

    def yes(self, truth: bool) -> str:
        return self.words("form_yes" if truth else "form_no")

    def digest(self, sha256: str) -> str:
        return sha256[:SHORT_DIGEST]
