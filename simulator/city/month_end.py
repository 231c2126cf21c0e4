"""The end of a month: closed, confirmed or objected to, assessed, settled and paid."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from catalog.money import exact, from_fen, round_half_away, to_fen
from catalog.period import Month, local_day
from cloudmgr.domain.access import Role
from cloudmgr.domain.assessment import Assessment, AssessmentState
from cloudmgr.domain.billing import BillingPeriod, Credit, Statement, StatementState
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.settlement import Settlement, SettlementState
from cloudmgr.services.assessments import (
    AppealAssessment,
    PublishAssessment,
    ResolveAppeal,
    ScoreAssessment,
)
from cloudmgr.services.settlements import (
    ConfirmSettlement,
    DecideCoefficient,
    DraftSettlements,
    ReviewSettlement,
)
from cloudmgr.services.settlements_payment import RecordInvoice, RecordPayment, RequestPayment
from cloudmgr.services.statements import (
    ConfirmStatement,
    ObjectionDecision,
    ObjectToStatement,
    ResolveObjection,
)
from simulator.city.stage import Process, Stage


class MonthEnd:
    """One month's end, from the close to the treasury voucher."""

    def __init__(self, stage: Stage, month: Month) -> None:
        self.stage = stage
        self.month = month
        self.chance = stage.chance(f"month-end-{month}")
        self.finance = stage.login(Role.FINANCE)
        self.authority = stage.login(Role.AUTHORITY)

    def run(self) -> Process:
        """The SimPy process."""
        stage = self.stage
        yield stage.until(self.month.period.end + timedelta(hours=2))
        period = next(
            each for each in stage.find(self.finance, BillingPeriod) if each.id == str(self.month)
        )
        assert period.grace_until is not None, "a month that is over is in grace"
        yield stage.until(period.grace_until)
        yield stage.office_opens()
        stage.sync()
        stage.driver.close_month(self.finance, self.month)
        for statement in stage.find(self.finance, Statement, month=str(self.month)):
            stage.env.process(self._statement(statement))
        yield stage.working(120)
        yield from self._assessed()
        yield from self._settled()

    def _statement(self, statement: Statement) -> Process:
        """Most departments confirm, a few object to a line, some say nothing."""
        chance = self.stage.chance(f"statement-{statement.id}")
        user = self.stage.login(Role.DEPARTMENT_USER, statement.department_id)
        silent, objects = chance.happens(15), chance.happens(6)
        if silent and not objects:
            return
        yield self.stage.working(chance.between(60, 1500))
        if not objects:
            self.stage.perform(user, ConfirmStatement(statement_id=statement.id))
            return
        lines = self.stage.find(user, RatedLine, statement_id=statement.id)
        charged = [line for line in lines if line.amount > 0]
        if not charged:
            self.stage.perform(user, ConfirmStatement(statement_id=statement.id))
            return
        line = chance.one_of(charged)
        self.stage.perform(
            user,
            ObjectToStatement(
                statement_id=statement.id, line_ids=(line.id,), reason="该资源月中已停用,请核减"
            ),
        )
        yield self.stage.working(chance.between(240, 1200))
        half = from_fen(to_fen(line.amount) // 2)
        granted = chance.happens(60) and half > 0
        credit = Credit(line_id=line.id, amount=half)
        self.stage.perform(
            self.finance,
            ResolveObjection(
                statement_id=statement.id,
                decision=ObjectionDecision.CREDIT if granted else ObjectionDecision.REFUSE,
                credits=(credit,) if granted else (),
                reason="核减一半" if granted else "经核实,资源在用",
            ),
        )

    def _assessed(self) -> Process:
        """Scored, published, perhaps appealed against; final when the clocks have run."""
        cycle = str(self.month)
        self.stage.perform(self.authority, ScoreAssessment(cycle=cycle))
        yield self.stage.working(240)
        scored = self._assessments()
        for each in scored:
            self.stage.perform(self.authority, PublishAssessment(assessment_id=each.id))
        if self.chance.happens(50):
            yield self.stage.working(600)
            appealing = min(scored, key=lambda each: (each.score or 0, each.id))
            provider = self.stage.login(Role.PROVIDER, appealing.provider_id)
            self.stage.perform(
                provider,
                AppealAssessment(assessment_id=appealing.id, text="部分工单因甲方条件不具备而延期"),
            )
            yield self.stage.working(900)
            self.stage.perform(
                self.authority,
                ResolveAppeal(
                    assessment_id=appealing.id, accepted=False, opinion="经核查,维持原评分"
                ),
            )
        while any(each.state is not AssessmentState.FINAL for each in self._assessments()):
            yield self.stage.working(510)

    def _settled(self) -> Process:
        """Every settlement from its draft to the treasury's voucher."""
        while self._unconfirmed():
            yield self.stage.working(510)
        drafted = self.stage.perform(self.finance, DraftSettlements(cycle=str(self.month)))
        for settlement in drafted:
            self.stage.env.process(self._settlement(settlement))

    def _settlement(self, settlement: Settlement) -> Process:
        stage = self.stage
        chance = stage.chance(f"settlement-{settlement.id}")
        engineer = stage.login(Role.PROVIDER, settlement.provider_id)
        operator = stage.login(Role.OPERATING_COMPANY)
        yield stage.working(chance.between(120, 900))
        if settlement.state is SettlementState.HELD:
            for person in stage.people(Role.FINANCE)[:2]:
                settlement = stage.perform(
                    person,
                    DecideCoefficient(
                        settlement_id=settlement.id,
                        coefficient=Fraction(3, 4),
                        reason="限期整改,按协商系数结算",
                    ),
                )
        stage.perform(engineer, ConfirmSettlement(settlement_id=settlement.id))
        yield stage.working(chance.between(60, 480))
        settlement = stage.perform(operator, ConfirmSettlement(settlement_id=settlement.id))
        yield stage.working(chance.between(60, 480))
        reviewer = stage.people(Role.FINANCE)[-1]
        settlement = stage.perform(reviewer, ReviewSettlement(settlement_id=settlement.id))
        if settlement.payable is None or settlement.payable <= 0:
            return
        yield stage.working(chance.between(120, 960))
        tax_rate = exact("0.06", 4)
        net = round_half_away(Fraction(settlement.payable) / (1 + Fraction(tax_rate)))
        stage.perform(
            engineer,
            RecordInvoice(
                settlement_id=settlement.id,
                number=f"2641{chance.between(10**15, 10**16 - 1)}",
                issued_on=local_day(stage.now),
                tax_rate=tax_rate,
                net=net,
                tax=settlement.payable - net,
                total=settlement.payable,
            ),
        )
        yield stage.working(chance.between(120, 960))
        stage.perform(self.finance, RequestPayment(settlement_id=settlement.id))
        yield stage.working(chance.between(240, 1500))
        stage.perform(
            self.finance,
            RecordPayment(
                settlement_id=settlement.id,
                voucher_number=f"示例凭证-{settlement.id}",
                amount=settlement.payable,
            ),
        )

    def _assessments(self) -> tuple[Assessment, ...]:
        return self.stage.find(self.authority, Assessment, cycle=str(self.month))

    def _unconfirmed(self) -> bool:
        done = (StatementState.CONFIRMED, StatementState.SETTLED)
        statements = self.stage.find(self.finance, Statement, month=str(self.month))
        return any(each.state not in done for each in statements)
