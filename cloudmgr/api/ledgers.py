"""Routes of ledgers as spreadsheets: a template to fill in, its import, and what is known."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route
from cloudmgr.services.commands import Command
from cloudmgr.services.ledgers import (
    ImportApplications,
    ImportMachineRooms,
    ImportNetworks,
    ImportOrganisations,
)
from cloudmgr.services.ledgers_sheets import SHEETS, exported, ledger_template

router = APIRouter(tags=["ledgers"])

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORTS: dict[str, type[Command]] = {
    "organisation": ImportOrganisations,
    "application": ImportApplications,
    "machine_room": ImportMachineRooms,
    "network": ImportNetworks,
}


def _routes(ledger: str, command: type[Command]) -> None:
    """One ledger's import, the template for it, and the ledger in the same columns."""
    path = f"/{ledger.replace('_', '-')}-imports"
    title = SHEETS[ledger].title
    command_route(
        router, path, command, {"file_id": "FILE-00000001", "check_only": True}, status=201
    )

    def template(edge: EdgeOf, secret: SecretOf) -> Response:
        """The columns of an import with one row as an example, and a sheet that explains them."""
        with edge.reading(secret):
            pass
        return download(f"{title}导入模板.xlsx", XLSX, ledger_template(ledger))

    def export(edge: EdgeOf, secret: SecretOf) -> Response:
        """What the caller sees of the ledger, in the columns that an import reads again."""
        with edge.reading(secret) as (world, actor, _):
            book = exported(world, actor, ledger)
        return download(f"{title}.xlsx", XLSX, book)

    for name, summary, endpoint in (
        ("template", "Workbook to fill in", template),
        ("export", "The ledger as a workbook", export),
    ):
        router.add_api_route(
            f"{path}/{name}.xlsx",
            endpoint,
            methods=["GET"],
            operation_id=f"get_{ledger}_{name}",
            summary=f"{summary}: {title}",
            response_class=Response,
            responses={
                200: {"content": {XLSX: {"schema": {"type": "string"}}}},
                **responses(401),
            },
        )


for _ledger, _command in IMPORTS.items():
    _routes(_ledger, _command)
