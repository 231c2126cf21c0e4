"""A January of the reference city in some sixty calls of the REST API: every kind of paper once.

Owns the story and the ids it made; each figure it needs stands here. The simulator plays the large
month; this one is small, so that a test knows who did what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cloudmgr.domain.openings import OpeningSheet
from cloudmgr.services.openings_sheets import book
from tests.support.api import Api, done
from tests.support.connected import connect
from tests.support.january_office import office_papers
from tests.support.january_resources import ask_longer_trial, released_with_papers
from tests.support.told import webhooks_and_news

GRACE_OVER = "2026-02-06T10:00:00+08:00"
STATEMENTS_DEEMED = "2026-02-25T10:00:00+08:00"
SCORES_FINAL = "2026-03-20T10:00:00+08:00"

KUNPENG_VM = "vm-kunpeng-4c8g"


@dataclass(frozen=True)
class January:
    """What the story made: requests of a city and a county department, papers with slashes."""

    city_request: str
    county_request: str
    draft: str
    credited_statement: str
    confirmed_statement: str
    settlements: tuple[str, ...]


def move_clock(api: Api, to: str) -> None:
    done(api.request("PUT", "rehearsal/clock", "authority.sysadmin", json={"now": to}))


def a_draft(
    api: Api,
    department: str = "d01",
    application: str = "A01",
    *,
    sku: str = KUNPENG_VM,
    quantity: int = 1,
    kind: str = "new",
) -> str:
    """A request as its department's user writes it down; returns its id."""
    line = {"line": 1, "sku_id": sku, "quantity": quantity, "term_months": 12}
    body = {
        "department_id": department,
        "application_id": application,
        "kind": kind,
        "reason": "more citizens use it",
        "lines": [line],
    }
    return str(done(api.post("requests", f"{department}.user", body))["id"])


def submit(api: Api, request: str, department: str = "d01") -> dict[str, Any]:
    submitted: dict[str, Any] = done(
        api.post(f"requests/{request}/submission", f"{department}.user")
    )
    return submitted


def sign(api: Api, request: str, *logins: str) -> dict[str, Any]:
    """Approvals in turn; returns the request after the last."""
    signed: dict[str, Any] = {}
    for login in logins:
        body = {"decision": "approve", "opinion": "同意"}
        signed = done(api.post(f"requests/{request}/signatures", login, body))
    return signed


def deliver(api: Api, request: str, department: str) -> None:
    """From the approved request to the department's word that it works."""
    done(api.post(f"requests/{request}/dispatch", "opco.a"))
    for order in api.items("work-orders", "opco.a", request_id=request):
        provider = f"{order['provider_id']}.b"
        done(api.post(f"work-orders/{order['id']}/acceptance", provider))
        deliveries = [
            {"line": line, "provider_resource_id": f"vm-{line}"} for line in order["lines"]
        ]
        done(
            api.post(f"work-orders/{order['id']}/completion", provider, {"deliveries": deliveries})
        )
    done(api.post(f"requests/{request}/confirmation", f"{department}.user", {"accepted": True}))


def readings(api: Api, pool: str, provider: str) -> bytes:
    """An hour's processor use of one running allocation of a pool, and a row of a stranger."""
    running = api.items("allocations", f"{provider}.a", pool_id=pool)
    machine = next(each["id"] for each in running if each["sku_id"].startswith("vm-"))
    rows = [
        {"resource": id, "meter": "cpu_millicores", "time": "2026-01-05T02:00:00Z", "value": 1500}
        for id in (machine, "nobody")
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def send_readings(api: Api, pool: str, provider: str, batch: str) -> dict[str, Any]:
    received: dict[str, Any] = done(
        api.request(
            "PUT",
            f"pools/{pool}/usage-batches/{batch}",
            f"{provider}.a",
            content=readings(api, pool, provider),
            headers={"Content-Type": "application/x-ndjson"},
        )
    )
    return received


def live(api: Api) -> January:
    """Play it: requests, an incident each, readings, the close, answers, scores, payments."""
    move_clock(api, "2026-01-05T10:00:00+08:00")
    for contract in ("HT-2025-01", "HT-2025-03"):
        _amended(api, contract)
    city, county = _requests(api)
    ask_longer_trial(api, city)
    _stamped(api, city)
    draft = a_draft(api, "d02", "A10")
    for pool, provider in (("kunpeng-a", "prov1"), ("x86-a", "prov3")):
        _incident(api, pool, provider)
        send_readings(api, pool, provider, f"{pool}-2026-01-05")
    move_clock(api, GRACE_OVER)
    done(api.post("periods/2026-01/close", "finance.a"))
    done(api.post("statements/ST-2026-01/d01/confirmation", "d01.user"))
    _objection(api, "ST-2026-01/d02")
    move_clock(api, STATEMENTS_DEEMED)
    done(api.post("assessment-cycles/2026-01/scores", "authority.a"))
    for each in api.items("assessments", "authority.a"):
        done(api.post(f"assessments/{each['id']}/publication", "authority.a"))
    move_clock(api, SCORES_FINAL)
    drafted = done(api.post("settlement-cycles/2026-01/drafts", "finance.a"))
    city_pays = [each for each in drafted if each["payer_id"] == "finance"]
    paid = [each for each in city_pays if each["provider_id"] in ("prov1", "prov3")]
    for settlement in paid:
        _pay(api, settlement)
    _pools(api)
    an_opening(api)
    connect(api, "kunpeng-a", "prov1")
    office_papers(api)
    webhooks_and_news(api)
    released_with_papers(api)
    _reform(api)
    return January(
        city_request=city,
        county_request=county,
        draft=draft,
        credited_statement="ST-2026-01/d02",
        confirmed_statement="ST-2026-01/d01",
        settlements=tuple(each["id"] for each in drafted),
    )


def _requests(api: Api) -> tuple[str, str]:
    city = a_draft(api)
    submit(api, city)
    sign(api, city, "d01.lead", "opco.a", "tech.a")
    county = a_draft(api, "d41", "A83")
    submit(api, county, "d41")
    sign(api, county, "d41.lead", "d41.reviewer", "opco.a", "tech.a")
    for request, department in ((city, "d01"), (county, "d41")):
        deliver(api, request, department)
        rating = {"stars": 5, "comment": "及时"}
        done(api.post(f"requests/{request}/ratings", f"{department}.user", rating))
    return city, county


def _stamped(api: Api, request: str) -> None:
    """The printed form comes back stamped; a colleague stands in for a reviewer for a day."""
    sent = {"file": ("盖章.pdf", b"%PDF-1.7 stamped", "application/pdf")}
    file = done(api.request("POST", "files", "d01.user", files=sent))["id"]
    scan = {"file_id": file, "label": "盖章扫描件", "kind": "stamped_form"}
    done(api.post(f"requests/{request}/attachments", "d01.user", scan))
    absence = {
        "delegate_id": "tech.b",
        "role": "technical_reviewer",
        "organisation_id": "tech",
        "starts_at": "2026-01-05T00:00:00+08:00",
        "ends_at": "2026-01-06T00:00:00+08:00",
        "reason": "出差",
    }
    done(api.post("delegations", "tech.a", absence))


def _amended(api: Api, contract: str) -> None:
    """A year longer, by a supplement."""
    signed = {"document_number": f"{contract}-补1", "ends_at": "2029-07-01T00:00:00+08:00"}
    done(api.post(f"contracts/{contract}/amendments", "authority.a", signed))


def _reform(api: Api) -> None:
    """A system that will go to another department, long after all of this."""
    body = {
        "from_department_id": "d01",
        "to_department_id": "d04",
        "application_ids": ["A04"],
        "effective_from": "2028-07-01",
        "document_number": "示编〔2026〕5号",
    }
    done(api.post("reorganisations/hand-over", "authority.a", body))


def _pools(api: Api) -> None:
    """A workbook of a pool at reporting level, and the first wave out of the x86 pool."""
    template = api.get("pools/police-a/report-template", "prov4.a")
    assert template.is_success, template.text
    sent = {"file": ("police-a.xlsx", template.content)}
    file = done(api.request("POST", "files", "prov4.a", files=sent))["id"]
    report = {"batch_id": "2026-03", "file_id": file}
    done(api.post("pools/police-a/reports", "prov4.a", report))
    retire = {
        "to": "retiring",
        "exit_at": "2029-12-31T00:00:00+08:00",
        "reason": "不能国产化,按计划退出",
    }
    done(api.post("pools/x86-a/moves", "tech.a", retire))
    first = api.items("allocations", "tech.a", pool_id="x86-a", state="active")[0]["id"]
    wave = {
        "name": "首批",
        "starts_at": "2026-07-01T00:00:00+08:00",
        "due_at": "2026-10-01T00:00:00+08:00",
        "allocation_ids": [first],
    }
    done(api.post("pools/x86-a/migration-waves", "tech.a", wave))


def an_opening(api: Api, *, cut_over: str = "2026-05-01T00:00:00+08:00") -> str:
    """A workbook with a machine each of a city and a county department; returns its id."""
    rows = tuple(
        {
            "number": f"old-{department}",
            "contract": "示采云〔2025〕01号",
            "department": department,
            "application": application,
            "pool": "kunpeng-a",
            "sku": KUNPENG_VM,
            "quantity": 1,
        }
        for department, application in (("d01", "A01"), ("d02", "A10"), ("d41", "A83"))
    )
    sent = {"file": ("opening.xlsx", book({OpeningSheet.RUNNING: rows}))}
    file = done(api.request("POST", "files", "opco.a", files=sent))["id"]
    opening = {"title": "期初建账", "cut_over": cut_over, "file_id": file}
    return str(done(api.post("openings", "opco.a", opening))["id"])


def _incident(api: Api, pool: str, provider: str) -> None:
    body = {"pool_id": pool, "severity": "minor", "description": "宿主机故障迁移"}
    incident = done(api.post("incidents", f"{provider}.a", body))["id"]
    done(api.post(f"incidents/{incident}/acknowledgement", f"{provider}.a"))
    done(api.post(f"incidents/{incident}/restoration", f"{provider}.a", {"cause": "硬件更换"}))
    done(api.post(f"incidents/{incident}/closure", "tech.a"))


def _objection(api: Api, statement: str) -> None:
    line = api.items("lines", "d02.user", statement_id=statement)[0]["id"]
    objection = {"line_ids": [line], "reason": "该资源月中已停用,请核减"}
    done(api.post(f"statements/{statement}/objection", "d02.lead", objection))
    credit = {
        "decision": "credit",
        "reason": "核减一元",
        "credits": [{"line_id": line, "amount": "1.00"}],
    }
    done(api.post(f"statements/{statement}/resolution", "finance.a", credit))


def _pay(api: Api, settlement: dict[str, Any]) -> None:
    path = f"settlements/{settlement['id']}"
    done(api.post(f"{path}/confirmation", f"{settlement['provider_id']}.a"))
    done(api.post(f"{path}/confirmation", "opco.a"))
    payable = done(api.post(f"{path}/review", "finance.c"))["payable"]
    invoice = {
        "number": f"26410000000{settlement['provider_id']}",
        "issued_on": "2026-03-20",
        "tax_rate": "0",
        "net": payable,
        "tax": "0.00",
        "total": payable,
    }
    payee = "opco.a" if settlement["payee_id"] == "opco" else f"{settlement['provider_id']}.a"
    done(api.post(f"{path}/invoice", payee, invoice))
    done(api.post(f"{path}/payment-request", "finance.a"))
    payment = {"voucher_number": f"示例凭证-{settlement['provider_id']}", "amount": payable}
    done(api.post(f"{path}/payments", "finance.a", payment))
