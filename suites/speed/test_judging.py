"""What judging and drawing a report cost, beside parsing and writing its JSON."""

import json
from functools import cache
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.judge.gather import Gatherer, case_record
from pytest_compat.report.document import Session
from pytest_compat.report.html import render_html
from pytest_compat.report.stored import Stored, read_stored
from pytest_compat.run.rounds import Sampling
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import SchedulerOptions

from .test_speed import compare

EXPERIMENT = Path(__file__).parents[1] / "lammps" / "experiment.yaml"

pytestmark = pytest.mark.benchmark(max_time=0.5)


@cache
def document(levels, iterations):
    """Return the report of so many levels of the LAMMPS experiment, with so many submissions of each job."""
    experiment = load_experiment(EXPERIMENT)
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), sampling=Sampling(iterations)))
    gatherer = Gatherer()
    for level in islice(experiment.levels.resolve(["subsets"]), levels):
        gatherer.add(case_record(worlds.level(experiment, level), None, with_facts=True))
    worlds.close()
    stored = Stored("here", Session(("speed",)), gatherer)
    return stored.document(stored.judge())


@pytest.fixture(params=[(4, 20), (16, 20), (16, 200)], ids="{0[0]}-levels-{0[1]}-iterations".format)
def report(request, tmp_path):
    """A report, as a document, as text and as a file."""
    made = document(*request.param)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(made), encoding="utf-8")
    return SimpleNamespace(document=made, path=path)


@pytest.mark.benchmark(max_time=0.5, group="a stored report, read and judged")
def test_judging(benchmark, report):
    assert read_stored(report.path).judge().passed
    text = report.path.read_text(encoding="utf-8")
    compare(benchmark, lambda: read_stored(report.path).judge(), lambda: json.loads(text), "parsing its JSON", times=5)


@pytest.mark.benchmark(max_time=0.5, group="a report as HTML")
def test_drawing(benchmark, report):
    compare(benchmark, lambda: render_html(report.document), lambda: json.dumps(report.document), "its JSON", times=5)
