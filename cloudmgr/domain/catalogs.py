"""Published catalog versions as records: the paper, and apart from it the content.

What a catalog is and when it may be published is `catalog.versions`; this keeps it with the node.
The content is a record of its own, read once per process, because it is large and never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.prices import Ceiling
from catalog.skus import FigureKind, Flavor, Sku
from catalog.standards import ServiceStandard
from catalog.versions import CatalogVersion
from cloudmgr.domain.values import Value

OFF_CATALOG = "off-catalog"
"""What the ids of agreements (一事一议) begin with; no catalog item's does. A contract that lists
what it covers lists agreements by this word."""


def is_off_catalog(sku_id: str) -> bool:
    """Whether a Sku is an agreement's and not the catalog's."""
    return sku_id.startswith(OFF_CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCatalog(Value):
    """One published `CatalogVersion`, whose id it has; `digest` is that of its content."""

    document_number: str
    effective_from: datetime
    kind: FigureKind
    note: str
    sku_count: int
    digest: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogContent(Value):
    """What a published catalog says; `id` is the version's."""

    skus: tuple[Flavor | Sku, ...]
    standards: tuple[ServiceStandard, ...]
    ceilings: tuple[Ceiling, ...]


def content_of(version: CatalogVersion) -> CatalogContent:
    return CatalogContent(
        id=version.id,
        skus=version.skus,
        standards=version.standards,
        ceilings=version.ceilings,
    )


def published(version: CatalogVersion, digest: str, published_at: datetime) -> PublishedCatalog:
    return PublishedCatalog(
        id=version.id,
        document_number=version.document_number,
        effective_from=version.effective_from,
        kind=version.kind,
        note=version.note,
        sku_count=len(version.skus),
        digest=digest,
        published_at=published_at,
    )


def whole(head: PublishedCatalog, content: CatalogContent) -> CatalogVersion:
    """The version as the price book reads it."""
    return CatalogVersion(
        id=head.id,
        document_number=head.document_number,
        effective_from=head.effective_from,
        kind=head.kind,
        skus=content.skus,
        standards=content.standards,
        ceilings=content.ceilings,
        note=head.note,
    )
