"""Tables of regions, organisations, people, their roles and tokens."""

from __future__ import annotations

from cloudmgr.domain.parties import Organisation, Region, RoleGrant, Token, User
from cloudmgr.store.mapper import row_of

RegionRow = row_of(Region, index=("parent_id",))
OrganisationRow = row_of(
    Organisation,
    index=("kind", "region_id", "budget_unit_code", "social_credit_code", "successor_id"),
)
UserRow = row_of(User)
RoleGrantRow = row_of(RoleGrant, index=("user_id", "organisation_id"))
TokenRow = row_of(Token, index=("user_id",))
