"""Templates to HTML: the one environment, how figures are written, and the headers of a page.

Figures are written exactly: thousands separated, money with its fen, shares rounded once.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from catalog.money import round_half_away
from cloudmgr.portal.language import Words

UNKNOWN = "—"
PER_MILLE = 1000
MIB_PER_GIB = 1024

HEADERS = {
    # Nothing from elsewhere, no scripts at all: the pages need none.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_STATIC = files("cloudmgr.portal").joinpath("static")
_STYLES = {name: _STATIC.joinpath(name).read_bytes() for name in ("portal.css", "form.css")}


def render(template: str, words: Words, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page of a template; `w` in it are the words, every name it uses must be given."""
    text = _ENVIRONMENT.get_template(template).render(w=words, **context)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def style(name: str = "portal.css") -> Response:
    """A style sheet of the pages."""
    headers = {"Cache-Control": "max-age=300", "X-Content-Type-Options": "nosniff"}
    return Response(_STYLES[name], media_type="text/css; charset=utf-8", headers=headers)


def money(value: Decimal | None) -> str:
    """Yuan with its fen: `1,234.50`."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def percent(share: Fraction | None, places: int = 1) -> str:
    return UNKNOWN if share is None else f"{round_half_away(share * 100, places):f}%"


def gib(mib: int) -> str:
    """MiB as whole GiB, rounded."""
    return f"{round_half_away(Fraction(mib, MIB_PER_GIB), 0):,f}"


def per_mille(share: Fraction | None) -> int:
    """A share as a length of a bar that is 1000 long; what does not fit is cut."""
    if share is None:
        return 0
    return min(max(int(round_half_away(share * PER_MILLE, 0)), 0), PER_MILLE)


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("cloudmgr.portal"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": money,
        "count": count,
        "percent": percent,
        "gib": gib,
        "per_mille": per_mille,
    }
    # Macros that write either whole units or GiB are handed the function.
    made.globals |= {"count": count, "gib": gib}
    return made


_ENVIRONMENT = _environment()
