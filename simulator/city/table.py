"""The month as a table for a person at a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from cloudmgr.cities.city import City

TOP_DEPARTMENTS = 12


def print_month(city: City, told: dict[str, Any], console: Console) -> None:
    """Requests, pools, departments, scores and settlements of a play's outcome."""
    months = ", ".join(told["months"])
    console.print(
        f"\n[bold]{city.name_zh} {city.name_en}[/bold]  {months}  "
        "[yellow]模拟环境 rehearsal · 示例参数 sample parameters[/yellow]"
    )
    console.print(_requests(told))
    console.print(_pools(city, told))
    console.print(_departments(city, told))
    console.print(_settlements(city, told))
    usage = told["usage_rows"]
    console.print(
        f"usage rows: {usage['sent']:,} sent = {usage['accepted']:,} accepted + "
        f"{usage['quarantined']:,} quarantined; billed ¥{_money(told['billed_total'])}; settled "
        f"¥{_money(told['settled_total'])}; journal balance {told['journal_balance']}; "
        f"{told['audit_events']:,} audit events; played in {told['wall_s']} s\n"
    )


def _requests(told: dict[str, Any]) -> Table:
    table = Table(title="申请 Requests by outcome", title_justify="left")
    table.add_column("结果 outcome")
    table.add_column("件 requests", justify="right")
    for state, count in told["requests"].items():
        table.add_row(state, str(count))
    table.add_row("[bold]total[/bold]", f"[bold]{sum(told['requests'].values())}[/bold]")
    return table


def _pools(city: City, told: dict[str, Any]) -> Table:
    table = Table(title="资源池 Capacity by pool (vCPU)", title_justify="left")
    table.add_column("资源池 pool")
    for heading in ("可分配 offered", "已分配 allocated", "预占 held", "空闲 free", "% allocated"):
        table.add_column(heading, justify="right")
    names = {pool.id: pool.name_zh for pool in city.pools}
    for id, pool in told["pools"].items():
        table.add_row(
            f"{names[id]} {id}",
            f"{pool['vcpu_offered']:,}",
            f"{pool['vcpu_allocated']:,}",
            f"{pool['vcpu_held']:,}",
            f"{pool['vcpu_free']:,}",
            pool["allocated_percent"],
        )
    return table


def _departments(city: City, told: dict[str, Any]) -> Table:
    table = Table(title="用云单位 Departments by amount", title_justify="left")
    table.add_column("单位 department")
    table.add_column("账单 billed ¥", justify="right")
    by_amount = sorted(told["statements"].items(), key=lambda each: -_fen(each[1]))
    for id, amount in by_amount[:TOP_DEPARTMENTS]:
        table.add_row(f"{city.organisation(id).name_zh} {id}", _money(amount))
    rest = by_amount[TOP_DEPARTMENTS:]
    if rest:
        fen = sum(_fen(amount) for _, amount in rest)
        table.add_row(f"其余 {len(rest)} 家 others", _money(f"{fen // 100}.{fen % 100:02d}"))
    return table


def _settlements(city: City, told: dict[str, Any]) -> Table:
    table = Table(title="考核与结算 Scores and settlements", title_justify="left")
    table.add_column("云服务商 provider")
    headings = (
        "得分 score",
        "系数 coefficient",
        "应结 gross ¥",
        "扣减 deduction ¥",
        "应付 payable ¥",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for id, scores in told["scores"].items():
        settled = told["settlements"].get(id, {})
        table.add_row(
            f"{city.organisation(id).name_zh} {id}",
            ", ".join(str(score) for score in scores.values()),
            str(settled.get("coefficient", "")),
            _money(settled.get("gross", "0.00")),
            _money(settled.get("deduction", "0.00")),
            _money(settled.get("payable", "0.00")),
        )
    return table


def _fen(amount: str) -> int:
    return int(amount.replace(".", ""))


def _money(amount: str) -> str:
    whole, _, fen = amount.partition(".")
    return f"{int(whole):,}.{fen}"
