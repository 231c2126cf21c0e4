"""Business systems as commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterApplication(Command):
    """Enter a business system into the ledger (系统台账)."""

    code: str
    name_zh: str
    name_en: str
    department_id: str
    mlps_level: int
    zone: Zone
    dr_level: int
    dr_mode: DrMode
    xinchuang: bool
    important: bool
    classified: bool = False
    approval_document: str = ""
    fund_source: str = ""
    security_check_passed: bool = False
    filing_proof: str = ""


@handles(Role.DEPARTMENT_USER, Role.TECHNICAL_REVIEWER)
def register_application(
    world: World, command: RegisterApplication, actor: Actor, now: datetime
) -> Application:
    if not actor.has_for_city(Role.TECHNICAL_REVIEWER):
        owner = command.department_id
        require_in(actor, owner, "Organisation", owner, Role.DEPARTMENT_USER)
    if world.get(Organisation, command.department_id).kind is not OrganisationKind.DEPARTMENT:
        raise bad_value("department_id", f"{command.department_id} is not a department")
    if not 1 <= command.mlps_level <= 5:
        raise bad_value("mlps_level", "protection levels are 1 to 5")
    if not 1 <= command.dr_level <= 6:
        raise bad_value("dr_level", "disaster recovery levels are 1 to 6 (GB/T 20988)")
    return world.put(
        Application(
            id=next_id(world, "APP"),
            code=command.code,
            name_zh=command.name_zh,
            name_en=command.name_en,
            department_id=command.department_id,
            mlps_level=command.mlps_level,
            classified=command.classified,
            zone=command.zone,
            dr_level=command.dr_level,
            dr_mode=command.dr_mode,
            xinchuang=command.xinchuang,
            important=command.important,
            status=DeploymentStatus.PLANNED,
            approval_document=command.approval_document,
            fund_source=command.fund_source,
            security_check_passed=command.security_check_passed,
            filing_proof=command.filing_proof,
        )
    )
