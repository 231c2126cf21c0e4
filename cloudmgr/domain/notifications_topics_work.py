"""The table of topics, first part: requests, what runs, and going live.

Owns words and audiences only; the whole table is `notifications_topics.TOPICS`.
"""

from __future__ import annotations

from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.notifications_audiences import (
    AUTHORITY,
    CENTRE,
    DEPARTMENT,
    DESK,
    FINANCE,
    NAMED,
    OFFICES,
    PROVIDER,
    city,
    topic,
)
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.workorders import WorkOrder

# fmt: off
REQUESTS = (
    topic(
        "signature_asked", ("待签批", "申请 {request_id} 等待您签批，步骤 {step}。"),
        ("Your signature is asked", "Request {request_id} waits for you at step {step}."),
        NAMED, about=ResourceRequest,
    ),
    topic(
        "signature_reminder", ("签批提醒", "申请 {request_id} 仍在等待您签批，步骤 {step}。"),
        ("Still waiting for you", "Request {request_id} still waits for you at step {step}."),
        NAMED, about=ResourceRequest,
    ),
    topic(
        "signature_overdue", ("签批超期", "申请 {request_id} 的步骤 {step} 已超期，您可以签批。"),
        ("A signature is overdue",
         "Request {request_id} is overdue at step {step}; you may sign."),
        NAMED, about=ResourceRequest,
    ),
    topic(
        "delivery_reminder",
        ("请确认交付", "申请 {subject} 已交付，请确认；逾期未答复视为无异议。"),
        ("Confirm the delivery",
         "Request {subject} was delivered; answer, or silence will count as confirmation."),
        DEPARTMENT, about=ResourceRequest,
    ),
    topic(
        "delivery_uncovered",
        ("交付未确认：合同未覆盖",
         "申请 {request_id} 的交付没有有效合同覆盖，未能视为确认，请处理。"),
        ("A delivery without a contract",
         "No contract in force covers request {request_id}; silence confirmed nothing: decide."),
        DEPARTMENT, city(DESK, AUTHORITY), about=ResourceRequest,
    ),
    topic(
        "delegation_given", ("您受托签批", "委托 {delegation_id}：请在其期间代为签批。"),
        ("You sign for somebody", "Delegation {delegation_id} lets you sign for another person."),
        NAMED,
    ),
    topic(
        "delegation_revoked", ("委托已撤销", "委托 {delegation_id} 已撤销，您不再代为签批。"),
        ("A delegation was taken back", "Delegation {delegation_id} has ended."),
        NAMED,
    ),
)

OPENINGS = (
    topic(
        "opening_uploaded",
        ("期初数据待核对", "期初建账 {opening_id} 第 {round} 次上传，请逐行核对。"),
        ("Opening data to check",
         "Opening {opening_id} was uploaded (round {round}); check your lines."),
        DEPARTMENT, PROVIDER,
    ),
    topic(
        "opening_reminder", ("期初数据仍待核对", "期初建账 {opening_id} 尚有贵单位未答复的行。"),
        ("Opening data still to check", "Lines of opening {opening_id} still wait for your word."),
        DEPARTMENT, PROVIDER,
    ),
    topic(
        "opening_line_objected",
        ("期初数据有异议", "期初建账 {opening_id} 的行 {line_id} 被提出异议。"),
        ("An opening line was objected to", "Line {line_id} of opening {opening_id} was refused."),
        city(DESK, AUTHORITY),
    ),
    topic(
        "opening_blocked",
        ("期初建账未能入账", "期初建账 {opening_id} 有 {faults} 处错误，未入账。"),
        ("An opening did not go live", "Opening {opening_id} has {faults} faults; nothing is in."),
        city(DESK, AUTHORITY, FINANCE),
    ),
    topic(
        "opening_live", ("期初建账已入账", "期初建账 {opening_id} 已入账，{left_out} 行未列入。"),
        ("An opening is live", "Opening {opening_id} is in the books; {left_out} lines left out."),
        OFFICES,
    ),
)

ALLOCATIONS = (
    topic(
        "allocation_started", ("资源已开机", "资源 {allocation_id} 按计划或指令恢复运行。"),
        ("A resource was started", "Allocation {allocation_id} runs again."),
        PROVIDER, DEPARTMENT, about=Allocation,
    ),
    topic(
        "allocation_stopped", ("资源已停机", "资源 {allocation_id} 已停用。"),
        ("A resource was stopped", "Allocation {allocation_id} was stopped."),
        PROVIDER, DEPARTMENT, about=Allocation,
    ),
    topic(
        "schedule_refused",
        ("计划操作未执行", "资源 {allocation_id} 的计划操作 {action} 未能执行。"),
        ("A schedule was not kept", "The action {action} of allocation {allocation_id} failed."),
        DEPARTMENT, about=Allocation,
    ),
    topic(
        "trial_extension_asked", ("试运行延期申请", "资源 {allocation_id} 申请延长试运行。"),
        ("A longer trial is asked", "Allocation {allocation_id} asks for a longer trial."),
        DEPARTMENT, city(CENTRE, DESK), about=Allocation,
    ),
    topic(
        "trial_extension_decided",
        ("试运行延期已答复", "资源 {allocation_id} 的延期申请：{state}。"),
        ("A longer trial is decided", "The extension of allocation {allocation_id}: {state}."),
        DEPARTMENT, about=Allocation,
    ),
    topic(
        "protected_period_declared",
        ("重保期已公布", "重保期 {period_id}：{starts_at} 至 {ends_at}。"),
        ("A protected period", "Period {period_id} runs from {starts_at} to {ends_at}."),
        DEPARTMENT, OFFICES,
    ),
    topic(
        "protected_period_cancelled", ("重保期已取消", "重保期 {period_id} 已取消。"),
        ("A protected period is off", "Period {period_id} was cancelled."),
        DEPARTMENT, OFFICES,
    ),
    topic(
        "temporary_expiry_notice",
        ("临时资源将到期", "临时资源 {allocation_id} 将于 {term_end} 到期并收回。"),
        ("A temporary resource ends",
         "Allocation {allocation_id} ends {term_end} and is taken back."),
        DEPARTMENT, about=Allocation,
    ),
    topic(
        "temporary_overdue",
        ("临时资源已到期", "临时资源 {allocation_id} 已于 {term_end} 到期，请退出。"),
        ("A temporary resource is overdue",
         "Allocation {allocation_id} ended {term_end}: release it."),
        DEPARTMENT, city(CENTRE, DESK), about=Allocation,
    ),
    topic(
        "temporary_reclaim_opened", ("临时资源开始收回", "临时资源 {allocation_id} 的收回已开始。"),
        ("A resource is being taken back", "Taking back allocation {allocation_id} has begun."),
        DEPARTMENT, city(CENTRE, DESK),
    ),
    topic(
        "term_reminder",
        ("使用期将满", "资源 {allocation_id} 的使用期将于 {term_end} 届满，请续期或退出。"),
        ("A term is ending",
         "The term of allocation {allocation_id} ends {term_end}: renew or release it."),
        DEPARTMENT, about=Allocation,
    ),
    topic(
        "allocation_past_term",
        ("使用期已满", "资源 {allocation_id} 的使用期已于 {term_end} 届满，仍在运行。"),
        ("Running past its term", "Allocation {allocation_id} runs on; its term ended {term_end}."),
        DEPARTMENT, city(CENTRE, DESK), about=Allocation,
    ),
    topic(
        "allocation_scaled", ("弹性伸缩", "资源 {allocation_id} 已在批准范围内伸缩。"),
        ("A resource was scaled", "Allocation {allocation_id} was scaled within its bounds."),
        PROVIDER, DEPARTMENT, about=Allocation,
    ),
    topic(
        "release_papers_wanted", ("退出资料待补", "工单 {work_order_id} 的退出资料尚未齐备。"),
        ("Release papers are wanted",
         "Work order {work_order_id} waits for its release papers."),
        PROVIDER, city(DESK), about=WorkOrder,
    ),
)
# fmt: on
