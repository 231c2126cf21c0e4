"""The opening's workbook: its sheets and columns, the template to fill in, and rows written back.

Owns how an opening looks as a spreadsheet; what its rows mean is `openings_checking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from catalog.money import unit_price
from catalog.quantity import ResourceClass
from catalog.tiers import Tier, Tiers
from cloudmgr.domain.contracts import BillingStart, PriceLink
from cloudmgr.domain.errors import bad_file
from cloudmgr.domain.openings import OpeningContent, OpeningSheet
from cloudmgr.domain.quota import UNLIMITED, QuotaScope
from cloudmgr.sheets.columns import CellError, CellKind, Column
from cloudmgr.sheets.reading import Rows, read_rows, sheet_names
from cloudmgr.sheets.writing import Sheet, write_book

_S = OpeningSheet
TITLES: Mapping[OpeningSheet, str] = {
    _S.CONTRACTS: "合同",
    _S.RUNNING: "在用资源",
    _S.QUOTAS: "配额",
    _S.BUDGETS: "预算",
    _S.PAYMENTS: "已付款",
}
NOTES = ("填写说明", "notes")
UNLIMITED_WORDS = ("不限", "unlimited", str(UNLIMITED))


def _choices(words: Mapping[str, Any]) -> dict[str, Any]:
    """What people may write: the Chinese labels, and the values as the API writes them."""
    return dict(words) | {str(value): value for value in words.values()}


_LINKS = _choices({"固定": PriceLink.FIXED, "随上限": PriceLink.FOLLOW_CEILING})
_STARTS = _choices({"交付": BillingStart.DELIVERY, "试用验收": BillingStart.TRIAL_ACCEPTED})
_SCOPES = _choices(
    {
        "区域": QuotaScope.REGION,
        "单位": QuotaScope.DEPARTMENT,
        "系统": QuotaScope.APPLICATION,
    }
)
_CLASSES = {str(each): each for each in ResourceClass}
_WHO = "编号、全称或代码"


def _money(name: str, title_zh: str, note: str = "元,两位小数") -> Column:
    return Column(name=name, title_zh=title_zh, kind=CellKind.DECIMAL, note=note)


def _day(name: str, title_zh: str, note: str = "", *, required: bool = True) -> Column:
    return Column(name=name, title_zh=title_zh, kind=CellKind.DATE, note=note, required=required)


COLUMNS: Mapping[OpeningSheet, tuple[Column, ...]] = {
    _S.CONTRACTS: (
        Column(name="number", title_zh="合同编号"),
        Column(name="name", title_zh="合同名称", width=28),
        Column(name="provider", title_zh="云服务商", note=_WHO, width=24),
        Column(name="payee", title_zh="收款方", note=f"{_WHO};云服务商或运营公司", width=24),
        Column(name="procurement_method", title_zh="采购方式"),
        Column(name="signatories", title_zh="签约方", kind=CellKind.LIST, note="、隔开", width=28),
        _day("starts_on", "起始日期", "履行期的第一天"),
        _day("ends_on", "终止日期", "履行期的最后一天"),
        _money("total", "合同总额"),
        Column(name="price_link", title_zh="价格方式", kind=CellKind.CHOICE, choices=_LINKS),
        Column(name="billing_start", title_zh="计费起点", kind=CellKind.CHOICE, choices=_STARTS),
        Column(name="pools", title_zh="资源池", kind=CellKind.LIST, note="编号或名称,、隔开"),
        Column(
            name="skus",
            title_zh="计费项",
            kind=CellKind.LIST,
            required=False,
            note="编号,、隔开;空着即全部目录",
        ),
    ),
    _S.RUNNING: (
        Column(name="number", title_zh="资源编号", note="云服务商处的编号,同一资源池内不重复"),
        Column(name="contract", title_zh="合同编号", note="本表或平台已登记的合同"),
        Column(name="department", title_zh="用云单位", note=_WHO, width=24),
        Column(name="application", title_zh="业务系统", note="编号、名称或代码", width=24),
        Column(name="pool", title_zh="资源池", note="编号或名称"),
        Column(name="sku", title_zh="计费项", note="目录编号", width=20),
        Column(name="quantity", title_zh="数量", kind=CellKind.WHOLE),
        Column(
            name="price",
            title_zh="协议单价",
            required=False,
            note="元,六位小数;阶梯写作 0:1.2; 1000:1.0;平台已有报价的可空着",
        ),
        Column(
            name="estimate_units",
            title_zh="预计月用量",
            kind=CellKind.WHOLE,
            required=False,
            note="按量计费项必填",
        ),
        _day("term_ends_on", "使用期止", "最后一天;没有期限可空着", required=False),
    ),
    _S.QUOTAS: (
        Column(name="scope", title_zh="范围", kind=CellKind.CHOICE, choices=_SCOPES),
        Column(name="scope_of", title_zh="对象", note="区域、单位或系统的编号或名称", width=24),
        Column(
            name="resource_class",
            title_zh="资源类",
            kind=CellKind.CHOICE,
            choices=_CLASSES,
            width=24,
        ),
        Column(name="limit", title_zh="上限", note="基本单位的整数,或 不限"),
    ),
    _S.BUDGETS: (
        Column(name="payer", title_zh="付款方", note=_WHO, width=24),
        Column(
            name="department",
            title_zh="用云单位",
            required=False,
            note=f"{_WHO};空着即付款方本身",
            width=24,
        ),
        Column(name="year", title_zh="年度", kind=CellKind.WHOLE),
        _money("approved", "批准金额"),
        Column(name="document_number", title_zh="文号"),
        Column(name="project_code", title_zh="项目编码", required=False),
        Column(name="fund_source", title_zh="资金来源", required=False),
    ),
    _S.PAYMENTS: (
        Column(name="contract", title_zh="合同编号", note="本表或平台已登记的合同"),
        Column(name="payer", title_zh="付款方", note=_WHO, width=24),
        Column(
            name="department",
            title_zh="用云单位",
            required=False,
            note=f"{_WHO};为单位付的写明单位",
            width=24,
        ),
        _day("paid_on", "付款日期", "启用日之前"),
        _money("amount", "金额"),
        Column(name="voucher_number", title_zh="凭证号"),
    ),
}

EXAMPLES: Mapping[OpeningSheet, Mapping[str, Any]] = {
    _S.CONTRACTS: {
        "number": "示例〔2025〕01号",
        "name": "政务云服务",
        "provider": "示例云服务商",
        "payee": "示例云服务商",
        "procurement_method": "公开招标",
        "signatories": ("示例市数据局", "示例云服务商"),
        "starts_on": "2025-07-01",
        "ends_on": "2028-06-30",
        "total": "30000000.00",
        "price_link": "随上限",
        "billing_start": "试用验收",
        "pools": ("示例资源池",),
    },
    _S.RUNNING: {
        "number": "VM-0001",
        "contract": "示例〔2025〕01号",
        "department": "示例单位",
        "application": "示例系统",
        "pool": "示例资源池",
        "sku": "vm-x86-4c8g",
        "quantity": 2,
        "price": "180.000000",
        "term_ends_on": "2026-12-31",
    },
    _S.QUOTAS: {
        "scope": "单位",
        "scope_of": "示例单位",
        "resource_class": "VCPU",
        "limit": "64",
    },
    _S.BUDGETS: {
        "payer": "示例财政局",
        "department": "示例单位",
        "year": 2026,
        "approved": "200000.00",
        "document_number": "示财预〔2026〕1号",
        "project_code": "示例项目",
        "fund_source": "一般公共预算",
    },
    _S.PAYMENTS: {
        "contract": "示例〔2025〕01号",
        "payer": "示例财政局",
        "department": "示例单位",
        "paid_on": "2025-12-20",
        "amount": "50000.00",
        "voucher_number": "示例凭证-1",
    },
}

_RULES = (
    "每张表保留表头一行;表头可用中文或英文,列序不限。示例行请删除。",
    "启用日之前的用量不计费;在用资源自启用日零时起计费。",
    "任何一行有误,整本不入库;错误会指明表、行、列。",
    "入库后由云服务商和用云单位逐行核对,有异议的行不启用。",
    "超配额、超预算的在用资源照常入账并提示;超资源池容量的不能入账。",
)


def template(*, english: bool = False) -> bytes:
    """The empty workbook: five sheets with an example row each, and the notes."""
    sheets = [
        Sheet(_title(each, english=english), COLUMNS[each], (EXAMPLES[each],), english=english)
        for each in OpeningSheet
    ]
    return write_book((*sheets, _notes(english=english)))


def book(rows: Mapping[OpeningSheet, Iterable[Mapping[str, Any]]]) -> bytes:
    """A filled-in workbook, in the template's form."""
    return write_book(Sheet(TITLES[each], COLUMNS[each], rows.get(each, ())) for each in _S)


def read_book(data: bytes, name: str) -> dict[OpeningSheet, Rows]:
    """The rows of every sheet there is; one left out has none.

    Raises `bad_file` for what is no workbook, or has a sheet nobody asked for.
    """
    if not data.startswith(b"PK"):
        raise bad_file(name, "an opening comes as one XLSX workbook; fill in the template")
    titles = {TITLES[each]: each for each in OpeningSheet} | {str(each): each for each in _S}
    found: dict[OpeningSheet, Rows] = {}
    for title in sheet_names(data, name):
        if title in NOTES:
            continue
        if title not in titles:
            raise bad_file(name, f"no sheet is called {title!r}; use {'、'.join(TITLES.values())}")
        sheet = titles[title]
        found[sheet] = read_rows(data, COLUMNS[sheet], sheet=title, name=name)
    if not any(rows.rows or rows.faults for rows in found.values()):
        raise bad_file(name, "it has no rows")
    return found


def tiers_of(text: str) -> Tiers:
    """A price as people write it: `180.5`, or tiers `0:1.2; 1000:1.0`; raises `CellError`."""
    parts = [part.strip() for part in text.replace("；", ";").split(";") if part.strip()]
    found = []
    for part in parts:
        start, colon, price = part.replace("：", ":").rpartition(":")
        if colon and not start.strip().isdigit():
            raise CellError(f"{part!r} is no tier; write 0:1.2; 1000:1.0")
        found.append(Tier(int(start) if colon else 0, unit_price(price.strip())))
    if not found:
        raise CellError("it is no price")
    return tuple(found)


def limit_of(text: str) -> int:
    """A quota limit as people write it; raises `CellError`."""
    if text in UNLIMITED_WORDS:
        return UNLIMITED
    if not text.isdigit():
        raise CellError(f"{text!r} is no limit; write a whole number or 不限")
    return int(text)


def values_of(content: OpeningContent) -> dict[str, Any]:
    """A row's content as the values of its sheet's columns, references by id."""
    renamed = {
        "provider_id": "provider", "payee_id": "payee", "pool_ids": "pools", "sku_ids": "skus",
        "contract_number": "contract", "department_id": "department",
        "application_id": "application", "pool_id": "pool", "sku_id": "sku", "tiers": "price",
        "scope_id": "scope_of", "limit_units": "limit", "payer_id": "payer",
    }  # fmt: skip
    values: dict[str, Any] = {}
    for each in fields(content):
        value = getattr(content, each.name)
        if each.name == "tiers":
            value = price_of(value)
        elif each.name == "limit_units":
            value = "不限" if value == UNLIMITED else str(value)
        values[renamed.get(each.name, each.name)] = value
    values.pop("quoted", None)
    return values


def price_of(tiers: Tiers) -> str:
    """Tiers as `tiers_of` reads them."""
    if len(tiers) == 1:
        return f"{tiers[0].unit_price:f}"
    return "; ".join(f"{tier.from_quantity}:{tier.unit_price:f}" for tier in tiers)


def _title(sheet: OpeningSheet, *, english: bool) -> str:
    return str(sheet) if english else TITLES[sheet]


def _notes(*, english: bool) -> Sheet:
    columns = (
        Column(name="sheet", title_zh="表"),
        Column(name="column", title_zh="列"),
        Column(name="english", title_zh="英文列名", width=20),
        Column(name="required", title_zh="必填", width=8),
        Column(name="note", title_zh="说明", width=60),
    )
    rows = (
        {
            "sheet": TITLES[sheet],
            "column": column.title_zh,
            "english": column.name,
            "required": "是" if column.required else "否",
            "note": column.note or "、".join(map(str, column.choices)),
        }
        for sheet in OpeningSheet
        for column in COLUMNS[sheet]
    )
    return Sheet(NOTES[1] if english else NOTES[0], columns, rows, above=_RULES, english=english)
