"""The page, as text: what stands in it, and that nothing in a report can break it."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import html_documents
import pytest
from gradient_documents import ALL
from html_documents import HOSTILE, renamed, small
from html_page import rendered
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from reason_documents import images, partly_explained, variants

from pytest_compat.idset import decode
from pytest_compat.report.document import report_schema
from pytest_compat.report.html import MAX_GATES, MAX_LISTED, MAX_OPEN, render_html
from pytest_compat.report.html_heat import EXPECTED, UNSTABLE
from pytest_compat.report.html_view import COLOURS

Document = dict[str, Any]

every_document = pytest.mark.parametrize("document", [make() for make in ALL.values()], ids=list(ALL))


@every_document
def test_the_reports_of_these_tests_are_reports(document: Document) -> None:
    misfits = Draft202012Validator(report_schema()).iter_errors(document)
    assert [f"{each.json_path}: {each.message[:200]}" for each in misfits] == []


@every_document
def test_the_page_is_a_function_of_the_report(document: Document) -> None:
    before = copy.deepcopy(document)
    assert render_html(document) == render_html(json.loads(json.dumps(document)))
    assert document == before


@every_document
def test_elements_nest(document: Document) -> None:
    page = rendered(document)
    assert not page.open
    assert not page.comments


@every_document
def test_headings_begin_at_one_and_skip_no_level(document: Document) -> None:
    levels = [int(tag[1]) for tag in rendered(document).tags() if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_document
def test_ids_are_unique_and_what_refers_to_one_finds_it(document: Document) -> None:
    page = rendered(document)
    ids = Counter(attrs["id"] for attrs, _ in page.all() if "id" in attrs)
    assert set(ids.values()) == {1}
    for attrs, _ in page.all():
        for name in ("for", "aria-labelledby", "aria-describedby"):
            assert name not in attrs or attrs[name] in ids
        if (attrs.get("href") or "").startswith("#"):
            assert str(attrs["href"])[1:] in ids


@every_document
def test_tables_have_captions_and_scopes_and_labelled_regions(document: Document) -> None:
    page = rendered(document)
    tags = page.tags()
    tables = tags.count("table")
    assert [tags[number + 1] for number, tag in enumerate(tags) if tag == "table"] == ["caption"] * tables
    assert all("scope" in attrs for attrs, _ in page.all("th"))
    regions = [attrs for attrs, _ in page.all(class_="scroll")]
    assert len(regions) == tables
    assert all(attrs["tabindex"] == "0" and attrs["role"] == "region" for attrs in regions)
    assert len({attrs["aria-label"] for attrs in regions}) == tables


@every_document
def test_nothing_is_loaded_and_only_the_script_of_the_page_runs(document: Document) -> None:
    page = rendered(document)
    policy = str(page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0][0]["content"])
    [script] = page.script(None)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}';" in policy
    for attrs, _ in page.all():
        assert "src" not in attrs
        assert (attrs.get("href") or "#").startswith(("#", "data:"))
        assert not any(name.startswith("on") for name in attrs)
    assert "url(" not in page.all("style")[0][1]
    assert "@import" not in page.all("style")[0][1]


@pytest.mark.parametrize("document", [html_documents.lammps(), html_documents.troubled(), images(), variants()])
def test_html_in_names_is_text(document: Document) -> None:
    page = rendered(renamed(document, HOSTILE))
    assert page.tags() == rendered(document).tags()
    assert HOSTILE in page.text()
    assert page.heat()["jobs"][0].endswith(HOSTILE)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_text_in_names_is_text(text: str) -> None:
    page = rendered(renamed(small(), text))
    assert page.tags() == rendered(small()).tags()
    assert page.heat()["jobs"][0].endswith(text)


def test_half_a_surrogate_pair_can_be_written() -> None:
    render_html(renamed(small(), "\ud83d")).encode()


def test_the_verdict_is_said_in_words_and_the_failures_first() -> None:
    page = rendered(html_documents.troubled())
    assert page.all("h1")[0][1] == "✗ Failed"
    assert page.all("title")[0][1] == "Failed: lammps - pytest-compat"
    text = page.text()
    assert "2,880 submissions 8 levels run 1 experiment 1 of 3 gates hold" in text
    order = ("Why it failed", "is below 0.5", "worker gw0 died", "1 failed test", "✗ fails below the limit", "Accuracy")
    places = [text.index(each, text.index("Failed")) for each in order]
    assert places == sorted(places)


def test_many_gates_that_hold_are_folded_away() -> None:
    document = html_documents.troubled()
    holding, *failing = document["gates"]
    document["gates"] = [*[holding] * MAX_GATES, *failing]
    page = rendered(document)
    captions = [text for _, text in page.all("caption")]
    assert [each.partition(":")[0] for each in captions[:2]] == [
        "Gates that fail",
        f"Gate {holding['rule'].partition(':')[0]}",
    ]
    folded = next(text for _, text in page.all("details") if "that holds" in text)
    assert folded.startswith(f"1 gate that holds {holding['rule']} holds at {MAX_GATES} levels")
    assert (folded.count("✓ holds"), folded.count("✗ fails")) == (MAX_GATES, 0)
    assert page.text().count("✗ fails") == 2
    assert "1 of 3 gates hold" in page.text()


def test_a_gate_holds_when_it_holds_at_all_its_levels() -> None:
    document = html_documents.troubled()
    holding = document["gates"][0]
    document["gates"] = [holding | {"passed": number > 0} for number in range(MAX_GATES + 1)]
    page = rendered(document)
    assert "0 of 1 gate holds" in page.text()
    assert f"{holding['rule']} holds at {MAX_GATES} of {MAX_GATES + 1} levels." in page.text()
    assert "that hold" not in page.text().replace("that hold for", "")
    document["gates"] = [holding] * 3
    assert "1 of 1 gate holds" in rendered(document).text()


def test_sections_come_in_order() -> None:
    html = render_html(html_documents.troubled())
    titles = [re.sub("<.*?>", "", title) for title in re.findall("<h[23][ >].*?</h[23]>", html)]
    assert titles == [
        "Why it failed",
        "The session",
        "Gates",
        "Against the baseline",
        "Not, or only in part, to be compared",
        "In the baseline, but not run now",
        "Run now, but not in the baseline",
        "lammps",
        "Accuracy by level",
        "Outcomes by level",
        "Assigned against the ground truth",
        "What each subsystem is worth",
        "Errors, flags and disagreements",
        "Timings",
        "Environment",
        "The same again",
        "Measured with",
    ]


def test_marks_stand_where_their_values_are() -> None:
    document = html_documents.lammps()
    run = document["runs"][6]
    run |= {"accuracy": 0.5, "interval": [0.25, 0.75], "published": [html_documents.published("us", 4, 4, 0.034)]}
    run["exact"]["accuracy"] = 0.625
    document["runs"] = [run]
    page = rendered(document)
    track = [attrs for attrs, _ in page.all("i") if "style" in attrs][:5]
    assert [(attrs["class"], attrs["style"]) for attrs in track] == [
        ("stem", "width:62.50%"),
        ("range", "left:25.00%;width:50.00%"),
        ("tick s0", "left:100.00%"),
        ("diamond", "left:62.50%"),
        ("dot", "left:50.00%"),
    ]
    assert "0.5000 0.2500-0.7500 0.6250 5/8 4/4 (p 0.03) (us)" in page.text()
    assert "sampled outside" not in page.text()


def test_times_stand_on_an_axis_of_powers_of_ten() -> None:
    document = html_documents.lammps()
    slow = {"count": 9, "median": 0.01, "p99": 0.1}
    document["runs"] = [document["runs"][0] | {"timings": {"match": slow | {"median": 0.001}, "submit": slow}}]
    page = rendered(document)
    marks = [
        attrs["style"] for kind in ("match", "submit") for attrs, _ in page.all("i", class_=kind) if "style" in attrs
    ]
    assert marks == ["left:0.00%;width:100.00%", "left:0.00%", "left:50.00%;width:50.00%", "left:50.00%"]
    assert "1 ms 10 ms 100 ms" in page.text()
    document["runs"][0]["timings"]["submit"] = {"count": 9, "median": 5e-6, "p99": 2.0}
    assert "1 \N{MICRO SIGN}s 100 \N{MICRO SIGN}s 10 ms 1 s" in rendered(document).text()


def test_a_sample_outside_its_range_is_marked_and_explained() -> None:
    document = html_documents.lammps()
    document["runs"][0] |= {"accuracy": 0.9, "interval": [0.1, 0.2]}
    page = rendered(document)
    assert [text for _, text in page.all("abbr")] == ["*"]
    assert "as one level in twenty is by chance" in page.text()


def test_what_was_not_recorded_leaves_a_gap_in_the_bar() -> None:
    document = html_documents.lammps()
    document["runs"] = [document["runs"][7] | {"expected": 720, "complete": False}]
    page = rendered(document)
    assert [attrs["style"] for attrs, _ in page.all("i", class_="correct") if "style" in attrs] == ["width:50.00%"]
    assert "360 of 720" in page.text()


def test_the_heat_map_has_what_the_report_says() -> None:
    document = html_documents.wide(clusters=60, jobs=9)
    [about] = document["experiments"]
    heat = rendered(document).heat()
    assert (heat["jobs"], heat["clusters"]) == (about["jobs"], about["clusters"])
    assert heat["truth"] == [about["truth"][job] for job in about["jobs"]]
    for run, view in zip(document["runs"], heat["views"], strict=True):
        for number, job in enumerate(about["jobs"]):
            assert heat["sets"][view["candidates"][number]] == run["candidate_sets"][job]
            pairs = view["assigned"][number]
            assigned = {about["clusters"][place]: count for place, count in zip(pairs[::2], pairs[1::2], strict=True)}
            assert assigned == Counter(
                record["cluster"]
                for record in document["records"]
                if (record["level"], record["job"]) == (run["level"], job) and record["cluster"] is not None
            )


def test_the_heat_map_in_numbers_is_what_counting_gives() -> None:
    document = html_documents.troubled()
    [about] = document["experiments"]
    run = document["runs"][6]
    unknown, *known = about["jobs"]
    run["candidate_sets"] |= {unknown: None, known[0]: ""}
    size = len(about["clusters"])
    score = {
        (job, place): float(points)
        for job, truth in about["truth"].items()
        for points, places in truth.items()
        for place in decode(places, size)
    }
    candidates = Counter(
        score.get((job, place), 0.0) for job in known for place in decode(run["candidate_sets"][job], size)
    )
    would = sum(job in known for job, _ in score)
    assigned = Counter(
        score.get((record["job"], about["clusters"].index(record["cluster"])), 0.0)
        for record in document["records"]
        if record["level"] == run["level"]
    )
    overlooked = would - candidates[1.0] - candidates[0.5]
    assert overlooked
    run["differing"]["total"] = 7
    row = [*(candidates[score] for score in (1.0, 0.5, 0.0)), overlooked, 7, *(assigned[s] for s in (1.0, 0.5, 0.0)), 0]
    table = re.search(r"Pairs of job and cluster, and submissions.*?</table>", render_html(document), re.DOTALL)
    assert table
    rows = [re.findall(r'<td class="n">(\d+)</td>', line) for line in table[0].splitlines()]
    assert list(map(str, row)) in rows


def test_the_heat_map_opens_at_the_last_level_that_assigned_wrongly() -> None:
    [(_, text)] = rendered(html_documents.lammps()).all("option", selected=None)
    assert text == "io.archspec+os+mpi"


def test_every_scheduler_has_its_charts_and_its_levels_to_choose() -> None:
    page = rendered(html_documents.two_schedulers())
    assert [attrs["label"] for attrs, _ in page.all("optgroup")] == ["rainbow", "reference"]
    assert [attrs["value"] for attrs, _ in page.all("option")] == [str(number) for number in range(16)]
    captions = [text for _, text in page.all("caption")]
    assert captions[:2] == ["Accuracy by level on rainbow", "Accuracy by level on reference"]


def without_submissions(page: Document) -> None:
    page["records"] = []
    for run in page["runs"]:
        run |= {"accuracy": None, "assigned_accuracy": None, "interval": None, "iterations": 0, "submissions": 0}
        run |= {"expected": 0, "outcomes": dict.fromkeys(run["outcomes"], 0)}


def without_exact(page: Document) -> None:
    for run in page["runs"]:
        run |= {"exact": None, "interval": None, "published": []}


def with_unknown_candidates(page: Document) -> None:
    for run in page["runs"]:
        run["candidate_sets"] = dict.fromkeys(run["candidate_sets"])


def without_times(page: Document) -> None:
    for run in page["runs"]:
        run["timings"] = {}


def with_times_of_nothing(page: Document) -> None:
    for run in page["runs"]:
        run["timings"] = {"match": {"count": 0, "median": None, "p99": None}}


def with_another_experiment_in_the_baseline(page: Document) -> None:
    page["comparison"] = html_documents.comparison(page)
    for part in ("levels", "missing", "new"):
        for each in page["comparison"][part]:
            each["experiment"] = "gone"


def with_an_empty_comparison(page: Document) -> None:
    page["comparison"] = html_documents.comparison(page) | {"missing": [], "new": []}
    page["comparison"]["levels"] = page["comparison"]["levels"][:1]


def with_sampled_worth(page: Document) -> None:
    worth = page["experiments"][0]["worth"]
    worth |= {"method": "sampled", "permutations": 500, "exhaustive": False}
    for each in worth["subsystems"]:
        each |= {"interval": [-0.1, 0.2], "first": None, "last": None}
    worth["subsystems"][0]["shapley"] = -0.125


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda page: page.update(html_documents.no_runs()), "No level was run, so there is nothing to show."),
        (without_submissions, "none - - 0.0260 5/192"),
        (without_exact, "none 0.0236 - -"),
        (with_unknown_candidates, "none 0 0 0 0"),
        (without_times, "No call was timed."),
        (with_times_of_nothing, "none - - 0 - - 0"),
        (with_another_experiment_in_the_baseline, "gone: os+mpi on rainbow"),
        (with_an_empty_comparison, "No cluster became a candidate, or ceased to be one"),
        (with_sampled_worth, "os -0.1250 -0.1000 to +0.2000 - -"),
        (lambda page: page["experiments"][0].update(worth=None), "Not worked out for this report."),
        (lambda page: page.update(comparison=None), "No baseline was given."),
        (lambda page: page.update(commands=[], environment={}), "Measured with seed 0"),
    ],
)
def test_what_a_report_lacks_is_said(change: Callable[[Document], None], words: str) -> None:
    document = html_documents.lammps()
    change(document)
    page = rendered(document)
    assert words in page.text()
    assert not page.open


def test_troubles_are_all_told() -> None:
    text = rendered(html_documents.troubled()).text()
    for words in (
        "360 of 400 submissions recorded; cases that were not run: amd64-ubuntu20.04-mpich-cpu-0,",
        "30 the job did not arrive on the cluster it was assigned to",
        "- the server ended with status 2",
        "Satisfy: DEADLINE_EXCEEDED after 20 s",
        "ReceiveJobs: UNAVAILABLE",
        "was chosen 43 of 360 times, expected 7.5 1e-09 1.6e-08",
        "all levels score points are missing at all levels 0.0003 0.0048",
        "1712 found, 50 of them not stable over repeats.",
        "os on rainbow: the experiment was edited",
        "5 pairs of job and cluster flipped: 4 for the worse, 1 for the better.",
        "io.archspec+os+mpi 4 1 40 9 -0.0868 0.6389 0.5521 0.0004 0.0032",
        "In the baseline, but not run now os+mpi on rainbow",
        "Run now, but not in the baseline hardware on rainbow",
    ):
        assert words in text


def test_flips_come_before_sizes_and_those_before_p() -> None:
    text = rendered(html_documents.troubled()).text()
    flips, sizes, p = (text.index(each) for each in ("▼ worse", "Change Before After", "After p Adjusted"))
    assert flips < sizes < p


def test_long_lists_end_with_how_many_more_there_are() -> None:
    page = rendered(html_documents.troubled())
    assert f"List of {MAX_LISTED}" in page.text()
    assert f"and {1712 - MAX_LISTED} more, in the JSON report" in page.text()


def test_disagreements_that_are_not_stable_come_first() -> None:
    table = re.search(r"those first that are not stable.*?</table>", render_html(html_documents.troubled()), re.DOTALL)
    assert table
    stable = re.findall(r'data-label="Stable"><span>(yes|no)<', table[0])
    assert stable == ["no"] * 50 + ["yes"] * 50


def test_what_repeats_the_run_can_be_pasted_into_a_shell() -> None:
    document = html_documents.document(commands=[["pytest", "my suites", "--compat-level=a'b"]])
    assert rendered(document).all("code")[0][1] == """pytest 'my suites' '--compat-level=a'"'"'b'"""


def test_the_commands_of_merged_sessions_have_a_line_each() -> None:
    document = html_documents.document(commands=[["pytest", "a"], [], ["pytest", "b c"]])
    assert "<code>pytest a\npytest &#39;b c&#39;</code>" in render_html(document)


def test_disagreements_are_counted_and_the_first_comes_with_what_explains_it() -> None:
    document = html_documents.troubled()
    page = rendered(document)
    assert "none: 1700 clusters too many, of which do not meet mpi: 1700, os: 9; too few: 12" in page.text()
    first = next(each for each in document["runs"][0]["disagreements"] if not each["stable"])
    explain = f"python -m pytest_compat explain --experiment lammps --job {first['job']} --cluster {first['cluster']}"
    assert f"{explain} --level none" in [text for _, text in page.all("code")]
    document["runs"][0]["unmet"] = {}
    assert "none: 1700 clusters too many; too few: 12" in rendered(document).text()


def test_in_what_compared_runs_differ_is_said() -> None:
    text = rendered(html_documents.troubled()).text()
    assert "io.archspec+os+mpi on rainbow: 20 iterations before, 5 now; only submissions" in text


def test_beyond_ten_errors_the_others_are_folded_away() -> None:
    document = html_documents.troubled()
    reasons = [{"reason": f"reason {number}.", "submissions": number, "jobs": []} for number in range(MAX_OPEN + 5)]
    document["runs"][0]["errors"], document["runs"][-1]["errors"] = reasons[::2], reasons[1::2]
    document["errors"] = [f"error {number}." for number in range(MAX_LISTED + 5)]
    page = rendered(document)
    folded = [text for _, text in page.all("details")]
    for count, first, last in [(MAX_LISTED - MAX_OPEN, "error 10.", "error 99."), (5, "reason 4.", "reason 0.")]:
        [found] = [text for text in folded if text.startswith(f"{count} more ") and first in text]
        assert last in found
    assert not any("error 9." in text or "reason 5." in text for text in folded)
    assert "and 5 more, in the JSON report" in page.text()


def test_an_error_is_no_success_whatever_the_cluster_it_was_assigned() -> None:
    document = html_documents.failed()
    [run], [about] = document["runs"], document["experiments"]
    job, cluster = about["jobs"][2], about["clusters"][5]
    run["disagreements"] = [
        {"job": job, "cluster": cluster, "said": True, "expected": False, "asked": 2, "said_times": 1, "stable": False},
        {"job": job, "cluster": about["clusters"][6], "said": False, "expected": True, "asked": 1, "said_times": 0}
        | {"stable": True},
    ]
    run["differing"] = {"total": 1500, "listed": 2, "unstable": 1, "many": 1, "few": 1}
    page = rendered(document)
    [view] = page.heat()["views"]
    assert [sum(pairs[1::2]) for pairs in view["errors"]] == [20, 1, *[0] * 16]
    assert [sum(pairs[1::2]) for pairs in view["assigned"]] == [20] * 18
    assert view["disagreements"] == [[2, 5, UNSTABLE], [2, 6, EXPECTED]]
    assert "At io.archspec+os+mpi+hardware, 2 of 1500 disagreements are in the report, and marked." in page.text()
    [row] = [text for _, text in page.all("tr") if " 1500 " in text]
    assert row.endswith("1500 339 0 0 21")


@pytest.mark.parametrize(("document", "most"), [(html_documents.lammps(), 150_000), (html_documents.wide(), 400_000)])
def test_pages_stay_small(document: Document, most: int) -> None:
    assert len(render_html(document).encode()) < most


def test_without_reasons_and_times_there_are_no_sections_of_them() -> None:
    text = rendered(html_documents.lammps()).text()
    assert "Reasons by level" not in text
    assert "Time lost" not in text


def test_bars_of_reasons_are_as_long_as_their_shares() -> None:
    html = render_html(images())
    stacks = re.findall(r'<div class="stack (sampled|exact)" aria-hidden="true">(.*?)</div>', html)
    bars = [(part, re.findall(r'<i class="([^"]*)" style="width:([^"]*)"></i>', found)) for part, found in stacks]
    assert bars == [
        ("sampled", [("correct", "37.50%"), ("because r0", "37.50%"), ("because r1", "25.00%")]),
        ("exact", [("correct", "50.00%"), ("because r0", "25.00%"), ("because r1", "25.00%")]),
        ("sampled", [("correct", "25.00%"), ("because r0", "25.00%"), ("because r1", "37.50%")]),
        ("exact", [("correct", "41.67%"), ("because r0", "33.33%"), ("because r1", "25.00%")]),
        ("sampled", [("correct", "66.67%"), ("unexplained", "33.33%")]),
        ("exact", [("correct", "66.67%"), ("unexplained", "33.33%")]),
    ]


def test_reasons_are_a_table_as_well() -> None:
    page = rendered(images())
    rows = [text for _, text in page.all("tr")]
    assert "Level Chart from 0 to 1 correct abi | issue missing gpu no reason given" in rows
    assert (
        "platform 2 (0.2500) exact 0.4167 = 5/12 2 (0.2500) exact 0.3333 = 1/3 3 (0.3750) exact 0.2500 = 1/4 0" in rows
    )
    assert "os 4 (0.6667) exact 0.6667 = 2/3 0 0 2 (0.3333) exact 0.3333" in rows


def test_what_others_counted_comes_with_its_chance() -> None:
    page = rendered(images())
    rows = [text for _, text in page.all("tr")]
    assert "basic us, twice 1/8 (p 0.07) - 4/8 (p 0.0004)" in rows
    assert not [row for row in rows if row.startswith("basic them")]  # gave points and no counts
    assert "basic 0.3750 0.4600-0.5400* 0.5000 1/2 1/8 (p 0.07) (us, twice) 5/10 (them)" in rows
    assert page.text().count("two-sided") == 2


def test_a_reason_that_scores_in_part_looks_compatible() -> None:
    page = rendered(partly_explained())
    swatches = [str(attrs["class"]) for attrs, _ in page.all("i", class_="swatch")]
    looks = ["swatch correct", "swatch compatible", "swatch because r0", "swatch because r1", "swatch unexplained"]
    assert swatches[-2 * len(looks) :] == looks * 2
    assert "correct slow abi | issue missing gpu no reason given upper bar" in page.text()


def test_more_reasons_than_colours_are_all_told() -> None:
    document = images()
    for number in range(9):
        document["runs"][0]["exact"]["reasons"][f"reason {number}"] = {"rate": 1e-6 * (9 - number), "fraction": "1/9"}
    page = rendered(document)
    swatches = [str(attrs["class"]) for attrs, _ in page.all("i", class_="because") if "swatch" in str(attrs["class"])]
    assert swatches == [f"swatch because r{min(number, COLOURS - 1)}" for number in range(11)] * 2
    assert f".r{COLOURS - 1} {{" in page.all("style")[0][1]
    assert f".r{COLOURS} {{" not in page.all("style")[0][1]


@pytest.mark.parametrize(("kind", "where"), [("measured", "measured on"), ("modelled", "modelled for")])
def test_time_lost_says_by_which_times(kind: str, where: str) -> None:
    page = rendered(variants(kind))
    assert f"of submissions that run. Times {where} a [big] node." in page.text()
    assert f"Sampled ({kind}) Ran Exact ({kind}) Share that runs basic 333 ms 3/8 250 ms 0.5000" in page.text()
    assert "platform - 0/8 - 0.0000" in page.text()


def test_a_level_at_which_nothing_is_lost_has_a_bar_of_no_length() -> None:
    document = variants()
    for run in document["runs"]:
        run["regret"] = {"seconds": 0.0, "ran": 3, "exact": {"seconds": 0.0, "ran": 0.5}}
    page = rendered(document)
    assert [attrs["style"] for attrs, _ in page.all("i", class_="bar") if "width" in str(attrs.get("style"))][:2] == (
        ["width:0.00%"] * 2
    )
    assert "basic 0 s 3/8 0 s 0.5000" in page.text()


def test_draws_are_told_from_iterations() -> None:
    def facts(document: Document) -> list[str]:
        return [text for attrs, text in rendered(document).all("dl", class_="facts")][:1]

    [told] = facts(images())
    assert "iterations 2 draws per level 8 seed 0" in told
    [told] = facts(variants())
    assert "iterations" not in told
    assert "jobs 3 draws per level 8 seed 0" in told


def test_jobs_that_take_no_part_in_a_level_are_absent_from_its_map() -> None:
    document = images()
    heat = rendered(document).heat()
    assert [view["absent"] for view in heat["views"]] == [[1, 2], [1], []]
    assert [view["candidates"].count(None) for view in heat["views"]] == [2, 1, 0]
    assert heat["reasons"] == [document["experiments"][0]["reasons"][job] for job in heat["jobs"]]
    assert "the job takes no part in the level" in rendered(document).text()
    assert "takes no part" not in rendered(html_documents.lammps()).text()
