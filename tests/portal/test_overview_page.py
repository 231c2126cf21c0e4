"""The month's page: what it says, to whom, in which language, and that everybody can read it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cloudmgr.domain.billing import BillingPeriod, PeriodState
from cloudmgr.domain.parties import OrganisationKind
from cloudmgr.services.memory import MemoryNode
from tests.portal.pages import Page, get, page
from tests.support.overview import (
    a_played_node,
    a_policy,
    a_settings,
    a_settlement,
    an_organisation,
    put,
)

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def node() -> MemoryNode:
    return a_played_node()


@pytest.fixture(params=["/", "/?lang=en", "/months/2026-02", "/months/2026-02?lang=en"])
def read(request: pytest.FixtureRequest, node: MemoryNode) -> Page:
    return page(node, str(request.param))


def test_the_key_figures_stand_on_top_with_thousands_separated(node: MemoryNode) -> None:
    values = [" ".join(tag.text.split()) for tag in page(node).of_class("value")]
    assert values == ["¥3,234,568.00", "¥3,933.33", "3", "3", "2", "40.0%"]


def test_the_first_page_is_the_latest_closed_month_and_others_have_their_own(
    node: MemoryNode,
) -> None:
    assert page(node).all("h1")[0].text == "2026年1月"
    assert page(node, "/months/2026-02").all("h1")[0].text == "2026年2月"
    links = {tag.attributes.get("rel"): tag.attributes["href"] for tag in page(node).all("a")}
    assert links["next"] == "/months/2026-02"
    back = page(node, "/months/2026-02?lang=en").all("a")
    assert {tag.attributes["href"] for tag in back if "rel" in tag.attributes} == {
        "/months/2026-01?lang=en"
    }


def test_requests_are_grouped_by_outcome(node: MemoryNode) -> None:
    head, *rows = page(node).table(0)
    assert head[2:] == ["已办结", "办理中", "未通过", "撤回或终止", "合计"]
    assert rows == [
        ["新增", "", "1", "1", "0", "0", "2"],
        ["变更", "", "0", "0", "1", "0", "1"],
        ["合计", "", "1", "1", "1", "0", "3"],
    ]


def test_pools_show_capacity_and_cpu_and_a_dash_where_nothing_is_known(node: MemoryNode) -> None:
    first, second = page(node).table(1)[2:]
    assert first[1:6] == ["20", "8", "3", "7", "40.0%"]
    assert first[6:11] == ["64", "16", "25.0%", "40.0%", "50.0%"]
    assert set(second[1:11]) == {"—"}


def test_every_department_is_listed_by_amount_with_its_state(node: MemoryNode) -> None:
    *_, first, second, third, whole = page(node).table(2)
    assert [each[0] for each in (first, second, third)] == ["1乙局", "2甲局", "3丙局"]
    assert first[1:4] == ["2,000,000.11", "61.8%", "已确认 视为无异议"]
    assert third[1:4] == ["—", "—", "尚无"]
    assert third[6] == "样例县"
    assert whole[1] == "3,234,568.00"


def test_scores_come_with_the_coefficient_its_fraction_and_working(node: MemoryNode) -> None:
    _, first, second = page(node).table(3)
    assert first[1] == "85.00"
    assert first[3] == "0.983333即 59/60"
    assert first[4] == "0.95 + (85.00 − 75.00) / 15 × 0.05"
    assert second[3:5] == ["—", "55.00 分低于 60.00 分，暂停支付，待核定"]


def test_settlements_add_up_and_a_held_one_leaves_the_sum_open(node: MemoryNode) -> None:
    _, first, held, whole = page(node).table(4)
    assert first[1:8] == ["2", "4,000.00", "0.00", "0.983333", "66.67", "3,933.33", "100.00"]
    assert held[5:7] == ["—", "—"]
    assert held[8] == "暂停支付"
    assert whole[2] == "4,500.00"
    assert whole[5:7] == ["—", "—"], "a sum of the known alone would pass for the whole"
    put(node, a_settlement("p2", "500.00", "95.00"))
    assert page(node).table(4)[-1][6] == "4,433.33"


def test_the_page_says_how_journal_readings_and_audit_stand(node: MemoryNode) -> None:
    terms = {tag.text for tag in page(node).all("dt")}
    facts = [tag.text for tag in page(node).all("dd")][-6:]
    assert {"内部往来账差额", "用量读数", "审计事件"} <= terms
    assert facts[0] == "¥0.00"
    assert facts[2:5] == ["7", "1 批；接收 4，隔离 3", "5"]


def test_an_open_month_says_that_its_bills_are_still_to_come(node: MemoryNode) -> None:
    assert "本月尚未关账" in page(node, "/months/2026-02").text
    assert "本月尚未关账" not in page(node).text


def test_english_is_a_switch_away_and_has_no_chinese_but_the_way_back(node: MemoryNode) -> None:
    chinese, english = page(node), page(node, "/?lang=en")
    assert chinese.all("html")[0].attributes["lang"] == "zh-CN"
    assert english.all("html")[0].attributes["lang"] == "en"
    assert "/?lang=en" in {tag.attributes.get("href") for tag in chinese.all("a")}
    assert "/" in {tag.attributes.get("href") for tag in english.all("a")}
    assert CHINESE.findall(english.text) == list("中文")
    assert "January 2026" in english.text
    assert "Office d2" in english.text
    assert "“deemed” where nobody answered in time" in english.text


def test_an_unknown_language_is_chinese(node: MemoryNode) -> None:
    assert page(node, "/?lang=fr").all("html")[0].attributes["lang"] == "zh-CN"


def test_a_rehearsal_says_so_on_every_page(node: MemoryNode) -> None:
    for path in ("/", "/?lang=en", "/months/2026-02", "/months/1999"):
        banner = Page(get(node, path).text).of_class("rehearsal")
        assert len(banner) == 1, path
    assert "模拟环境" in page(node).of_class("rehearsal")[0].text


@pytest.mark.parametrize("path", ["/", "/?lang=en", "/months/2026-01", "/months/nonsense"])
def test_a_production_node_shows_a_stranger_nothing_of_anybody(path: str) -> None:
    node = a_played_node(rehearsal=False)
    answer = get(node, path)
    assert answer.status_code == (200 if path.startswith("/?") or path == "/" else 401)
    for secret in ("甲局", "Office d1", "样例市", "资源池", "1,234,567.89", "3,234,568", "2026年"):
        assert secret not in answer.text
    assert "/api/v1/sessions" in answer.text
    assert "reference" in answer.text, "the node's own name is public"
    assert not Page(answer.text).of_class("rehearsal")


def test_a_node_without_settings_is_as_silent_as_a_production_node() -> None:
    assert "/api/v1/sessions" in page(MemoryNode()).text


def test_a_rehearsal_without_a_month_says_how_to_play_one() -> None:
    node = MemoryNode()
    put(node, a_settings())
    assert "还没有运行过的月份" in page(node).text
    assert "make run" in page(node, "/?lang=en").text


@pytest.mark.parametrize(
    ("month", "status", "sentence"),
    [
        ("2026-1", 422, "“2026-1”不是月份，请写成 2026-01 的形式。"),
        ("2026-13", 422, "“2026-13”不是月份"),
        ("2031-05", 404, "2031-05 没有账期"),
        ("<b>x", 422, "“<b>x”不是月份"),
    ],
)
def test_a_bad_month_answers_with_a_sentence_that_says_what_to_do(
    node: MemoryNode, month: str, status: int, sentence: str
) -> None:
    answer = get(node, f"/months/{month}")
    assert answer.status_code == status
    assert sentence in Page(answer.text).text
    assert "<b>" not in answer.text


def test_sample_parameters_are_marked_where_they_stand_and_explained_once(
    node: MemoryNode,
) -> None:
    marked = page(node)
    chips = [tag for tag in marked.of_class("sample") if tag.name == "a"]
    assert len(chips) == 4, "the month, the bills, the scores, the settlements"
    assert [tag for tag in marked.all("p") if tag.attributes.get("id") == "sample"]
    put(node, a_policy(kind="published"))
    assert not page(node).of_class("sample")


def test_names_are_text_and_never_markup(node: MemoryNode) -> None:
    rogue = an_organisation("d1", OrganisationKind.DEPARTMENT)
    put(node, replace(rogue, name_zh="<script>alert(1)</script>"))
    read = page(node)
    assert not read.all("script")
    assert "<script>alert(1)</script>" in read.text


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(read: Page) -> None:
    assert not read.all("script")
    assert not [tag for tag in read.tags if any(key.startswith("on") for key in tag.attributes)]
    assert not [tag for tag in read.tags if "style" in tag.attributes], "the policy would refuse it"
    for tag in read.tags:
        for key in ("src", "href"):
            link = tag.attributes.get(key, "/")
            assert link.startswith(("/", "#", "data:image/svg+xml,")), link
            assert not link.startswith("//")


def test_pages_forbid_scripts_frames_and_foreign_content(node: MemoryNode) -> None:
    headers = get(node, "/").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert headers["cache-control"] == "no-store"


def test_the_style_sheet_is_served_and_prints(node: MemoryNode) -> None:
    answer = get(node, "/static/portal.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "@media print" in answer.text
    assert "tabular-nums" in answer.text
    assert not re.search(r"@import|url\((?!['\"]?data:)", answer.text)


def test_every_table_has_a_caption_and_every_head_cell_its_scope(read: Page) -> None:
    assert read.tables
    for table in read.tables:
        assert table.caption.strip()
    for head in read.all("th"):
        assert head.attributes["scope"] in ("col", "row", "colgroup")
    for row in (row for table in read.tables for row in table.rows):
        assert row[0].name == "th", "every row begins with what it is about"


def test_all_rows_of_a_table_are_equally_wide(read: Page) -> None:
    for table in read.tables:
        taken: dict[int, int] = {}
        widths = set()
        for index, row in enumerate(table.rows):
            width = taken.pop(index, 0)
            for cell in row:
                across = int(cell.attributes.get("colspan", "1"))
                width += across
                for below in range(1, int(cell.attributes.get("rowspan", "1"))):
                    taken[index + below] = taken.get(index + below, 0) + across
            widths.add(width)
        assert len(widths) == 1, table.caption


def test_figures_in_tables_are_set_to_the_right(read: Page) -> None:
    for cell in (cell for table in read.tables for row in table.rows for cell in row):
        if cell.name == "td" and re.fullmatch(r"[\d,]+(\.\d+)?%?|—", cell.text.strip()):
            assert "n" in cell.attributes["class"].split(), cell


def test_drawings_are_named_or_hidden_and_scrolled_tables_take_the_keyboard(read: Page) -> None:
    for drawing in read.all("svg"):
        named = drawing.attributes.get("role") == "img" and drawing.attributes.get("aria-label")
        hidden = drawing.attributes.get("aria-hidden") == "true" or "bar" not in (
            drawing.attributes.get("class", "")
        )
        assert bool(named) != hidden, drawing
    for region in read.of_class("scroll"):
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"].strip()


def test_links_within_the_page_lead_somewhere_and_ids_are_unique(read: Page) -> None:
    ids = [tag.attributes["id"] for tag in read.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    inside = {tag.attributes.get("href", "") for tag in read.all("a")}
    assert {link[1:] for link in inside if link.startswith("#")} <= set(ids)
    labels = {tag.attributes.get("aria-labelledby", ids[0]) for tag in read.tags}
    assert labels <= set(ids)


def test_there_is_one_first_heading_and_a_way_past_the_masthead(read: Page) -> None:
    assert len(read.all("h1")) == 1
    assert read.all("a")[0].attributes == {"class": "skip", "href": "#content"}
    assert "/docs" in {tag.attributes.get("href") for tag in read.all("a")}


def test_a_month_in_grace_is_called_by_its_state(node: MemoryNode) -> None:
    put(node, BillingPeriod(id="2026-02", state=PeriodState.GRACE))
    assert "待关账" in page(node, "/months/2026-02").text
    assert "Grace" in page(node, "/months/2026-02?lang=en").text
