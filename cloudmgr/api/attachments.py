"""Routes of what is attached to requests; files themselves are sent to `/files`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.files import AS_SENT, download
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.attachments import Attachment
from cloudmgr.services.attachments import AttachFile, DetachFile, attached_content
from cloudmgr.services.requests_evidence import seen_attachment

router = APIRouter(tags=["requests"])

list_route(router, "/attachments", Attachment, "request_id", "department_id", "kind", "state")
get_route(router, "/attachments/{id}", Attachment)
command_route(
    router,
    "/requests/{request_id}/attachments",
    AttachFile,
    {"file_id": "FILE-00000001", "label": "盖章扫描件", "kind": "stamped_form"},
    status=201,
)
command_route(router, "/attachments/{attachment_id}/removal", DetachFile, {})


@router.get(
    "/attachments/{id}/content",
    operation_id="get_attachment_content",
    summary="Fetch an attached file",
    response_class=Response,
    responses={
        200: {"content": AS_SENT},
        **responses(401, 404, 422),
    },
)
def attachment_content(edge: EdgeOf, secret: SecretOf, id: Id) -> Response:
    """The bytes as they were uploaded, for whoever sees the request or may sign it now."""
    with edge.reading(secret) as (world, actor, now):
        attachment = seen_attachment(world, actor, id, now)
        data = attached_content(world, attachment)
    return download(attachment.name, attachment.media_type, data)
