"""The page in a real browser: nothing is fetched, nothing fails, and what moves does move."""

from __future__ import annotations

import os
import re
import shutil

import pytest
import synthetic

from runner.reporting.report import write_report

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium")
EVIL = '<img src=x onerror="document.title=1">'
BAG = {"zero-gamma": ("off", "on"), "mixup": ("off", "on"), EVIL: ("off", "on"),
       **{f"trick-{i}": ("off", "on") for i in range(8)}}  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None and not os.environ.get("CI"):
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    found = synthetic.material(*synthetic.study("add-one", 4, BAG, diverge=False))
    return write_report(found, tmp_path_factory.mktemp("page"), ("html",)).as_uri()


@pytest.fixture
def page(browser, address):
    """The page; after the test: it asked for nothing else, and nothing was wrong."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    shown, asked, said = context.new_page(), [], []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.goto(address)
    yield shown
    context.close()
    assert asked == [address]
    assert said == []


def column(table, number):
    return table.locator(f"tbody tr:visible td:nth-child({number})").all_inner_texts()


def numbers(texts):
    found = [re.match(r"[+−]?[\d.]+", text) for text in texts]
    return [float(x[0].replace("−", "-")) for x in found if x]


def test_hostile_names_stay_text(page):
    assert page.title() == "digits-add-one"
    assert page.locator("img").count() == 0
    assert page.locator(".arms").get_by_text(EVIL).count() == 1


def test_tables_sort_and_filter(page):
    table = page.locator("section", has=page.locator("h2", has_text=re.compile("^Effects$")))
    table = table.locator("table").first
    head = table.locator("th", has_text="effect (pp)")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    shown = numbers(column(table, 3))
    assert len(shown) == len(BAG)
    assert shown == sorted(shown, reverse=True)
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert numbers(column(table, 3)) == sorted(shown)
    page.get_by_label("Filter rows").first.fill("mixup")
    assert column(table, 1) == ["mixup"]
    page.get_by_label("Filter rows").first.fill("")
    assert len(column(table, 1)) == len(BAG) + 1


def test_a_point_tells_its_run(page):
    point = page.locator("figure[data-chart=seeds] .point").nth(3)
    point.scroll_into_view_if_needed()
    point.hover()
    assert re.fullmatch(r"baseline\nrun 0{15}3\nseed 3\naccuracy \d+\.\d+\n\d+\.\d s",
                        page.locator("#tip").inner_text())  # fmt: skip
    page.mouse.move(5, 5)
    assert page.locator("#tip").is_hidden()


def test_keys_go_through_rows_and_runs(page):
    page.locator("figure[data-chart=effects] g[tabindex]").first.focus()
    assert page.locator("#tip").inner_text().startswith("zero-gamma: +")
    row = page.locator("figure[data-chart=seeds] g[tabindex]").first
    assert "4 runs, mean" in row.get_attribute("aria-label")
    row.focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        seen.append(page.locator("#tip").inner_text())
    assert len(set(seen)) == 4
    values = [float(re.search(r"accuracy ([\d.]+)", text)[1]) for text in seen]
    assert values == sorted(values)
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_another_metric_is_drawn_in_both_charts(page):
    chart = page.locator("figure[data-chart=effects]")
    before = chart.inner_html()
    page.get_by_label("Metric").select_option(label="loss")
    assert chart.inner_html() != before
    for name, words in (("effects", "effect on loss (loss)"), ("seeds", "loss of each run")):
        assert (
            page.locator(f"figure[data-chart={name}] svg")
            .get_attribute("aria-label")
            .startswith(words)
        )


def test_an_arm_can_be_hidden(page):
    rows = page.locator("figure[data-chart=seeds] g[tabindex]")
    effects = page.locator("figure[data-chart=effects] g[tabindex]")
    count, others = rows.count(), effects.count()
    page.locator(".arms").get_by_label("mixup").uncheck()
    assert (rows.count(), effects.count()) == (count - 1, others - 1)
    assert (
        page.locator("tbody tr:visible td:first-child", has_text=re.compile("^mixup$")).count() == 0
    )
    page.locator(".arms").get_by_label("mixup").check()
    assert (rows.count(), effects.count()) == (count, others)


def test_light_dark_and_paper(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) == "rgb(22, 24, 28)"
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert len(page.pdf()) > 20_000
    assert page.locator("#controls").is_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("figure[data-chart=effects] svg").bounding_box()["width"] <= width


def test_without_the_script_the_plots_are_there(browser, address):
    context = browser.new_context(offline=True, java_script_enabled=False)
    shown = context.new_page()
    shown.goto(address)
    assert shown.locator("figure[data-chart=effects] svg").is_visible()
    assert shown.locator("#controls").is_hidden()
    context.close()
