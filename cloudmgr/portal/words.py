"""Every word that people read on the pages, in Chinese and in English; none stands elsewhere.

Names come from the records, Chinese states from the nouns' own tables of states; picking a
language is `language`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Text(NamedTuple):
    """One thing said in both languages, with the same `{fields}`."""

    zh: str
    en: str


def _catalog(**texts: tuple[str, str]) -> Mapping[str, Text]:
    return MappingProxyType({key: Text(*both) for key, both in texts.items()})


TEXTS = _catalog(
    # The frame of every page.
    product=("政务云管理节点", "Government cloud node"),
    heading=("政务云运行总览", "Government cloud overview"),
    rehearsal=("模拟环境", "Rehearsal"),
    rehearsal_why=(
        "本页的单位、账单、考核与结算均为模拟数据，不是真实业务。",
        "Departments, bills, scores and settlements on this page are simulated, not real.",
    ),
    sample=("示例参数", "Sample parameters"),
    sample_why=(
        "标有“示例参数”的价格、时限、权重与系数没有城市公布过，仅为示例，可按本地文件修改。",
        "What is marked “sample parameters” no city has published; put your own documents in.",
    ),
    skip=("跳到正文", "Skip to the content"),
    switch=("English", "中文"),
    docs=("接口文档", "API documentation"),
    back=("返回最新月份", "Back to the latest month"),
    sections=("本页内容", "On this page"),
    months=("月份", "Months"),
    earlier=("上一月", "Previous month"),
    later=("下一月", "Next month"),
    as_of=("数据截至 {at}", "As of {at}"),
    none_yet=("尚无", "None yet"),
    all=("合计", "Total"),
    yuan=("单位：元", "in yuan"),
    scroll=("{what}，可左右滚动", "{what}, scrolls sideways"),
    # Key figures.
    figures=("关键数字", "Key figures"),
    billed=("本月用云费用", "Billed this month"),
    billed_more=("账单 {count} 张，已确认 {confirmed} 张", "{confirmed} of {count} confirmed"),
    settled=("应付云服务商", "Payable to providers"),
    settled_deducted=("考核扣减 {amount}", "Deducted {amount}"),
    settled_paid=("已支付 {amount}", "Paid {amount}"),
    departments=("用云单位", "Departments"),
    departments_more=("有账单 {count} 家", "{count} with a statement"),
    systems=("业务系统", "Systems"),
    systems_more=("系统台账在册", "In the ledger"),
    allocations=("运行中的资源", "Allocations"),
    allocations_more=("本月末", "Running at month end"),
    allocations_now=("此刻", "Running now"),
    mean_cpu=("平均 CPU 使用率", "Mean CPU use"),
    mean_cpu_more=("占物理核", "Of physical cores"),
    vcpu_allocated=("vCPU 分配率 {share}", "{share} of vCPU allocated"),
    open_month=(
        "本月尚未关账：费用、考核与结算在关账后产生。",
        "This month is not closed: bills, scores and settlements follow the close.",
    ),
    # Requests.
    requests=("申请办理情况", "Requests by outcome"),
    requests_lead=("本月提出 {count} 件申请。", "Requests entered this month: {count}."),
    requests_caption=("本月申请，按类型和办理结果（件）", "Requests by kind and outcome"),
    request_kind=("申请类型", "Kind"),
    outcome_completed=("已办结", "Completed"),
    outcome_under_way=("办理中", "Under way"),
    outcome_refused=("未通过", "Refused"),
    outcome_ended=("撤回或终止", "Withdrawn or ended"),
    outcome_states=("其中：{states}", "By state: {states}"),
    no_requests=("本月没有申请。", "Nobody asked for anything this month."),
    kind_new=("新增", "New"),
    kind_change=("变更", "Change"),
    kind_migrate_in=("迁移上云", "Migration"),
    kind_relocate=("跨池迁移", "Relocation"),
    kind_renew=("续期", "Renewal"),
    kind_release=("退出", "Release"),
    kind_temporary=("临时", "Temporary"),
    kind_emergency=("应急", "Emergency"),
    # Pools.
    pools=("资源池", "Resource pools"),
    pools_lead=(
        "容量为截至时点；CPU 使用率为本月每小时用量占物理核的比例。",
        "Capacity as of now; CPU use is the month's hourly use of the physical cores.",
    ),
    pools_caption=("各资源池的容量与使用", "Capacity and use by pool"),
    pool=("资源池", "Pool"),
    vcpu=("vCPU（个）", "vCPU"),
    memory=("内存（GiB）", "Memory (GiB)"),
    cpu=("CPU 使用率", "CPU use"),
    offered=("可分配", "Offered"),
    allocated=("已分配", "Allocated"),
    held=("预占", "Held"),
    reserved=("保留", "Reserved"),
    free=("空闲", "Free"),
    allocated_share=("分配率", "Share"),
    mean=("平均", "Mean"),
    peak=("最高", "Peak"),
    cpu_bar=("平均 {mean}，最高 {peak}", "mean {mean}, peak {peak}"),
    capacity_bar=(
        "已分配 {allocated}，预占 {held}，保留 {reserved}，空闲 {free}",
        "allocated {allocated}, held {held}, reserved {reserved}, free {free}",
    ),
    no_pools=("还没有纳管资源池。", "No pool has been onboarded yet."),
    pool_general=("通用", "General"),
    pool_xinchuang=("信创", "Xinchuang"),
    pool_industry=("行业云", "Industry"),
    pool_security=("安全资源池", "Security"),
    pool_cryptography=("密码资源池", "Cryptography"),
    pool_backup=("备份中心", "Backup centre"),
    pool_edge=("边缘", "Edge"),
    # Departments.
    bills=("各单位用云费用", "Departments by amount"),
    bills_lead=(
        "按金额排列；“视为无异议”指逾期未答复。",
        "By amount; “deemed” where nobody answered in time.",
    ),
    bills_caption=("各单位本月账单", "Statements of the month"),
    rank=("序号", "No."),
    department=("单位", "Department"),
    region=("区划", "Region"),
    running=("运行资源", "Running"),
    amount=("金额", "Amount"),
    part=("占比", "Share"),
    statement_state=("账单状态", "Statement"),
    deemed=("视为无异议", "deemed"),
    no_departments=("还没有用云单位。", "There is no department yet."),
    # Scores.
    scores=("云服务商考核", "Provider scores"),
    scores_caption=(
        "本周期得分、各维度得分与结算系数",
        "Scores of the cycle, by dimension, and the coefficient they give",
    ),
    provider=("云服务商", "Provider"),
    score=("得分", "Score"),
    coefficient=("结算系数", "Coefficient"),
    working=("计算过程", "Working"),
    exactly=("即 {fraction}", "exactly {fraction}"),
    vetoed=("一票否决", "vetoed"),
    state=("状态", "State"),
    no_scores=("本周期尚未评分。", "The cycle is not scored yet."),
    working_at_least=(
        "{score} 分不低于 {floor} 分，系数 {value}",
        "{score} is at least {floor}: {value}",
    ),
    working_below=(
        "{score} 分低于 {floor} 分，暂停支付，待核定",
        "{score} is below {floor}; payment is held",
    ),
    working_no_score=("没有可评的指标，暂停支付", "nothing could be judged; payment is held"),
    working_decided=("经两人核定为 {value}：{reason}", "decided by two people: {value}; {reason}"),
    # Settlements.
    settlements=("结算", "Settlements"),
    settlements_caption=(
        "各云服务商本周期结算，各付款方与合同合计",
        "Settlements of the cycle, added up over payers and contracts",
    ),
    papers=("结算单", "Papers"),
    gross=("应结金额", "Gross"),
    credits=("服务抵扣", "Service credits"),
    deduction=("考核扣减", "Deduction"),
    payable=("应付金额", "Payable"),
    paid=("已支付", "Paid"),
    no_settlements=("本周期尚无结算单。", "No settlement has been drafted yet."),
    # What the figures stand on.
    evidence=("账实与审计", "What the figures stand on"),
    journal=("内部往来账差额", "Journal balance"),
    journal_more=("内部往来，非法定账簿", "Internal accounts, not statutory books"),
    audit=("审计事件", "Audit events"),
    audit_more=("逐条哈希相连", "Each hashed over the one before"),
    usage=("用量读数", "Meter readings"),
    usage_more=(
        "{batches} 批；接收 {accepted}，隔离 {quarantined}",
        "Batches {batches}; accepted {accepted}, quarantined {quarantined}",
    ),
    # The application form of a request.
    form_title=("政务云资源申请审批表", "Application for government cloud resources"),
    form_number=("申请编号：{id}", "No. {id}"),
    form_state=("办理状态：{state}", "State: {state}"),
    form_printed=("打印时间：{at}", "Printed: {at}"),
    form_sample_why=(
        "本表所依据的价格上限、审批门槛或时限没有城市公布过，仅为示例。",
        "Ceilings, thresholds or clocks behind this form were published by no city.",
    ),
    form_who=("一、申请信息", "1. The applicant"),
    form_department=("申请单位", "Department"),
    form_unit_code=("预算单位编码", "Budget unit"),
    form_submitter=("经办人", "Submitted by"),
    form_submitted=("提交时间", "Submitted"),
    form_not_submitted=("尚未提交", "Not yet"),
    form_application=("业务系统", "System"),
    form_approval_document=("项目批复文号", "Project approval"),
    form_mlps=("等保与网络域", "MLPS, network"),
    form_mlps_level=("等保{level}级", "Level {level}"),
    form_zone_internet=("互联网区", "Internet"),
    form_zone_extranet=("政务外网区", "Extranet"),
    form_zone_video=("视频专网区", "Video network"),
    form_needs=("信创与重要性", "Needs"),
    form_xinchuang=("信创：{yes}", "Xinchuang: {yes}"),
    form_important=("重要系统：{yes}", "important: {yes}"),
    form_yes=("是", "yes"),
    form_no=("否", "no"),
    form_reason=("申请事由", "Reason"),
    form_lines=("二、申请资源", "2. What is asked for"),
    form_item=("计费项", "Item"),
    form_quantity=("数量", "Quantity"),
    form_unit=("单位", "Unit"),
    form_term=("期限（月）", "Months"),
    form_pool_open=("待定", "Open"),
    form_monthly=("月费用", "A month"),
    form_total=("月费用合计", "Total a month"),
    form_commitment=("本年度预算占用（预计）", "Would commit of this year's budget"),
    form_priced_dearest=(
        "资源池尚未选定，月费用按可用资源池中最高报价计算。",
        "No pool is chosen yet; prices are those of the dearest candidate.",
    ),
    form_priced_chosen=(
        "月费用按选定资源池在批准时的协议价计算。",
        "Prices are those of the chosen pools at the approval.",
    ),
    form_signatures=("三、审批意见（第 {round} 轮）", "3. Signatures (round {round})"),
    form_opinion=("：{opinion}", ": {opinion}"),
    form_opinion_open=("意见：", "Opinion:"),
    form_signed_by=("签字：{name}", "Signed: {name}"),
    form_signed_on=("日期：{day}", "Date: {day}"),
    form_date_open=("日期：        年    月    日", "Date:"),
    form_stamp=("（盖章）", "(stamp)"),
    form_on_behalf=("{name}（代 {principal}）", "{name} (for {principal})"),
    form_standing_overdue=("{name}（逾期代审）", "{name} (stepped in)"),
    form_standing_parent=("{name}（上级代签）", "{name} (parent organisation)"),
    form_decision_approve=("同意", "Approved"),
    form_decision_return=("退回补正", "Returned"),
    form_decision_reject=("不同意", "Refused"),
    form_earlier=("此前的意见", "Earlier opinions"),
    form_resubmitted=("补正后重新提交", "sent again after completion"),
    form_round=("第 {round} 轮", "Round {round}"),
    form_attachments=("四、附件", "4. Attachments"),
    form_paper_stamped_form=("盖章扫描件", "Stamped form"),
    form_paper_filing_proof=("备案证明", "Filing proof"),
    form_paper_security_check=("上云安全体检报告", "Security check"),
    form_paper_project_approval=("项目批复", "Project approval"),
    form_paper_other=("其他", "Other"),
    form_foot=("申请编号 {id}，由政务云管理节点生成", "No. {id}, by the government cloud node"),
    # What a catalog change costs whom.
    effect_title=("目录调整影响测算", "What the catalog change costs whom"),
    effect_versions=("由 {before} 至 {after}", "From {before} to {after}"),
    effect_at=("按 {at} 的价格测算", "Priced at {at}"),
    effect_unit=("元/月，含税", "Yuan a month, tax included"),
    effect_lines=("变更内容", "Changes"),
    effect_lines_caption=(
        "各项变更涉及的在用资源及其月费",
        "Each change with the live allocations it touches and what they cost a month",
    ),
    effect_item=("条目", "Item"),
    effect_what=("变更", "Change"),
    effect_from=("原值", "From"),
    effect_to=("新值", "To"),
    effect_who=("单位", "Who"),
    effect_allocations=("在用资源", "Live"),
    effect_before=("原月费", "A month before"),
    effect_after=("新月费", "A month after"),
    effect_change=("增减", "Difference"),
    effect_departments=("用云单位", "Departments"),
    effect_providers=("云服务商", "Providers"),
    effect_unpriced=("没有价格的在用资源", "Live allocations without a price"),
    effect_nothing=("两个版本没有差别。", "The two versions do not differ."),
    change_added=("新增", "Added"),
    change_repriced=("调价", "Repriced"),
    change_restated=("修订", "Restated"),
    change_retired=("停售", "Retired"),
    change_removed=("移除", "Removed"),
    changed_ceiling=("上限价格", "Ceiling"),
    changed_retired=("停售", "Retired"),
    changed_availability=("可用性", "Availability"),
    # Pages without a month.
    empty=("还没有运行过的月份", "No month has been played yet"),
    empty_do=(
        "数据库里还没有账期。运行 make run，在参考城市里演示一个月。",
        "The database holds no billing period. “make run” plays a month of the reference city.",
    ),
    production=("生产环境", "Production"),
    production_why=(
        "本节点的业务数据须登录后查阅，此页不公开显示。",
        "The data of this node is read after signing in; nothing of it is shown here.",
    ),
    production_do=(
        "请用接口登录（POST /api/v1/sessions），用法见接口文档。",
        "Sign in over the API (POST /api/v1/sessions); its documentation says how.",
    ),
    problem=("无法显示这个页面", "This page cannot be shown"),
    problem_code=("代码 {code}", "Code {code}"),
    problem_bad_period=(
        "“{asked}”不是月份，请写成 2026-01 的形式。",
        "“{asked}” is not a month; write it as 2026-01.",
    ),
    problem_not_found=(
        "{asked} 没有账期：这个月还没有开始，或不在本节点的数据中。",
        "There is no billing period {asked}: it has not begun, or is not in this node's data.",
    ),
)

STACKS = MappingProxyType(
    {"kunpeng": Text("鲲鹏", "Kunpeng"), "hygon": Text("海光", "Hygon"), "x86": Text("x86", "x86")}
)

MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
