"""The root of the one error tree, and the errors the catalog itself raises.

    CloudmgrError               code, message; never swallowed, one handler at the edge
    ├── Invalid                 422  the value itself is malformed
    ├── Unauthenticated         401  nobody is signed in
    ├── Forbidden               403  signed in, but may not
    ├── NotFound                404  is not there, or is not yours to see
    ├── Conflict                409  well formed, but the state of things refuses it
    ├── Outdated                412  about an earlier version than the one stored
    ├── TooMany                 429  asked too often; come back later
    └── Unavailable             503  nothing was done; the same again may succeed

Every error carries a stable `code` that never changes meaning and a sentence that says what
was wrong and what to do. Codes of the catalog live here, those of the node in
`cloudmgr.domain.errors`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class CloudmgrError(Exception):
    """A refusal with a stable code; `details` holds JSON-ready facts for machines."""

    status: ClassVar[int] = 500
    code: str = "error"

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(code, message)  # what a copy of the exception is made from
        self.code = code
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Invalid(CloudmgrError):
    """The value is malformed: mend it and send it again."""

    status = 422


class Unauthenticated(CloudmgrError):
    """Nobody is signed in, or the token is no longer good."""

    status = 401


class Forbidden(CloudmgrError):
    """Signed in, but this command is not for this role or organisation."""

    status = 403


class NotFound(CloudmgrError):
    """Not there, or not yours to see; the two are not told apart."""

    status = 404


class Conflict(CloudmgrError):
    """Well formed, but the present state refuses it."""

    status = 409


class Outdated(CloudmgrError):
    """The sender has seen an earlier version: read it again and decide anew."""

    status = 412


class TooMany(CloudmgrError):
    """Asked too often; `retry_after` in the details says in how many seconds to come back."""

    status = 429


class Unavailable(CloudmgrError):
    """Something needed was not to be had in time; nothing was done."""

    status = 503


def float_money(value: object) -> Invalid:
    return Invalid(
        "float_money",
        f"{value!r} is a binary float and cannot be money; send the amount as a string, "
        'such as "12.30"',
    )


def bad_amount(value: object, why: str) -> Invalid:
    return Invalid("bad_amount", f"{value!r} is not an exact amount: {why}")


def bad_quantity(value: object, why: str) -> Invalid:
    return Invalid("bad_quantity", f"{value!r} is not a quantity: {why}")


def bad_period(why: str) -> Invalid:
    return Invalid("bad_period", why)


def bad_catalog(where: str, why: str) -> Invalid:
    return Invalid("bad_catalog", f"{where}: {why}", where=where)


def no_price(sku_id: str, pool_id: str, moment: str) -> Conflict:
    return Conflict(
        "no_price",
        f"no price is in force for {sku_id} in {pool_id} at {moment}; a quote under a contract in "
        "force that covers both must be accepted first",
        sku=sku_id,
        pool=pool_id,
        moment=moment,
    )


def quote_over_ceiling(sku_id: str, quoted: str, ceiling: str) -> Conflict:
    return Conflict(
        "quote_over_ceiling",
        f"the quote of {quoted} yuan for {sku_id} is above its ceiling of {ceiling} yuan; "
        "quote at most the ceiling",
        sku=sku_id,
        quoted=quoted,
        ceiling=ceiling,
    )


def no_ceiling(sku_id: str, moment: str) -> Conflict:
    return Conflict(
        "no_ceiling",
        f"the catalog in force at {moment} has no ceiling for {sku_id}; publish a catalog version "
        "that prices it first",
        sku=sku_id,
        moment=moment,
    )


def bad_tiers(why: str) -> Invalid:
    return Invalid(
        "bad_tiers", f"{why}; tiers start at 0, ascend, and only metered Skus have several"
    )


def bad_price_link(value: object) -> Invalid:
    return Invalid("bad_price_link", f"{value!r} is neither 'fixed' nor 'follow_ceiling'")


def bad_effective_date(moment: str, why: str) -> Invalid:
    return Invalid(
        "bad_effective_date", f"{moment} cannot be an effective date: {why}", moment=moment
    )


def unknown_sku(sku_id: str, version_id: str) -> NotFound:
    return NotFound(
        "unknown_sku",
        f"the catalog version {version_id} has no Sku {sku_id}; look it up with "
        "`cloudmgr catalog show`",
        sku=sku_id,
        catalog_version=version_id,
    )


def unknown_catalog_version(wanted: str, known: str) -> NotFound:
    return NotFound(
        "unknown_catalog_version",
        f"there is no catalog version {wanted}; the known ones are {known}",
        catalog_version=wanted,
    )


def competing_quotes(first: str, second: str, sku_id: str, pool_id: str, moment: str) -> Conflict:
    return Conflict(
        "competing_quotes",
        f"the quotes {first} and {second} both begin for {sku_id} in {pool_id} at {moment}; "
        "withdraw one of them",
        quotes=[first, second],
        sku=sku_id,
        pool=pool_id,
        moment=moment,
    )
