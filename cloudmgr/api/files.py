"""Routes of files: sent as a form, listed without their content, fetched as they were sent."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Response, UploadFile

from cloudmgr.api.edge import EdgeOf, IdempotencyKey, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, get_route, list_route
from cloudmgr.domain.access import Role
from cloudmgr.domain.files import FORMATS, StoredFile
from cloudmgr.services import codec, files

router = APIRouter(tags=["files"])

AS_SENT = {
    media_type: {"schema": {"type": "string", "format": "binary"}}
    for media_type in sorted({each.media_type for each in FORMATS.values()})
}
"""A file is told as what it was found to be when it was sent."""

list_route(router, "/files", StoredFile, "organisation_id", "sha256")
get_route(router, "/files/{id}", StoredFile)


@router.post(
    "/files",
    operation_id="upload_file",
    summary="Upload File",
    description="At most 20 MiB. The ending of the name and the content must agree. The SHA-256 is "
    f"kept.\n\nRoles: {', '.join(sorted(Role))}.",
    status_code=201,
    response_model=StoredFile,
    responses=responses(401, 403, 404, 409, 413, 422),
)
def upload(
    edge: EdgeOf,
    secret: SecretOf,
    file: Annotated[UploadFile, File(description="PDF, OFD, PNG, JPEG, XLSX, DOCX, CSV, TOML")],
    organisation_id: Annotated[str, Form(max_length=160)] = "",
    idempotency_key: IdempotencyKey = None,
    request_id: RequestId = None,
) -> Any:
    command = files.UploadFile(
        name=file.filename or "", data=file.file.read(), organisation_id=organisation_id
    )
    sent = edge.perform(secret, command, key=idempotency_key, request_id=request_id or "")
    return Response(codec.text(codec.dump(sent)), status_code=201, media_type="application/json")


@router.get(
    "/files/{id}/content",
    operation_id="get_file_content",
    summary="Fetch what a file holds",
    response_class=Response,
    responses={
        200: {"content": AS_SENT},
        **responses(401, 404, 422),
    },
)
def content(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """The bytes as they were sent, always as a download."""
    with edge.reading(secret) as (world, actor, _):
        file, data = files.file_content(world, id, actor)
    return download(file.name, file.media_type, data)


def download(name: str, media_type: str, data: bytes) -> Response:
    """A file for saving; never shown in the page, whatever a browser makes of its content."""
    return Response(
        data,
        media_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
        },
    )
