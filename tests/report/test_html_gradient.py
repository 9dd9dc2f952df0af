"""The page of experiments at scale, as text: that its chart and its tables are what the report says."""

from __future__ import annotations

import copy
import json
import re
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pytest
from gradient_documents import GRADIENTS, SOURCES, at_scale, beside_runs, gradient, gradients, level
from html_documents import HOSTILE, document
from html_page import Page, rendered
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_compat.idset import decode
from pytest_compat.report.document import report_schema
from pytest_compat.report.gradients import shown
from pytest_compat.report.html import MAX_OPEN, render_html
from pytest_compat.report.html_gradient import STYLES, TICKS, gradient_views

Document = dict[str, Any]
Stroke = list[tuple[float, float]]

every_document = pytest.mark.parametrize("report", [make() for make in GRADIENTS.values()], ids=list(GRADIENTS))
rates = st.floats(0, 1)


@st.composite
def made(draw: st.DrawFn) -> Document:
    """Draw an experiment at scale with any figures."""
    jobs = draw(st.integers(1, 50))
    counts = st.integers(0, jobs)
    rows = [
        level(
            f"{number}-x",
            jobs,
            draw(counts),
            (draw(rates), draw(rates)),
            draw(counts),
            tuple(sorted((draw(counts), draw(counts)))),  # type: ignore[arg-type]
        )
        for number in range(draw(st.integers(1, 30)))
    ]
    for row in rows:
        row["assigned"] = draw(st.none() | st.fixed_dictionaries(dict.fromkeys(SOURCES, rates)))
    return gradient(jobs=jobs, levels=rows, best=draw(st.sampled_from(rows))["level"], unmatched={})


def strokes(page: Page, style: str) -> list[Stroke]:
    """Return the parts of a curve of the chart: the points of each, in percent of the chart from left and bottom."""
    *_, path = [attrs["d"] for attrs, _ in page.all("path", class_=style)]  # those before it are in the legend
    found = []
    for part in re.findall("M([^MZh]*)", str(path)):
        numbers = [float(text) for text in part.split()]
        found.append([(x, 100 - y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)])
    return found


def near(points: Stroke) -> Any:
    return [pytest.approx(point, abs=0.0051) for point in points]


def places(about: Document, shares: list[float | None]) -> Stroke:
    """Return where the chart has the figures of levels; those without one are nowhere."""
    last = max(len(about["levels"]) - 1, 1)
    return [(100 * number / last, 100 * share) for number, share in enumerate(shares) if share is not None]


@settings(deadline=None, max_examples=40)
@given(made())
@example(gradient())
@example(gradient(levels=[level("0-none", 8, 0, (0.0, 0.0), 0, (0, 0))], best="0-none", unmatched={}))
def test_the_chart_has_what_the_report_says(about: Document) -> None:
    page = rendered(document(gradients=[about]))
    rows, jobs = about["levels"], about["jobs"]
    for number, source in enumerate(SOURCES):
        assert strokes(page, f"by{number}") == [near(places(about, [row["expected"][source] for row in rows]))]
    assert strokes(page, "matched") == [near(places(about, [row["matched"] / jobs for row in rows]))]
    low, high = (places(about, [row["range"][end] / jobs for row in rows]) for end in (0, 1))
    assert strokes(page, "band") == [near(low + high[::-1])]
    assigned = [row["assigned"] and row["assigned"]["truth"] for row in rows]
    assert list(chain(*strokes(page, "assigned"))) == near(places(about, assigned))
    gaps = sum(before is not None and after is None for before, after in pairwise([*assigned, None]))
    assert len(strokes(page, "assigned")) == gaps
    for where in ("within", "beyond"):
        odd = where == "beyond"
        mine = [row["succeeded"] / jobs if _odd(row) == odd else None for row in rows]
        found = strokes(page, where) if any(share is not None for share in mine) else []
        assert list(chain(*found)) == near(places(about, mine))
        assert all(len(each) == 1 for each in found)
    [best] = [number for number, row in enumerate(rows) if row["level"] == about["best"]]
    point = places(about, [row["expected"]["truth"] for row in rows])[best]
    [mark] = [str(attrs["style"]) for attrs, _ in page.all("i", class_="diamond") if "style" in attrs]
    left, top = (float(text) for text in re.findall(r"[\d.e-]+(?=%)", mark))
    assert (left, 100 - top) == pytest.approx(point, abs=0.0051)


def _odd(row: Document) -> bool:
    return not row["range"][0] <= row["succeeded"] <= row["range"][1]


@given(st.integers(1, 3000))
def test_the_axis_counts_in_ones_twos_or_fives(levels: int) -> None:
    about = {"levels": [None] * levels}
    [view] = gradient_views({"gradients": [about]})
    numbers = [number for number, _ in view.ticks]
    sizes = sorted(base * 10**power for base in (1, 2, 5) for power in range(5))
    step = next(size for size in sizes if len(range(0, levels, size)) <= TICKS + 1)
    assert numbers == list(range(0, levels, step))
    assert [place for _, place in view.ticks] == pytest.approx(
        [100 * number / max(levels - 1, 1) for number in numbers], abs=0.0051
    )


def test_more_sources_than_looks_are_all_drawn() -> None:
    about = gradient()
    about["sources"] = [f"source-{number}" for number in range(STYLES + 2)]
    for row in about["levels"]:
        row |= {part: dict.fromkeys(about["sources"], 0.25) for part in ("expected", "assigned", "regret")}
    about["bound"] = dict.fromkeys(about["sources"], 0.5)
    page = rendered(document(gradients=[about]))
    drawn = [str(attrs["class"]) for attrs, _ in page.all("path") if str(attrs["class"]).startswith("by")]
    assert drawn == [f"by{number % STYLES}" for number in range(STYLES + 2)] * 2  # in the legend and in the chart
    style = page.all("style")[0][1]
    assert all(f"path.by{number} {{" in style for number in range(STYLES))


def test_the_head_counts_what_was_run_at_scale_too() -> None:
    assert "40 submissions 5 levels run 1 experiment 0 of 1 gate holds" in rendered(gradients()).text()
    assert "2,960 submissions 18 levels run 2 experiments no gates set" in rendered(beside_runs()).text()
    one = document(gradients=[gradient(levels=[gradient()["levels"][1]], unmatched={})])
    assert "8 submissions 1 level run 1 experiment" in rendered(one).text()


def test_a_report_of_nothing_else_has_its_name_in_title_and_contents() -> None:
    page = rendered(gradients())
    assert page.all("title")[0][1] == "Failed: builds - pytest-compat"
    assert page.all("nav")[0][1] == (
        "builds on rainbow, small scale Levels Jobs without candidates Packages Remarks Environment"
    )
    assert "nothing to show" not in page.text()
    assert "No baseline" not in page.text()


def test_the_contents_name_every_experiment_once() -> None:
    page = rendered(beside_runs())
    assert page.all("nav")[0][1] == "lammps builds on rainbow, small scale builds on batch, full scale Environment"
    assert page.all("title")[0][1] == "Passed: lammps, builds - pytest-compat"


def test_what_was_run_and_how_it_ended_is_said() -> None:
    text = rendered(gradients()).text()
    assert "builds on rainbow, small scale clusters 4 jobs 8 levels 5 seed 3 version 3f2a9c0d1e2b" in text
    assert (
        "The best trade-off: 0.5000 of all jobs are expected to succeed, 0.2500 with nothing shown; the best cluster "
        "of each would come to 0.7500." in text
    )
    assert "clusters 4 jobs 25,000 levels 114" in rendered(at_scale()).text()


def test_a_row_has_what_the_report_says_of_its_level() -> None:
    page = rendered(gradients())
    rows = [text for _, text in page.all("tr")]
    start = rows.index(
        "Level Matched Candidates Expected by truth Expected by bayes Where matched Succeeded 99.9 % range "
        "Short of the best"
    )
    assert rows[start + 1 : start + 6] == [
        "0-none 1.0000 4.0 0.2500 0.3750 0.2500 2 0-6 0.5000",
        "1-zlib best 0.7500 3.0 0.5000 0.4375 0.6667 3 1-7 0.2500",
        "2-cmake 0.5000 2.0 0.2500 0.2500 0.5000 7 0-5* 0.5000",
        "3-mpi 0.5000 2.0 0.2500 0.1875 0.5000 1 0-5 0.5000",
        "4-hdf5 0.0000 0.0 0.0000 0.0000 - 0 0-0 0.7500",
    ]
    assert [text for _, text in page.all("abbr")] == ["*"]
    assert "* outside the 99.9 % range, as one level in a thousand is by chance." in page.text()
    assert "sampled, outside its range" in page.all(class_="legend")[0][1]


def test_without_samples_outside_their_range_none_is_explained() -> None:
    about = gradient()
    about["levels"][2]["succeeded"] = 5
    text = rendered(document(gradients=[about])).text()
    assert "in a thousand" not in text
    assert "outside its range" not in text


def test_every_header_of_a_level_labels_its_cell() -> None:
    html = render_html(gradients())
    table = next(each for each in re.findall("<table.*?</table>", html, re.DOTALL) if "Short of the best" in each)
    headers = [re.sub("<.*?>", "", each) for each in re.findall('<th scope="col".*?</th>', table)]
    for row in table.split('<tr role="row">')[2:]:
        assert re.findall('data-label="(.*?)"', row) == headers[1:]


def test_few_levels_are_in_one_table_and_many_are_folded_away() -> None:
    assert "Some levels" not in rendered(gradients()).text()
    report = at_scale()
    [about] = report["gradients"]
    page = rendered(report)
    names = [row["level"] for row in about["levels"]]

    def listed(caption: str) -> list[str]:
        [table] = [text for _, text in page.all("table") if text.startswith(caption)]
        return [name for name in names if f" {name} " in table]

    assert listed("Some levels:") == [row["level"] for row in shown(about)]
    assert listed("All levels:") == names
    [folded] = [text for _, text in page.all("details") if "All levels:" in text]
    assert folded.startswith("All 114 levels ")
    assert "levels in between are in the JSON report" not in page.text()


def test_jobs_without_candidates_are_counted_by_level_most_first() -> None:
    page = rendered(gradients())
    [(_, panel)] = page.all("section", id="gradient-1-unmatched")
    assert panel == (
        "Jobs without candidates 8 of 8 jobs have none at the last level. How many lost their last one at which level, "
        "the most first: 4-hdf5 4 1-zlib 2 2-cmake 2"
    )
    report = at_scale()
    [about] = report["gradients"]
    [(_, panel)] = rendered(report).all("section", id="gradient-1-unmatched")
    counts = {name: len(decode(text, about["jobs"])) for name, text in about["unmatched"].items()}
    gone = [(name, f"{count:,}") for name, count in sorted(counts.items(), key=lambda pair: -pair[1])]
    seen, folded = panel.split(f" {len(gone[:100]) - MAX_OPEN} more ")
    assert seen.endswith(" ".join(chain(*gone[:MAX_OPEN])))
    assert folded.startswith(" ".join(chain(*gone[MAX_OPEN:100])))


def test_where_every_job_keeps_candidates_that_is_said() -> None:
    text = rendered(document(gradients=[gradient(unmatched={})])).text()
    assert "Jobs without candidates None: every job has candidates at every level." in text


def test_packages_come_with_the_level_that_is_best_for_them() -> None:
    page = rendered(gradients())
    rows = [text for _, text in page.all("tr")]
    start = rows.index("Package Jobs Nothing shown Best level of all Last level Own best At level")
    assert rows[start + 1 :] == [
        "cp2k 6 0.1250 0.5000 0.0000 0.6250 2-cmake",
        "gromacs 2 0.7500 0.5000 0.0000 0.7500 0-none",
    ]
    folded = [text for _, text in rendered(at_scale()).all("details")]
    [rest] = [text for text in folded if "package-010" in text]
    assert rest.startswith("40 more ")
    assert "package-009" not in rest
    assert "package-049" in rest


def test_remarks_are_told_with_what_is_odd_first() -> None:
    [(_, panel)] = rendered(gradients()).all("section", id="gradient-1-remarks")
    assert panel == (
        "Remarks outside their 99.9% range: 2-cmake (p from 0.0004), as one level in a thousand is by chance "
        "bayes: 3 rows left out: their label is <both>"
    )
    about = gradient(remarks=[])
    del about["levels"][2]
    [(_, panel)] = rendered(document(gradients=[about])).all("section", id="gradient-1-remarks")
    assert panel == "Remarks None."


def test_names_at_scale_that_hold_html_are_text() -> None:
    about = gradient()
    plain = rendered(document(gradients=[copy.deepcopy(about)]))
    names = [*SOURCES, *(row["level"] for row in about["levels"]), "cp2k", "gromacs", "builds", "rainbow"]
    names += [about["version"], *about["remarks"]]
    text = json.dumps(about)
    for name in names:
        text = text.replace(json.dumps(name), json.dumps(f"{name}{HOSTILE}"))
    page = rendered(document(gradients=[json.loads(text)]))
    assert page.tags() == plain.tags()
    for name in names:
        assert f"{name}{HOSTILE}" in page.text()


def test_a_page_at_scale_stays_small_and_names_no_job() -> None:
    report = at_scale()
    html = render_html(report)
    assert len(html.encode()) < 250_000
    assert not any(name in html for name in report["gradients"][0]["names"])


@every_document
def test_jobs_are_not_named(report: Document) -> None:
    before = render_html(report)
    for each in report["gradients"]:
        each["names"] = []
    assert render_html(report) == before


def test_a_gradient_that_was_run_is_shown(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    from pytest_compat.scale.declared import SMALL, load_gradient
    from pytest_compat.scale.run import measure

    path = tmp_path / "experiment.yaml"
    path.write_text(
        json.dumps(
            {
                "experiment": "ran",
                "jobs": {"generated": 200, "seed": 1},
                "clusters": {"count": 8, "seed": 2},
                "scores": ["truth"],
                "small": {"jobs": 20, "subsystems": 20},
            }
        )
    )
    about = measure(load_gradient(path), SMALL).gradient.plain()
    report = document(gradients=[about])
    assert not list(Draft202012Validator(report_schema()).iter_errors(report))
    page = rendered(report)
    assert "420 submissions 21 levels run 1 experiment" in page.text()
    rows = {text.split()[0]: text for _, text in page.all("tr")}
    for row in about["levels"]:
        told = rows[row["level"]].replace(" best ", " ").split()
        assert told[1:4] == [
            f"{row['matched'] / 20:.4f}",
            f"{row['candidates']:.1f}",
            f"{row['expected']['truth']:.4f}",
        ]
        assert told[5:7] == [str(row["succeeded"]), f"{row['range'][0]}-{row['range'][1]}"]
    for package in about["packages"]:
        assert rows[package["package"]].split()[1] == str(package["jobs"])
    lost = 20 - about["levels"][-1]["matched"]
    assert lost
    assert f"{lost} of 20 jobs have none at the last level." in page.text()
