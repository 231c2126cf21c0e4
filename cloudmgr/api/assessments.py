"""Routes of assessments and the schemes they are scored by."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.assessment import Assessment, AssessmentScheme
from cloudmgr.services.assessments import (
    AppealAssessment,
    PublishAssessment,
    ResolveAppeal,
    ScoreAssessment,
)

router = APIRouter(tags=["assessments"])

list_route(router, "/assessment-schemes", AssessmentScheme)
get_route(router, "/assessment-schemes/{id}", AssessmentScheme)
list_route(router, "/assessments", Assessment, "cycle", "provider_id", "state")
get_route(router, "/assessments/{id}", Assessment)
command_route(router, "/assessment-cycles/{cycle}/scores", ScoreAssessment, {})
command_route(router, "/assessments/{assessment_id}/publication", PublishAssessment, {})
command_route(
    router,
    "/assessments/{assessment_id}/appeal",
    AppealAssessment,
    {"text": "部分工单因甲方条件不具备而延期"},
)
command_route(
    router,
    "/assessments/{assessment_id}/resolution",
    ResolveAppeal,
    {"accepted": False, "opinion": "经核查,维持原评分"},
)
