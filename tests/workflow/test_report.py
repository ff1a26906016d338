"""The page that `make report` makes, of one paper's kept runs: what it reads, and what a user does with it in a browser."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

from common.running import register, sources
from tests.browser import CHROMIUM, Page, browser
from tests.workflow.checkout import Checkout

PAPER, STUDY, PAGE = "dhp", "cross_benchmark", "results/recorded/report.html"
WANTED = (PAGE, "--config", "scale=recorded", f"papers=[{PAPER}]")
MIB = 2**20
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
pytestmark = pytest.mark.slow

NOTING = """
import runpy, sys
files = open("opened.txt", "w")
sys.addaudithook(lambda event, about: event == "open" and files.write(f"{about[0]}\\n"))
sys.argv = sys.argv[1:]
runpy.run_module("common.drawing.report", run_name="__main__")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("report"))
    checkout.run(*WANTED)
    return checkout


def test_the_page_is_made_once_in_seconds_and_small_enough_to_send(made):
    assert made.jobs(*WANTED) == {}
    assert 1 * MIB < (made.folder / PAGE).stat().st_size < 15 * MIB
    (made.folder / PAGE).unlink()
    assert made.jobs(*WANTED) == {"report": 1}
    began = time.monotonic()
    made.run(*WANTED)
    assert time.monotonic() - began < 60


def test_all_that_the_page_reads_is_an_input_of_its_rule(made):
    arguments = [PAPER, STUDY, "--scale", "recorded", "--out", "again.html"]
    run = [sys.executable, "-c", NOTING, "report", *arguments]
    subprocess.run(run, cwd=made.folder, env=made.environment, check=True)
    opened = {Path(line) for line in (made.folder / "opened.txt").read_text().splitlines() if not line.isdigit()}
    inside = {path if path.is_absolute() else made.folder / path for path in opened}
    own = {str(path.relative_to(made.folder)) for path in inside if path.is_relative_to(made.folder)}
    read = {name for name in own if not name.endswith((".pyc", "opened.txt")) and "again." not in name}
    of = sources.of_all({name: register.of(name) for name in (PAPER, STUDY)}, "recorded")
    inputs = {*sources.made(of, pictures=True), *sources.kept(of, pictures=True)}
    code = {name for name in read - inputs if name.endswith(".py") and "/figures/" not in name}
    assert read - inputs == code, "the page reads what is no input of its rule"
    assert {name for name in inputs if name.endswith((".csv", ".png", ".md", ".json", ".html"))} <= read


def test_a_study_has_a_section_with_what_is_kept_of_it(made):
    text, kept = (made.folder / PAGE).read_text(), sources.of_studies({STUDY: register.of(STUDY)}, "recorded")
    section = text.partition(f'<section class="paper" id="{STUDY}"')[2]
    assert kept[0].artifacts and all(f'<figure id="{STUDY}-{name}"' in section for name in kept[0].artifacts)
    assert "figures/cross_split_task.pdf --config scale=recorded" in section and "DHP + MAS" in section


@pytest.mark.parametrize(
    "file, before, after",
    [
        (f"papers/{PAPER}/README.md", "## What came out", "## What came out\n\n**Another answer.**"),
        (f"papers/{PAPER}/figures/fig2.py", '"""Figure 2: ', '"""Figure 2: another caption, '),
        ("common/drawing/templates/report.css", ":root {", "/* calm */\n:root {"),
    ],
)
def test_what_is_shown_makes_the_page_again_and_no_figure(made, file, before, after):
    text = (made.folder / file).read_text()
    assert text.count(before) >= 1
    (made.folder / file).write_text(text.replace(before, after, 1))
    again = made.jobs(*WANTED)
    (made.folder / file).write_text(text)
    assert again == {"report": 1}


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(window, made):
    """Opens the page; whatever it complains of, or asks the network for, fails the test."""

    def open_at(width: int, scheme: str = "light") -> Page:
        window.errors.clear()
        window.open(made.folder / PAGE, width, scheme=scheme)
        window.run("document.documentElement.style.scrollBehavior = 'auto'")
        return window

    yield open_at
    assert window.errors == []


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_fits_its_window_and_every_text_can_be_read(page, width, scheme):
    shown = page(width, scheme)
    shown.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert shown.run("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert shown.run(FAINT) == []
    assert shown.run("[...document.images].every((image) => image.alt.length > 20)")
    misplaced = "[...document.querySelectorAll('table.data')].filter((table) => [...table.rows].some((row) => CELLS))"
    same = "[...row.cells].some((cell, at) => cell.checkVisibility() !== table.rows[0].cells[at].checkVisibility())"
    assert (
        shown.run(f"{misplaced.replace('CELLS', f'!row.hidden && {same}')}.length") == 0
    )  # each cell under its heading


@needs_chromium
def test_headings_step_down_one_by_one_and_everything_has_a_name(page):
    shown = page(1440)
    levels = shown.run(
        "[...document.querySelectorAll('h1, h2, h3, h4, h5')].map((heading) => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    nodes = shown.call("Accessibility.getFullAXTree")["nodes"]
    roles = (
        "button",
        "link",
        "searchbox",
        "combobox",
        "img",
        "image",
        "region",
        "table",
        "navigation",
        "DisclosureTriangle",
    )
    used = [node for node in nodes if not node["ignored"] and node["role"]["value"] in roles[:-3] + roles[-2:]]
    assert len(used) > 100
    assert [node["role"]["value"] for node in used if not node.get("name", {}).get("value", "").strip()] == []


@needs_chromium
def test_a_keyboard_is_enough(page):
    shown = page(1440)
    active = "document.activeElement"
    shown.press("Tab")
    assert shown.run(f"{active}.className") == "skip"
    shown.press("Enter")
    assert shown.run(f"{active}.id") == "main"
    shown.run("document.getElementById('theme').focus()")
    assert shown.run("getComputedStyle(document.body).backgroundColor") == "rgb(251, 250, 247)"
    shown.press("Enter")
    assert shown.run("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    shown.press("Enter")
    shown.press("Tab")  # on to the navigation, and what has the focus can be seen
    assert shown.run(f"[{active}.textContent, getComputedStyle({active}).outlineStyle]") == ["The answer", "solid"]
    shown.run("document.querySelector('button.enlarge').focus()")
    shown.press("Enter")
    assert shown.run("document.querySelector('dialog').open") is True
    assert (
        shown.run(
            "document.querySelector('dialog img').decode().then(() => document.querySelector('dialog img').width)"
        )
        > 900
    )
    shown.press("Escape")
    assert shown.run("document.querySelector('dialog').open") is False


@needs_chromium
def test_tables_sort_and_filter(page, made):
    compared = pandas.read_csv(made.folder / f"results/recorded/{PAPER}/comparison.csv", float_precision="round_trip")
    shown, table = page(1440), f"document.getElementById('{PAPER}-table')"
    rows = f"[...{table}.tBodies[0].rows].filter((row) => !row.hidden)"
    sort = f"{table}.querySelector('[data-key=\"ours_mean\"]')"
    shown.run(f"{sort}.focus()")
    for direction, ascending in (("ascending", True), ("descending", False)):
        shown.press("Enter")
        assert shown.run(f"{sort}.closest('th').getAttribute('aria-sort')") == direction
        column = shown.run(f"{sort}.closest('th').cellIndex")
        keys = shown.run(f"{rows}.map((row) => row.cells[{column}].dataset.sort)")
        filled = compared["ours_mean"].dropna().sort_values(ascending=ascending).tolist()
        assert [float(key) for key in keys if key] == filled and keys[len(filled) :] == [""] * (len(keys) - len(filled))
    form = f"document.querySelector('[data-for={PAPER}-table]')"
    for name, value in (("verdict", "differs"), ("whose", "published"), ("text", "split finetune")):
        event = "dispatchEvent(new Event('input', { bubbles: true }))"
        shown.run(f"{form}.elements.{name}.value = {json.dumps(value)}; {form}.elements.{name}.{event}")
    chosen = compared[(compared["verdict"] == "differs") & (compared["hyperparameters"] == "published")]
    chosen = chosen[chosen["setting"].str.contains("Split") & chosen["method"].str.contains("Finetune")]
    assert len(chosen) and shown.run(f"{rows}.length") == len(chosen)
    assert shown.run(f"{form}.querySelector('output').textContent") == f"{len(chosen)} of {len(compared)} shown"


# The texts whose contrast with what is behind them is below 4.5 (of large ones 3), as WCAG measures it.
FAINT = """
(() => {
  const brightness = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!text || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [low, high] = [brightness(numbers(style.color)), brightness(behind(element))].sort((a, b) => a - b);
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if ((high + 0.05) / (low + 0.05) < least) faint.push(`${style.color}: ${text.slice(0, 40)}`);
  }
  return [...new Set(faint)].slice(0, 5);
})()
"""
