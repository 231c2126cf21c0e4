"""The one table of topics: what people are told of, in which words, and who.

Owns words and audiences only. A topic that is emitted and does not stand here, or stands here and
is never emitted, fails a test: nobody would hear of it. Topics that are `owed` are the node's own
affair and no news for people.
"""

from __future__ import annotations

from cloudmgr.domain.access import Role
from cloudmgr.domain.billing import Statement
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.notifications_audiences import (
    ALL,
    AUTHORITY,
    CENTRE,
    DEPARTMENT,
    DESK,
    FINANCE,
    OFFICES,
    PROVIDER,
    SUBSCRIBER,
    city,
    county,
    topic,
)
from cloudmgr.domain.notifications_topics_work import ALLOCATIONS, OPENINGS, REQUESTS

# fmt: off
_CATALOG = (
    topic(
        "proposal_opened", ("目录变更征求意见", "目录变更建议 {proposal_id} 开始征求意见。"),
        ("Comments on the catalog", "Proposal {proposal_id} is open for comments."),
        ALL, OFFICES, open=True,
    ),
    topic(
        "proposal_heard", ("征求意见结束", "目录变更建议 {proposal_id} 的征求意见期已结束。"),
        ("The comments are in", "The time for comments on proposal {proposal_id} is over."),
        city(AUTHORITY, FINANCE),
    ),
    topic(
        "proposal_returned", ("目录变更建议被退回", "目录变更建议 {proposal_id} 已退回修改。"),
        ("A proposal was sent back", "Proposal {proposal_id} was sent back to be changed."),
        city(AUTHORITY),
    ),
    topic(
        "proposal_co_signed",
        ("目录变更建议已会签", "目录变更建议 {proposal_id} 已由财政会签，可以发布。"),
        ("A proposal was co-signed", "Proposal {proposal_id} was co-signed and may be published."),
        city(AUTHORITY),
    ),
    topic(
        "catalog_published", ("服务目录已发布", "目录版本 {catalog_version_id} 已发布。"),
        ("A catalog was published", "Catalog version {catalog_version_id} was published."),
        ALL, OFFICES, open=True,
    ),
    topic(
        "catalog_in_force", ("服务目录生效", "目录版本 {catalog_version_id} 自今日起生效。"),
        ("A catalog is in force", "Catalog version {catalog_version_id} is in force from today."),
        ALL, OFFICES, open=True,
    ),
    topic(
        "quote_submitted", ("报价待审核", "报价 {quote_id} 已提交。"),
        ("A quote to decide", "Quote {quote_id} was submitted."),
        city(AUTHORITY), PROVIDER,
    ),
    topic(
        "quote_in_force", ("报价已接受", "报价 {quote_id} 已接受。"),
        ("A quote was accepted", "Quote {quote_id} was accepted."),
        PROVIDER, city(FINANCE),
    ),
    topic(
        "quote_refused", ("报价未接受", "报价 {quote_id} 未被接受。"),
        ("A quote was refused", "Quote {quote_id} was refused."),
        PROVIDER,
    ),
    topic(
        "policy_published", ("政策版本已发布", "政策版本 {policy_id} 已发布。"),
        ("A policy was published", "Policy version {policy_id} was published."),
        OFFICES,
    ),
    topic(
        "policy_in_force", ("政策版本生效", "政策版本 {policy_id} 自今日起生效。"),
        ("A policy is in force", "Policy version {policy_id} is in force from today."),
        OFFICES,
    ),
)

_CONTRACTS = (
    topic(
        "contract_term_ending", ("合同将到期", "合同 {contract_id} 还有 {days_left} 天到期。"),
        ("A contract is ending", "Contract {contract_id} ends in {days_left} days."),
        city(AUTHORITY, FINANCE, DESK), PROVIDER, about=Contract,
    ),
    topic(
        "contract_total_running_out",
        ("合同金额将用尽", "合同 {contract_id} 的剩余金额不足以支撑到期。"),
        ("A contract's total runs out", "What is left of contract {contract_id} will not last."),
        city(AUTHORITY, FINANCE, DESK), PROVIDER, about=Contract,
    ),
    topic(
        "contract_ended", ("合同已终止", "合同 {contract_id} 已到期或终止。"),
        ("A contract has ended", "Contract {contract_id} has expired or was terminated."),
        city(AUTHORITY, FINANCE, DESK, CENTRE), PROVIDER, about=Contract,
    ),
    topic(
        "contract_amended", ("合同已变更", "合同 {contract_id} 有补充协议 {amendment_id}。"),
        ("A contract was amended", "Amendment {amendment_id} changes contract {contract_id}."),
        city(AUTHORITY, FINANCE), PROVIDER, about=Contract,
    ),
)

_MONEY = (
    topic(
        "statement_issued", ("月账单待确认", "用云账单 {subject} 已出具，请确认或提出异议。"),
        ("A statement to confirm", "Statement {subject} was issued; confirm it or object."),
        DEPARTMENT, county(FINANCE), about=Statement,
    ),
    topic(
        "statement_reminder",
        ("月账单仍待确认", "用云账单 {subject} 尚未答复；逾期未答复视为无异议。"),
        ("A statement still to confirm",
         "Statement {subject} waits for your answer; silence will count as confirmation."),
        DEPARTMENT, about=Statement,
    ),
    topic(
        "fiscal_year_turned",
        ("预算年度已结转", "{subject} 年度预算已开账，{left_out} 项未能占用。"),
        ("The fiscal year has turned", "The books of {subject} are open; {left_out} left out."),
        city(FINANCE),
    ),
    topic(
        "assessment_published", ("考核结果公示", "考核 {subject} 的结果开始公示。"),
        ("A score is published", "The score of assessment {subject} is open to appeals."),
        PROVIDER, city(AUTHORITY, FINANCE, Role.ASSESSOR),
    ),
    topic(
        "assessment_appealed", ("考核结果申诉", "考核 {subject} 收到申诉，请处理。"),
        ("A score is appealed", "An appeal against assessment {subject} waits for a decision."),
        city(AUTHORITY, Role.ASSESSOR), PROVIDER,
    ),
    topic(
        "appeal_undecided", ("申诉超期未处理", "考核 {subject} 的申诉期限已过，尚未处理。"),
        ("An appeal is undecided", "The appeal against assessment {subject} is past its time."),
        city(AUTHORITY),
    ),
    topic(
        "assessment_final", ("考核结果确定", "考核 {subject} 的结果已确定。"),
        ("A score is final", "The score of assessment {subject} is final."),
        PROVIDER, city(AUTHORITY, FINANCE),
    ),
)

_SUPPLY = (
    topic(
        "pool_contact", ("资源池连接状态变化", "资源池 {pool_id} 的连接状态为 {contact}。"),
        ("A pool's contact changed", "The contact to pool {pool_id} is {contact}."),
        PROVIDER, city(CENTRE, DESK),
    ),
    topic(
        "pool_alarm", ("资源池告警", "资源池 {pool_id} 上报告警 {alarm_id}。"),
        ("A pool's alarm", "Pool {pool_id} raised alarm {alarm_id}."),
        PROVIDER, city(CENTRE, DESK),
    ),
    topic(
        "drift_found", ("发现资源偏差", "资源池 {pool_id} 与台账不一致：{subject}。"),
        ("A difference to a pool", "Pool {pool_id} and our records differ: {subject}."),
        PROVIDER, city(CENTRE),
    ),
    topic(
        "migration_wave_overdue",
        ("迁移批次超期", "资源池 {pool_id} 的迁移批次 {subject} 超期，剩余 {remaining} 项。"),
        ("A migration wave is late", "Wave {subject} of pool {pool_id} has {remaining} left."),
        city(CENTRE, AUTHORITY), PROVIDER,
    ),
    topic(
        "pool_exit_overdue",
        ("资源池退出超期", "资源池 {pool_id} 已到退出日期，剩余 {remaining} 项。"),
        ("A pool's exit is late", "Pool {pool_id} should be empty and has {remaining} left."),
        city(CENTRE, AUTHORITY), PROVIDER,
    ),
    topic(
        "resource_list_made",
        ("云资源清单已生成", "{month} 云资源动态管理清单已生成，{below_waterline} 项低于水位线。"),
        ("The resource list is made", "{month}: {below_waterline} lines below the waterline."),
        city(CENTRE, DESK, AUTHORITY),
    ),
    topic(
        "certificate_expiring",
        ("证书将到期", "证书 {subject}（{subject_id}）将于 {expires_at} 到期。"),
        ("A certificate is expiring", "Certificate {subject} of {subject_id} ends {expires_at}."),
        PROVIDER, DEPARTMENT, city(CENTRE),
    ),
    topic(
        "certificate_expired",
        ("证书已到期", "证书 {subject}（{subject_id}）已于 {expires_at} 到期。"),
        ("A certificate has expired", "Certificate {subject} of {subject_id} ended {expires_at}."),
        PROVIDER, DEPARTMENT, city(CENTRE),
    ),
    topic(
        "certificate_revoked", ("证书已撤销", "证书 {subject}（{subject_id}）已撤销。"),
        ("A certificate was revoked", "Certificate {subject} of {subject_id} was revoked."),
        PROVIDER, DEPARTMENT, city(CENTRE),
    ),
    topic(
        "drill_overdue", ("容灾演练超期", "业务系统 {subject} 的容灾演练已超期。"),
        ("A drill is overdue", "Application {subject} owes a disaster recovery drill."),
        DEPARTMENT, city(CENTRE),
    ),
    topic(
        "backup_agreement_expired",
        ("备份合作协议已到期", "站点 {site_id} 的备份合作协议 {subject} 已到期。"),
        ("A backup agreement has ended", "Agreement {subject} for site {site_id} has ended."),
        city(CENTRE, AUTHORITY),
    ),
)

_NODE = (
    topic(
        "organisation_renamed", ("单位名称变更", "{before} 更名为 {after}。"),
        ("An organisation was renamed", "{before} is now called {after}."),
        DEPARTMENT, PROVIDER, OFFICES, city(Role.SYSTEM_ADMIN),
    ),
    topic(
        "reorganisation_planned",
        ("机构改革将执行", "机构调整 {reorganisation_id} 将于 {effective_at} 执行。"),
        ("A reorganisation is planned",
         "Reorganisation {reorganisation_id} takes effect at {effective_at}."),
        DEPARTMENT, OFFICES, county(Role.COUNTY_REVIEWER, FINANCE),
    ),
    topic(
        "reorganisation_carried_out", ("机构改革已执行", "机构调整 {reorganisation_id} 已执行。"),
        ("A reorganisation took effect", "Reorganisation {reorganisation_id} was carried out."),
        DEPARTMENT, OFFICES, county(Role.COUNTY_REVIEWER, FINANCE),
    ),
    topic(
        "sign_in_blocked", ("登录被限制", "多次登录失败，{until} 前限制登录：{subject}。"),
        ("Signing in is blocked", "After many failures, until {until}: {subject}."),
        city(Role.SECURITY_ADMIN), private=True,
    ),
    topic(
        "audit_head", ("审计链日摘要", "{day} 审计链止于第 {sequence} 条。"),
        ("The audit's head of a day", "On {day} the audit chain ends with event {sequence}."),
        city(Role.AUDIT_ADMIN),
    ),
    topic(
        "webhook_dead",
        ("推送失败", "推送 {delivery_id} 多次失败，已停止重试（订阅 {webhook_id}）。"),
        ("A delivery was given up",
         "Delivery {delivery_id} of webhook {webhook_id} failed too often and rests."),
        SUBSCRIBER, private=True,
    ),
)
# fmt: on

TOPICS = {
    each.name: each
    for each in (
        *REQUESTS,
        *ALLOCATIONS,
        *OPENINGS,
        *_CATALOG,
        *_CONTRACTS,
        *_MONEY,
        *_SUPPLY,
        *_NODE,
    )
}
"""Topic by its name."""
