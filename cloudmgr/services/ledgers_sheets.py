"""The ledgers as spreadsheets: columns, templates to fill in, and rows as they are imported again.

Owns how organisations, systems, machine rooms and networks look in a sheet; what a row changes is
`ledgers`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cloudmgr.domain.access import Actor
from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone
from cloudmgr.domain.machine_rooms import Disposition, MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.values import Value
from cloudmgr.services.reading import visible
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.writing import Sheet, template, write_book

_WHO = "编号、全称、预算单位编码或统一社会信用代码"


def _choices(words: Mapping[str, Any]) -> dict[str, Any]:
    """What people may write: the Chinese labels, and the values as the API writes them."""
    return dict(words) | {str(value): value for value in words.values()}


_KINDS = {
    "用云单位": OrganisationKind.DEPARTMENT,
    "云服务商": OrganisationKind.PROVIDER,
    "主管部门": OrganisationKind.AUTHORITY,
    "大数据中心": OrganisationKind.DATA_CENTRE,
    "运营公司": OrganisationKind.OPERATING_COMPANY,
    "财政": OrganisationKind.FINANCE,
    "第三方评估机构": OrganisationKind.ASSESSOR,
}
_ZONES = {"互联网区": Zone.INTERNET, "政务外网区": Zone.EXTRANET, "视频专网区": Zone.VIDEO}
_DR_MODES = {
    "本地备份": DrMode.LOCAL_BACKUP,
    "同城双活": DrMode.SAME_CITY_ACTIVE,
    "异地灾备": DrMode.REMOTE_BACKUP,
}
_STATES = {Application.LIFECYCLE.labels[each]: each for each in DeploymentStatus}
_DISPOSITIONS = {each.label_zh: each for each in Disposition}


def _text(name: str, title_zh: str, note: str = "", *, required: bool = False) -> Column:
    return Column(name=name, title_zh=title_zh, required=required, note=note)


def _of(
    name: str, title_zh: str, kind: CellKind, note: str = "", *, needed: bool = False
) -> Column:
    return Column(name=name, title_zh=title_zh, kind=kind, required=needed, note=note)


def _choice(name: str, title_zh: str, words: Mapping[str, Any], *, needed: bool = True) -> Column:
    return Column(
        name=name,
        title_zh=title_zh,
        kind=CellKind.CHOICE,
        required=needed,
        choices=_choices(words),
        note="、".join(words),
    )


_CODE = Column(name="code", title_zh="编码", note="全市唯一;已有编码的行更新该记录")
_NAME_ZH = Column(name="name_zh", title_zh="名称", width=28)
_NAME_EN = _text("name_en", "英文名称")
_DEPARTMENT = Column(name="department", title_zh="用云单位", note=_WHO, width=28)
_CLASSIFIED = _of("classified", "是否涉密", CellKind.YES_NO, "空着即否")
_WHOLE, _DATE, _MONEY, _YES_NO = (
    CellKind.WHOLE,
    CellKind.DATE,
    CellKind.DECIMAL,
    CellKind.YES_NO,
)

ORGANISATION_COLUMNS = (
    _choice("kind", "类别", _KINDS),
    _NAME_ZH,
    Column(name="name_en", title_zh="英文名称"),
    Column(name="region", title_zh="行政区划", note="编号、名称或行政区划代码"),
    _text("budget_unit_code", "预算单位编码", "两个编码至少填一个;已有编码的行补全该组织"),
    _text("social_credit_code", "统一社会信用代码", "18位,校验位按 GB 32100"),
)
APPLICATION_COLUMNS = (
    _CODE,
    _NAME_ZH,
    _NAME_EN,
    _DEPARTMENT,
    _of("mlps_level", "等保级别", _WHOLE, "1—5", needed=True),
    _CLASSIFIED,
    _choice("zone", "网络域", _ZONES),
    _of("dr_level", "容灾等级", _WHOLE, "GB/T 20988,1—6", needed=True),
    _choice("dr_mode", "容灾方式", _DR_MODES),
    _of("xinchuang", "信创", _YES_NO, needed=True),
    _of("important", "重要系统", _YES_NO, needed=True),
    _choice("state", "部署状态", _STATES, needed=False),
    _text("approval_document", "项目批复文号"),
    _text("fund_source", "资金来源"),
    _of("security_check_passed", "上云安全体检通过", _YES_NO),
    _text("filing_proof", "等保备案证明编号"),
    _text("responsible_person", "责任人"),
    _text("responsible_contact", "联系方式"),
    _text("wave", "上云批次"),
    _of("planned_on", "计划上云日期", _DATE),
    _text("off_cloud_reason", "未上云原因"),
    _text("exemption_document", "豁免依据"),
    _of("exempt_until", "豁免至", _DATE),
    _of("deadline", "上云期限", _DATE),
)
ROOM_COLUMNS = (
    _CODE,
    _NAME_ZH,
    _NAME_EN,
    _DEPARTMENT,
    _text("address", "地址"),
    _of("racks", "机柜数", _WHOLE),
    _of("racks_used", "在用机柜数", _WHOLE),
    _of("pue", "PUE", CellKind.DECIMAL, "两位小数"),
    _CLASSIFIED,
    _of("baseline_cost", "基线年费用", _MONEY, "元,两位小数"),
    _of("running_cost", "现年费用", _MONEY, "元,两位小数"),
    _choice("disposition", "处置方式", _DISPOSITIONS, needed=False),
    _of("dispose_by", "计划处置日期", _DATE),
    _of("disposed_on", "完成处置日期", _DATE),
    _text("disposal_document", "处置依据文号"),
    _of("in_use_from", "启用日期", _DATE),
)
NETWORK_COLUMNS = (
    _CODE,
    _NAME_ZH,
    _NAME_EN,
    _DEPARTMENT,
    _text("purpose", "用途"),
    _of("bandwidth_mbps", "带宽(Mbit/s)", _WHOLE),
    _CLASSIFIED,
    _of("integrate_by", "计划整合日期", _DATE),
    _of("integrated_on", "完成整合日期", _DATE),
    _text("document_number", "依据文号"),
    _of("in_use_from", "启用日期", _DATE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSheet:
    """One ledger's sheet: its kind, its columns and an example row."""

    kind: type[Value]
    title: str
    columns: tuple[Column, ...]
    example: Mapping[str, Any]


SHEETS: Mapping[str, LedgerSheet] = {
    "organisation": LedgerSheet(
        kind=Organisation,
        title="组织机构",
        columns=ORGANISATION_COLUMNS,
        example={
            "kind": "用云单位",
            "name_zh": "市档案局",
            "name_en": "City archives",
            "region": "示例市",
            "budget_unit_code": "900001",
        },
    ),
    "application": LedgerSheet(
        kind=Application,
        title="系统台账",
        columns=APPLICATION_COLUMNS,
        example={
            "code": "B01",
            "name_zh": "档案查询系统",
            "department": "市档案局",
            "mlps_level": 2,
            "zone": "政务外网区",
            "dr_level": 2,
            "dr_mode": "本地备份",
            "xinchuang": True,
            "important": False,
            "state": "未上云",
            "off_cloud_reason": "等待信创改造",
            "deadline": "2026-12-31",
        },
    ),
    "machine_room": LedgerSheet(
        kind=MachineRoom,
        title="机房台账",
        columns=ROOM_COLUMNS,
        example={
            "code": "JF-101",
            "name_zh": "市档案局机房",
            "department": "市档案局",
            "racks": 6,
            "pue": "1.98",
            "baseline_cost": "420000.00",
            "disposition": "关停",
            "dispose_by": "2026-12-31",
        },
    ),
    "network": LedgerSheet(
        kind=PrivateNetwork,
        title="专网台账",
        columns=NETWORK_COLUMNS,
        example={"code": "ZW-101", "name_zh": "档案专网", "department": "市档案局"},
    ),
}


def ledger_template(ledger: str) -> bytes:
    """A workbook to fill in: one example row, and a sheet that explains the columns."""
    sheet = SHEETS[ledger]
    return write_book(template(sheet.title, sheet.columns, sheet.example))


def exported(world: World, actor: Actor, ledger: str) -> bytes:
    """What the actor sees of a ledger, in the columns that an import reads again."""
    sheet = SHEETS[ledger]
    scope = visible(world, actor, sheet.kind)
    where: dict[str, Any] = scope or {}
    records = () if scope is None else world.stream(sheet.kind, **where)
    rows = _rows(world, sheet, records)
    return write_book([Sheet(sheet.title, sheet.columns, rows)])


def _rows(
    world: World, sheet: LedgerSheet, records: Iterable[Value]
) -> Iterable[Mapping[str, Any]]:
    departments = _called(world.find(Organisation))
    regions = _called(world.find(Region))
    labels = {
        column.name: {value: word for word, value in reversed(list(column.choices.items()))}
        for column in sheet.columns
        if column.kind is CellKind.CHOICE
    }
    special: dict[str, Callable[[Any], Any]] = {
        "department": lambda each: departments[each.department_id],
        "region": lambda each: regions[each.region_id],
        "pue": lambda each: _pue(each.pue_hundredths),
    }
    for record in records:
        yield {
            column.name: labels[column.name][getattr(record, column.name)]
            if column.name in labels
            else special.get(column.name, lambda each, name=column.name: getattr(each, name))(
                record
            )
            for column in sheet.columns
        }


def _called(records: Iterable[Organisation] | Iterable[Region]) -> dict[str, str]:
    """The name of each, or its id where two have one name: an import shall find it again."""
    held: tuple[Organisation | Region, ...] = tuple(records)
    names = Counter(each.name_zh for each in held if getattr(each, "ended_at", None) is None)
    return {each.id: each.name_zh if names[each.name_zh] == 1 else each.id for each in held}


def _pue(hundredths: int | None) -> Decimal | None:
    return None if hundredths is None else Decimal(hundredths).scaleb(-2)
