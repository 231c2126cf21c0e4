"""A table as one page of HTML to print and stamp: no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from catalog.period import SHANGHAI
from cloudmgr.sheets.columns import Column

_STYLE = (
    "@page{size:A4 landscape;margin:12mm}"
    "body{font-family:serif;font-size:10.5pt}h1{font-size:16pt;text-align:center}"
    "table{border-collapse:collapse;width:100%}thead{display:table-header-group}"
    "th,td{border:1px solid #000;padding:2px 4px}td.n{text-align:right}"
    "tr{page-break-inside:avoid}p.sign{margin-top:18mm;display:flex;gap:30mm}"
)


def printed(
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    above: Sequence[str] = (),
    signatures: Sequence[str] = (),
) -> str:
    """The page: title, lines above the table, the table, and places to sign."""
    head = "".join(f"<th>{escape(column.title_zh)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(column.name)) for column in columns) + "</tr>"
        for row in rows
    )
    lines = "".join(f"<p>{escape(line)}</p>" for line in above)
    signs = "".join(f"<span>{escape(each)}(盖章):</span>" for each in signatures)
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{lines}<table><thead><tr>{head}</tr></thead>"
        f'<tbody>{body}</tbody></table><p class="sign">{signs}</p></body></html>'
    )


def _cell(value: Any) -> str:
    if value is None:
        return "<td>—</td>"
    if isinstance(value, bool):
        return f"<td>{'是' if value else '否'}</td>"
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    if isinstance(value, datetime):
        value = value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return f"<td>{escape(str(value))}</td>"
