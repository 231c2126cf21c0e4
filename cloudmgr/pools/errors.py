"""What can go wrong with a pool, told apart by what it means for the order.

PoolError                  502
├── PoolUnreachable        503  nothing was sent, or nothing was read: ask again later
├── PoolRefused            502  the pool said no, for good: the order was not done
├── PoolAnswerUnknown      502  it may or may not have been done: hold everything, ask again
└── PoolBrokeInterface     502  it answered what the interface does not allow
"""

from __future__ import annotations

from typing import ClassVar

from catalog.errors import CloudmgrError


class PoolError(CloudmgrError):
    """Something between the node and a pool."""

    status: ClassVar[int] = 502


class PoolUnreachable(PoolError):
    """Nothing was done: no order reached the pool, or what was asked changes nothing."""

    status = 503


class PoolRefused(PoolError):
    """A definite no."""


class PoolAnswerUnknown(PoolError):
    """The order may have been done. Never taken for a yes or a no."""


class PoolBrokeInterface(PoolError):
    """An answer that the pool interface does not know."""


def unreachable(where: str, why: str) -> PoolUnreachable:
    return PoolUnreachable(
        "pool_unreachable", f"{where} does not answer ({why}); nothing was changed, try again later"
    )


def circuit_open(where: str) -> PoolUnreachable:
    return PoolUnreachable(
        "pool_circuit_open",
        f"{where} failed too often lately and is left alone for a while; nothing was changed",
    )


def refused(where: str, status: int, code: str, detail: str) -> PoolRefused:
    return PoolRefused(
        "pool_refused",
        f"{where} refused with {status} {code}: {detail}",
        pool_status=status,
        pool_code=code,
    )


def answer_unknown(where: str, key: str, why: str) -> PoolAnswerUnknown:
    return PoolAnswerUnknown(
        "pool_answer_unknown",
        f"{where} may or may not have done the order {key} ({why}); keep what is held and ask for "
        "the operation of that key again",
        key=key,
    )


def broke_interface(where: str, why: str) -> PoolBrokeInterface:
    return PoolBrokeInterface(
        "pool_broke_interface", f"{where} answered against the pool interface: {why}"
    )
