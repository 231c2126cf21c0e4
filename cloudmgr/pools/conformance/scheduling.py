"""What a pool owes at the scheduling level (调度级): orders, done once and as ordered.

Each function is one check on the throw-away resource of the run. Orders are followed by their key,
so that a wrong operation id fails its own check only.
"""

from __future__ import annotations

from dataclasses import replace

from catalog.quantity import summed
from cloudmgr.domain.pools_interface import (
    KEY_REUSED_CODE,
    UNKNOWN_RESOURCE_CODE,
    OperationStatus,
    OrderAction,
    PoolOperation,
    PoolResource,
    ResizeOrder,
)
from cloudmgr.pools import interface
from cloudmgr.pools.conformance.probe import CheckFailed, Probe
from cloudmgr.pools.exchange import Answer, escaped

PROVISION = "provision"
SETTLING_PAUSES = 3
"""How long a second resource is given to show itself after a repeated order."""


def order_accepted(probe: Probe) -> None:
    operation = probe.value(PoolOperation, _provision(probe), 202)
    _is_of(operation, probe.key(PROVISION), OrderAction.PROVISION)
    if operation.reference != probe.settings.reference:
        raise CheckFailed(f"the operation carries reference {operation.reference!r}, not ours")
    probe.found.operation = operation


def key_found(probe: Probe) -> None:
    key = probe.key(PROVISION)
    _is_of(probe.read(PoolOperation, f"/keys/{key}/operation"), key, OrderAction.PROVISION)


def operation_found(probe: Probe) -> None:
    operation = probe.found.operation
    assert operation is not None
    found = probe.read(PoolOperation, f"/operations/{escaped(operation.id)}")
    _is_of(found, probe.key(PROVISION), OrderAction.PROVISION)


def order_ends(probe: Probe) -> None:
    probe.found.operation = probe.succeeded(probe.key(PROVISION))


def resource_exists(probe: Probe) -> None:
    operation = probe.found.operation
    assert operation is not None
    id = operation.resource_id or ""
    resource = probe.resource(id)
    if resource is None:
        raise CheckFailed(f"the order succeeded with {id}, and there is no such resource")
    if resource not in probe.resources():
        raise CheckFailed(f"{id} can be read and is not in the list as it is read")
    probe.found.resource = resource


def reference_kept(probe: Probe) -> None:
    resource = _read_again(probe)
    if resource.reference != probe.settings.reference:
        raise CheckFailed(f"{resource.id} carries reference {resource.reference!r}, not ours")


def size_as_ordered(probe: Probe) -> None:
    _same_size(_read_again(probe), _size(probe, factor=1))


def key_repeated(probe: Probe) -> None:
    first = probe.read(PoolOperation, f"/keys/{probe.key(PROVISION)}/operation")
    before = _ours(probe)
    again = probe.value(PoolOperation, _provision(probe), 202)
    _is_of(again, probe.key(PROVISION), OrderAction.PROVISION)
    for _ in range(SETTLING_PAUSES):
        after = _ours(probe)
        if after != before:
            raise CheckFailed(f"the same order made another resource: {sorted(after - before)}")
        probe.pause()
    if probe.read(PoolOperation, f"/keys/{probe.key(PROVISION)}/operation") != first:
        raise CheckFailed("the same order changed its operation")


def key_reused(probe: Probe) -> None:
    other = replace(probe.order(factor=2), reference=f"{probe.settings.reference}-other")
    answer = probe.send("POST", "/resources", key=probe.key(PROVISION), body=interface.write(other))
    probe.refused(answer, 409, KEY_REUSED_CODE)


def resize_done(probe: Probe) -> None:
    resource, key = _resource(probe), probe.key("resize")
    order = _size(probe, factor=2)
    path = f"/resources/{escaped(resource.id)}/resize"
    answer = probe.send("POST", path, key=key, body=interface.write(order))
    _is_of(probe.value(PoolOperation, answer, 202), key, OrderAction.RESIZE)
    probe.succeeded(key)
    resized = probe.resource(resource.id)
    if resized is None:
        raise CheckFailed(f"{resource.id} is gone after its resize")
    _same_size(resized, order)


def unknown_resource_fails(probe: Probe) -> None:
    key = probe.key("release-none")
    answer = probe.send("POST", f"/resources/{probe.settings.reference}-none/release", key=key)
    _is_of(probe.value(PoolOperation, answer, 202), key, OrderAction.RELEASE)
    ended = probe.ended(key)
    if (ended.status, ended.code) != (OperationStatus.FAILED, UNKNOWN_RESOURCE_CODE):
        raise CheckFailed(
            f"the release of nothing ended {ended.status} {ended.code!r} instead of failed "
            f"{UNKNOWN_RESOURCE_CODE!r}"
        )


def release_done(probe: Probe) -> None:
    resource = _resource(probe)
    release(probe, resource.id, probe.key("release"))
    if probe.resource(resource.id) is not None:
        raise CheckFailed(f"{resource.id} was released and can still be read")
    if resource.id in {each.id for each in probe.resources()}:
        raise CheckFailed(f"{resource.id} was released and is still listed")


def release_repeated(probe: Probe) -> None:
    resource, key = _resource(probe), probe.key("release")
    first = probe.read(PoolOperation, f"/keys/{key}/operation")
    again = probe.value(PoolOperation, _release(probe, resource.id, key), 202)
    if again != first:
        raise CheckFailed(f"the same release gave operation {again.id} {again.status}")


def release(probe: Probe, id: str, key: str) -> None:
    """Order the release and see it succeed."""
    answer = _release(probe, id, key)
    _is_of(probe.value(PoolOperation, answer, 202), key, OrderAction.RELEASE)
    probe.succeeded(key)


def _provision(probe: Probe) -> Answer:
    body = interface.write(probe.order())
    return probe.send("POST", "/resources", key=probe.key(PROVISION), body=body)


def _release(probe: Probe, id: str, key: str) -> Answer:
    return probe.send("POST", f"/resources/{escaped(id)}/release", key=key)


def _is_of(operation: PoolOperation, key: str, action: OrderAction) -> None:
    if (operation.key, operation.action) != (key, action):
        raise CheckFailed(
            f"operation {operation.id} is {operation.action} {operation.key}, asked was {action} "
            f"{key}"
        )


def _size(probe: Probe, *, factor: int) -> ResizeOrder:
    order = probe.order(factor=factor)
    return ResizeOrder(sku_id=order.sku_id, quantity=order.quantity, amounts=order.amounts)


def _same_size(resource: PoolResource, order: ResizeOrder) -> None:
    has = (resource.sku_id, resource.quantity, summed(resource.amounts))
    ordered = (order.sku_id, order.quantity, summed(order.amounts))
    if has != ordered:
        raise CheckFailed(f"{resource.id} has {_shown(has)}, ordered was {_shown(ordered)}")


def _shown(size: tuple[str, int, tuple[object, ...]]) -> str:
    sku_id, quantity, amounts = size
    return f"{quantity} × {sku_id} with {interface.write(list(amounts))}"


def _ours(probe: Probe) -> set[str]:
    return {each.id for each in probe.resources() if each.reference == probe.settings.reference}


def _resource(probe: Probe) -> PoolResource:
    assert probe.found.resource is not None, "resource-exists has not passed"
    return probe.found.resource


def _read_again(probe: Probe) -> PoolResource:
    resource = probe.resource(_resource(probe).id)
    if resource is None:
        raise CheckFailed(f"{_resource(probe).id} was there a moment ago and is gone")
    return resource
