"""What the city's office writes in the January: a catalog proposal with a comment, a draft of the
next policy, and a department's line outside the catalog."""

from __future__ import annotations

from typing import Any

from tests.support.api import Api, done

CATALOG = "2026-01-01"


def office_papers(api: Api) -> None:
    """One of each, none of them signed yet."""
    retire = {"action": "retire", "sku_id": "block-sata", "reason": "nobody makes them any more"}
    body = {"title": "停售 SATA 云硬盘", "reason": "supply ended", "changes": [retire]}
    proposal = done(api.give("draft_proposal", "opco.a", body))["id"]
    done(api.give("open_proposal", "opco.a", {}, proposal_id=proposal))
    comment = {"organisation_id": "prov1", "text": "agreed", "sku_id": "block-sata"}
    done(api.give("comment_on_proposal", "prov1.a", comment, proposal_id=proposal))
    changes = {"clocks": {"review_workdays": 3}}
    policy = {"title": "审核时限", "reason": "reform", "changes": changes}
    done(api.give("draft_policy", "opco.a", policy))
    done(api.give("draft_request", "d03.user", an_agreement(api, "d03")))


def an_agreement(api: Api, department_id: str, **terms: Any) -> dict[str, Any]:
    """The body of a request for one thing that the catalog does not have."""
    contract = api.items("contracts", "finance.a", limit=1)[0]
    standards = done(api.get(f"catalogs/{CATALOG}/content", "finance.a"))["standards"]
    application = api.items("applications", f"{department_id}.user", limit=1)[0]
    agreed = {
        "name_zh": "专线加密机",
        "description": "an encryptor that the catalog does not have",
        "reason": "the line to the bank asks for it",
        "unit_zh": "台",
        "unit_price": "1200.00",
        "model": "recurring",
        "standard_id": standards[0]["id"],
        "pool_id": contract["pool_ids"][0],
        "contract_id": contract["id"],
        **terms,
    }
    return {
        "department_id": department_id,
        "application_id": application["id"],
        "kind": "new",
        "reason": "a pilot",
        "lines": [{"line": 1, "sku_id": "off-catalog", "quantity": 2, "off_catalog": agreed}],
    }
