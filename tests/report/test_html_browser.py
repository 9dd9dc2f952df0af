"""The page in a browser: what it loads, how it looks to everybody, and whether it answers.

With COMPAT_PICTURES=FOLDER the pictures of the documentation are made there on the way.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import html_documents
import pytest
from gradient_documents import ALL, GRADIENTS, at_scale, gradients
from html_documents import HOSTILE, renamed
from reason_documents import images, variants

from pytest_compat.idset import decode
from pytest_compat.report.html import render_html
from pytest_compat.report.html_view import COLOURS

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
FIGURES = (".track", ".stem", ".range", ".tick", ".diamond", ".dot", ".stack i", ".bar.match", ".ring", "canvas")
MODES = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to open the page with")
in_every_mode = pytest.mark.parametrize(("width", "scheme"), MODES)
every_document = pytest.mark.parametrize("document", [make() for make in ALL.values()], ids=list(ALL))
every_gradient = pytest.mark.parametrize("document", [make() for make in GRADIENTS.values()], ids=list(GRADIENTS))

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *root])
        yield found
        found.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Return what opens a report as a page; whatever went wrong on it fails the test."""
    contexts, errors, requests = [], [], set()
    path = tmp_path / "report.html"

    def show(document: dict[str, Any], width: int = 1280, scheme: str = "light", **options: Any) -> Any:
        path.write_text(render_html(document), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.add(request.url))
        page.goto(path.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert not errors
    assert {each for each in requests if not each.startswith("data:")} == {path.as_uri()}


def ran(folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the report of a suite that ships."""
    path = folder / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, f"--compat-report={path}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the report of the suite of the LAMMPS experiment."""
    arguments = ["suites/lammps", "--compat-level=all", "--compat-scheduler=reference"]
    document = ran(tmp_path_factory.mktemp("real"), *arguments)
    return document | {"commands": [["pytest", "suites/lammps", "--compat-level=all"]]}


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def violations(page: Any) -> list[str]:
    found = axe.Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


def picture(page: Any) -> str:
    """Return what the heat map shows, once it is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return str(page.eval_on_selector("canvas", "canvas => canvas.toDataURL()"))


@pytest.mark.parametrize("width", [1280, 400])
@every_document
def test_the_page_fits_its_window(show: Open, document: dict[str, Any], width: int) -> None:
    page = show(document, width)
    assert overflow(page) <= 0
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert overflow(page) <= 0


@pytest.mark.parametrize("width", [1280, 390])
def test_no_header_breaks_inside_a_word(show: Open, width: int) -> None:
    document = html_documents.troubled()
    for gate in document["gates"]:
        gate |= {"rule": f"{gate['rule']}-{'x' * 60}", "reason": "below the limit of all that was ever asked for " * 5}
    page = show(document, width)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    broken = page.evaluate(
        """() => [...document.querySelectorAll("th[scope=col], th[scope=colgroup]")].flatMap((header) => {
          const texts = document.createTreeWalker(header, NodeFilter.SHOW_TEXT);
          const found = [];
          while (texts.nextNode()) {
            for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
              const range = document.createRange();
              range.setStart(texts.currentNode, word.index);
              range.setEnd(texts.currentNode, word.index + word[0].length);
              if (range.getClientRects().length > 1) found.push(word[0]);
            }
          }
          return found;
        })"""
    )
    assert broken == []


@pytest.mark.parametrize(
    "document",
    [html_documents.troubled(), html_documents.failed(), gradients()],
    ids=["troubled", "failed", "gradients"],
)
def test_on_a_phone_rows_are_stacks_of_labelled_lines(show: Open, document: dict[str, Any]) -> None:
    page = show(document, 390)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    cells = page.eval_on_selector_all(
        ".cards td",
        """cells => cells.filter((cell) => cell.offsetHeight).map((cell) => [
          getComputedStyle(cell, "::before").content, JSON.stringify(cell.dataset.label), cell.clientWidth])""",
    )
    assert cells
    assert all(shown == label and width > 250 for shown, label, width in cells)
    beyond = "all => all.map(each => each.scrollWidth - each.clientWidth)"
    assert set(page.eval_on_selector_all(".scroll:has(.cards, .chart)", beyond)) == {0}


@in_every_mode
def test_axe_finds_nothing(show: Open, width: int, scheme: str) -> None:
    page = show(html_documents.troubled(), width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []


def test_axe_finds_nothing_on_a_page_of_two_schedulers(show: Open) -> None:
    assert violations(show(html_documents.two_schedulers())) == []


@in_every_mode
@pytest.mark.parametrize("document", [images(), variants()], ids=["images", "variants"])
def test_axe_finds_nothing_where_there_are_reasons(
    show: Open, document: dict[str, Any], width: int, scheme: str
) -> None:
    page = show(document, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []


@in_every_mode
def test_bars_of_reasons_lie_above_one_another(show: Open, width: int, scheme: str) -> None:
    page = show(variants(), width, scheme)
    bars = [each.bounding_box() for each in page.query_selector_all("[id$=reasons] .stack")]
    assert len(bars) == 4
    for sampled, exact in zip(bars[::2], bars[1::2], strict=True):
        assert sampled["y"] + sampled["height"] <= exact["y"]
        assert (sampled["x"], sampled["width"]) == (exact["x"], exact["width"])
    for selector in ("[id$=reasons] .stack i", "[id$=reasons] .swatch", "[id$=regret] td .bar", "[id$=regret] td .dot"):
        boxes = [each.bounding_box() for each in page.query_selector_all(selector)]
        assert boxes
        assert all(box and box["width"] > 0 and box["height"] > 0 for box in boxes), selector
    assert page.is_visible("[id$=regret] >> text=Times measured on a [big] node.")


def test_reasons_look_unlike_one_another_and_unlike_success(show: Open) -> None:
    document = variants()
    for number in range(COLOURS):
        document["runs"][0]["reasons"][f"reason {number}"] = 0
        document["runs"][0]["exact"]["reasons"][f"reason {number}"] = {"rate": 0.01, "fraction": "1/100"}
    page = show(document)
    looks = page.eval_on_selector_all(
        "[id$=reasons] .legend .swatch",
        "all => all.map(each => getComputedStyle(each).backgroundImage + getComputedStyle(each).backgroundColor)",
    )
    assert len(looks) == 2 + 2 + COLOURS
    assert len({*looks}) == 2 + COLOURS  # correct, compatible and the reasons; the last two share a colour


@in_every_mode
def test_every_figure_is_there(show: Open, width: int, scheme: str) -> None:
    page = show(html_documents.troubled(), width, scheme)
    for selector in FIGURES:
        boxes = [each.bounding_box() for each in page.query_selector_all(f"main {selector}")]
        assert boxes
        assert all(box and box["width"] > 0 and box["height"] > 0 for box in boxes), selector


def test_names_that_hold_html_run_nothing(show: Open) -> None:
    page = show(renamed(html_documents.troubled(), HOSTILE))
    assert page.locator(".rows li").first.inner_text().endswith(HOSTILE)
    assert overflow(page) <= 0


def expected(document: dict[str, Any], level: int, job: int, cluster: int) -> str:
    [about] = document["experiments"]
    names, run = (about["jobs"][job], about["clusters"][cluster]), document["runs"][level]
    size = len(about["clusters"])
    scores = [points for points, places in about["truth"][names[0]].items() if cluster in decode(places, size)]
    score = f"{float(scores[0]):g}" if scores else "0"
    idset = run["candidate_sets"].get(names[0])
    candidate = "no candidate"
    if idset is None:
        candidate = "candidates not known"
    elif cluster in decode(idset, size):
        candidate = "a candidate"
    times = sum((each["level"], each["job"], each["cluster"]) == (run["level"], *names) for each in document["records"])
    found = about["reasons"].get(names[0], {})
    reason = next((f" ({reason})" for reason, places in found.items() if cluster in decode(places, size)), "")
    if names[0] not in run["candidate_sets"]:
        candidate = "the job takes no part"
    said = f"{names[0]} on {names[1]}: score {score}{reason}, {candidate}, "
    said += f"assigned {times} {'time' if times == 1 else 'times'}"
    for each in run["disagreements"]:
        if (each["job"], each["cluster"]) == names:
            said += f"; the reference {'calls' if each['expected'] else 'does not call'} it a candidate"
            said += "" if each["stable"] else ", and the scheduler's answers differ"
    return said


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_heat_map_says_why_and_who_takes_no_part(show: Open, level: int) -> None:
    document = images()
    page = show(document)
    page.select_option("select", str(level))
    page.focus(".grid")
    page.keyboard.press("Home")
    for job in range(3):
        page.keyboard.press("Home")
        for cluster in range(5):
            assert page.inner_text(".live") == expected(document, level, job, cluster)
            page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
    jobs = document["experiments"][0]["jobs"]
    absent = [job for job in jobs if job not in document["runs"][level]["candidate_sets"]]
    assert page.locator(".rows .absent").all_inner_texts() == absent


def test_a_job_that_takes_no_part_has_no_cells(show: Open) -> None:
    page = show(images())
    shades = []
    for level in ("1", "2"):
        page.select_option("select", level)
        picture(page)
        shades.append(
            page.eval_on_selector(
                "canvas",
                """(canvas) => {
                  const height = canvas.height / 3;
                  const row = canvas.getContext("2d").getImageData(0, height + 2, canvas.width, height - 4).data;
                  return new Set(row).size;
                }""",
            )
        )
    assert shades[0] == 1  # nothing is drawn
    assert shades[1] > 3


@pytest.mark.parametrize("width", [1280, 400])
def test_the_heat_map_answers_keys(show: Open, width: int) -> None:
    document = html_documents.troubled()
    page = show(document, width)
    page.select_option("select", "7")
    page.focus(".grid")
    walk = [
        ("ArrowDown", 0, 0),
        ("ArrowDown", 1, 0),
        ("ArrowRight", 1, 1),
        ("ArrowUp", 0, 1),
        ("ArrowUp", 0, 1),
        ("ArrowLeft", 0, 0),
        ("End", 0, 47),
        ("ArrowRight", 0, 47),
        ("PageDown", 17, 47),
        ("Home", 17, 0),
        ("PageUp", 0, 0),
    ]
    walk += [("ArrowRight", 0, number) for number in range(1, 5)]
    walk += [("ArrowDown", number, 4) for number in range(1, 4)]
    for key, job, cluster in walk:
        page.keyboard.press(key)
        assert page.inner_text(".live") == expected(document, 7, job, cluster)
    assert page.locator(".rows .at").inner_text() == document["experiments"][0]["jobs"][3]


def test_the_heat_map_answers_the_pointer(show: Open) -> None:
    document = html_documents.lammps()
    page = show(document)
    page.locator("canvas").scroll_into_view_if_needed()
    box = page.locator("canvas").bounding_box()
    cell, row = box["width"] / 48, box["height"] / 18
    for job, cluster in [(0, 2), (5, 30), (17, 47)]:
        page.mouse.move(box["x"] + (cluster + 0.5) * cell, box["y"] + (job + 0.5) * row)
        assert page.inner_text(".live") == expected(document, 6, job, cluster)


@pytest.mark.parametrize(
    ("job", "count", "words"),
    [
        (0, 20, "20 of 20 assignments are errors"),
        (1, 1, "1 of 20 assignments is an error"),
    ],
)
def test_errors_in_the_map_are_told_and_do_not_look_like_success(show: Open, job: int, count: int, words: str) -> None:
    document = html_documents.failed()
    [about] = document["experiments"]
    [place] = decode(document["runs"][0]["candidate_sets"][about["jobs"][job]], len(about["clusters"]))
    page = show(document)
    page.focus(".grid")
    for key in ["Home", *["ArrowDown"] * job, *["ArrowRight"] * place]:
        page.keyboard.press(key)
    assert page.inner_text(".live") == f"{expected(document, 0, job, place)}; {words}"
    picture(page)
    colours = page.eval_on_selector(
        "canvas",
        """(canvas, [column, row]) => {
          const width = canvas.width / 48, height = canvas.height / 18;
          const inside = [column * width + 4, row * height + 4, width - 8, height - 8];
          const { data } = canvas.getContext("2d").getImageData(...inside);
          return Array.from({ length: data.length / 4 }, (_, pixel) => data.slice(pixel * 4, pixel * 4 + 3).join());
        }""",
        [place, job],
    )
    correct, error = "0,158,115", "204,121,167"
    assert error in colours
    assert (correct in colours) is (count < 20)


def test_disagreements_in_the_map_are_told_and_marked(show: Open) -> None:
    document = html_documents.troubled()
    first = document["runs"][0]["disagreements"][0]
    plain = html_documents.lammps()
    pictures = []
    for each in (document, plain):
        page = show(each)
        page.select_option("select", "0")
        pictures.append(picture(page))
    assert pictures[0] != pictures[1]
    page = show(document)
    page.select_option("select", "0")
    page.focus(".grid")
    page.keyboard.press("Home")
    assert (first["job"], first["cluster"]) == (
        plain["experiments"][0]["jobs"][0],
        plain["experiments"][0]["clusters"][0],
    )
    assert page.inner_text(".live").endswith("; the reference calls it a candidate, and the scheduler's answers differ")


def test_choosing_a_level_changes_the_map_and_what_is_said(show: Open) -> None:
    document = html_documents.lammps()
    page = show(document)
    page.focus(".grid")
    page.keyboard.press("Home")
    pictures = set()
    for level in range(8):
        page.select_option("select", str(level))
        assert page.inner_text(".live") == expected(document, level, 0, 0)
        pictures.add(picture(page))
    assert len(pictures) == 8


def test_a_thousand_clusters_scroll_in_the_map_alone(show: Open) -> None:
    document = html_documents.wide()
    page = show(document, 400)
    page.select_option("select", "0")
    page.focus(".grid")
    page.keyboard.press("Home")
    left = picture(page)
    page.keyboard.press("End")
    assert page.inner_text(".live") == expected(document, 0, 0, 999)
    assert picture(page) != left
    assert page.eval_on_selector(".grid", "grid => grid.scrollLeft") > 1000
    assert page.eval_on_selector("canvas", "canvas => canvas.clientWidth") < 400
    assert overflow(page) <= 0


def test_the_map_follows_the_colour_scheme(show: Open) -> None:
    page = show(html_documents.lammps())
    light = picture(page)
    page.emulate_media(color_scheme="dark")
    assert picture(page) != light


def test_without_scripts_the_numbers_stand_in_for_the_map(show: Open) -> None:
    page = show(html_documents.lammps(), java_script_enabled=False)
    assert not page.is_visible(".heat")
    assert not page.is_visible("#environment button")
    page.click("text=The same in numbers")
    assert page.locator("text=candidates of score 1").is_visible()


def test_paper_is_light_without_controls_and_with_everything_open(show: Open) -> None:
    page = show(html_documents.troubled(), scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in ("nav", "button", "select", ".heat"):
        assert not page.is_visible(selector)
    for table in page.query_selector_all("table"):
        assert table.bounding_box()["height"] > 40
    assert page.pdf().startswith(b"%PDF")


def test_the_command_can_be_copied(show: Open) -> None:
    page = show(html_documents.lammps(), permissions=["clipboard-read", "clipboard-write"])
    page.click("#environment button")
    page.wait_for_selector("text=Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "pytest suites/lammps --compat-level=all"


def test_a_command_that_cannot_be_copied_is_selected(show: Open) -> None:
    page = show(html_documents.lammps())
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.click("#environment button")
    page.wait_for_selector("text=Selected")
    assert page.evaluate("getSelection().toString()") == "pytest suites/lammps --compat-level=all"


def test_the_first_stop_of_the_keyboard_skips_to_the_report(show: Open) -> None:
    page = show(html_documents.lammps())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "report"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_report_of_the_suite_that_ships_is_shown(show: Open, real: dict[str, Any], scheme: str) -> None:
    page = show(real, 1280, scheme)
    assert page.locator(".rows li").count() == 18
    assert violations(page) == []
    if folder := os.environ.get("COMPAT_PICTURES"):
        path = Path(folder) / f"report-{scheme}.png"
        page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": 1280, "height": 1600})


@in_every_mode
@every_gradient
def test_axe_finds_nothing_where_there_are_gradients(
    show: Open, document: dict[str, Any], width: int, scheme: str
) -> None:
    page = show(document, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert violations(page) == []


def boxes(page: Any, selector: str) -> list[dict[str, float]]:
    """Return where the elements are, with their middles."""
    found = [each.bounding_box() for each in page.query_selector_all(selector)]
    assert found, selector
    for box in found:
        assert box["width"] > 0 or box["height"] > 0, selector
        box |= {"middle": box["x"] + box["width"] / 2, "centre": box["y"] + box["height"] / 2}
    return found


@in_every_mode
def test_the_curves_fit_their_axes(show: Open, width: int, scheme: str) -> None:
    page = show(gradients(), width, scheme)
    [matched], [mark], [diamond] = (boxes(page, f".curves {each}") for each in (".matched", ".mark", ".diamond"))
    top, *_, bottom = boxes(page, ".curves .y")
    first, *_, last = ticks = boxes(page, ".curves .x")
    assert page.locator(".curves .y").all_inner_texts() == ["1", "0.75", "0.5", "0.25", "0"]
    assert page.locator(".curves .x").all_inner_texts() == ["0", "1", "2", "3", "4"]
    # All jobs are matched at the first level, and none at the last.
    assert matched["y"] == pytest.approx(top["centre"], abs=1.5)
    assert matched["y"] + matched["height"] == pytest.approx(bottom["centre"], abs=1.5)
    assert matched["x"] == pytest.approx(first["middle"], abs=1.5)
    assert matched["x"] + matched["width"] == pytest.approx(last["middle"], abs=1.5)
    assert diamond["middle"] == pytest.approx(mark["middle"], abs=1.5)
    assert diamond["middle"] == pytest.approx(ticks[1]["middle"], abs=1.5)
    assert diamond["centre"] == pytest.approx((top["centre"] + bottom["centre"]) / 2, abs=1.5)


@pytest.mark.parametrize("width", [1280, 400])
@every_gradient
def test_the_texts_of_a_chart_can_be_read(show: Open, document: dict[str, Any], width: int) -> None:
    page = show(document, width)
    for number in range(1, len(document["gradients"]) + 1):
        [panel] = boxes(page, f"#gradient-{number}-levels")
        texts = boxes(page, f"#gradient-{number} .curves span")
        for place, one in enumerate(texts):
            assert panel["x"] <= one["x"]
            assert one["x"] + one["width"] <= panel["x"] + panel["width"]
            for other in texts[:place]:
                apart = one["x"] >= other["x"] + other["width"] or other["x"] >= one["x"] + one["width"]
                assert apart or one["y"] >= other["y"] + other["height"] or other["y"] >= one["y"] + one["height"]
    sizes = page.eval_on_selector_all(
        ".curves span", "all => all.map(each => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert min(sizes) >= 12


LOOKS = """all => all.map((each) => {
  const style = getComputedStyle(each);
  const wide = parseFloat(style.strokeWidth) > 1;
  return [style.stroke, style.strokeDasharray, style.strokeLinecap, style.vectorEffect, wide].join();
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_look_unlike_one_another_and_like_their_keys(show: Open, scheme: str) -> None:
    document = gradients()
    [about] = document["gradients"]
    about["sources"] = [*about["sources"], "more", "most"]
    for row in about["levels"]:
        row |= {part: dict.fromkeys(about["sources"], 0.25) for part in ("expected", "regret")}
    page = show(document, scheme=scheme)
    curves = [".by0", ".by1", ".by2", ".by3", ".assigned", ".matched", ".beyond"]
    looks = {each: page.eval_on_selector_all(f".curves {each}", LOOKS) for each in curves}
    assert looks == {each: page.eval_on_selector_all(f".key {each}", LOOKS) for each in curves}
    assert len({*(look for [look] in looks.values())}) == len(curves)
    assert all(look.endswith(",round,non-scaling-stroke,true") for [look] in looks.values())
    dashes = [look.split(",round,")[0].split("),")[1] for [look] in looks.values()]
    assert dashes[0] == "none"
    assert len({*dashes[:4]}) == 4  # who sees no colours tells sources by their dashes


def test_points_of_many_levels_leave_its_curves_to_be_seen(show: Open) -> None:
    few, many = (show(document, 400) for document in (gradients(), at_scale()))
    size = "path => parseFloat(getComputedStyle(path).strokeWidth)"
    apart = boxes(many, ".curves .matched")[0]["width"] / 113
    assert many.eval_on_selector(".sample", size) < apart
    assert few.eval_on_selector(".curves .within", size) > 2 * many.eval_on_selector(".sample", size)


def test_the_chart_needs_no_script(show: Open) -> None:
    page = show(gradients(), java_script_enabled=False)
    [svg] = page.query_selector_all(".curves svg")
    assert svg.bounding_box()["height"] > 200
    assert page.locator("[role=img]").get_attribute("aria-label").startswith("Shares of jobs by level")


def test_a_gradient_of_the_suite_that_ships_is_shown(show: Open, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    document = ran(tmp_path, "suites/reliabuild")
    [about] = document["gradients"]
    assert not document["runs"]
    page = show(document, 400)
    assert page.locator("h1").inner_text().split() == ["✓", "Passed"]
    rows = page.locator("#gradient-1-levels tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == [row["level"] for row in about["levels"]]
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    packages = page.locator("#gradient-1-packages tbody th").all_inner_texts()
    assert packages == [each["package"] for each in about["packages"]]
    assert overflow(page) <= 0
    assert violations(page) == []
