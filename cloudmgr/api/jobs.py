"""Routes of long jobs."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.jobs import Job
from cloudmgr.services.jobs import CancelJob, HurryJob

router = APIRouter(tags=["jobs"])

list_route(router, "/jobs", Job, "state", "kind", "subject")
get_route(router, "/jobs/{id}", Job)
command_route(router, "/jobs/{job_id}/cancellation", CancelJob, {"reason": "wrong file"})
command_route(router, "/jobs/{job_id}/hurry", HurryJob, {})
