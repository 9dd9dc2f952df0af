"""The shipped experiment of variants: what is measured, what is modelled from it, and what metadata is worth there."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.declare.times import MEASURED, MODELLED, read_table, summarize
from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.variants import read_variants
from pytest_compat.matching import Index
from pytest_compat.truth import GroundTruth
from suites.variant_selection import model, noise

SUITE = Path(model.__file__).parent
SHIPPED = SUITE / "modelled" / model.MACHINE / "times.csv"
TIMES = st.floats(1e-3, 1e3)


def accuracies(name: str) -> list[Fraction]:
    """Return the exact accuracy of every level, as it is defined: the mean over jobs of what their candidates score."""
    experiment = load_experiment(SUITE / name)
    index, truth = Index(experiment.clusters), GroundTruth(experiment.clusters, experiment.truth)
    found = []
    for level in experiment.levels.resolve(["all"]):
        means = []
        for job in experiment.jobs:
            candidates, scores = index.candidates(level.show(job)), truth.scores(job)
            means.append(sum((scores[each] for each in candidates), Fraction(0)) / len(candidates))
        found.append(sum(means, Fraction(0)) / len(means))
    return found


@pytest.mark.parametrize("name", ["experiment.yaml", "arm.yaml"])
def test_every_level_comes_closer_to_the_best_choice_and_none_reaches_it(name: str) -> None:
    found = accuracies(name)
    assert all(fewer < more for fewer, more in pairwise(found))
    assert found[-1] < 1


def test_the_architecture_decides_what_runs() -> None:
    experiment = load_experiment(SUITE / "experiment.yaml")
    judged = GroundTruth(experiment.clusters, experiment.truth).judgements(experiment.jobs[0])
    reasons = {name: each.reason for name, each in judged.items() if name.startswith(model.MACHINE)}
    assert len(reasons) == 31
    assert set(reasons.values()) == {"wrong architecture"}
    assert sum(each.score == 1 for each in judged.values()) == 1


def test_the_measured_table_is_of_the_plan_beside_it() -> None:
    plan = yaml.safe_load((SUITE / "plan.yaml").read_text(encoding="utf-8"))
    table = read_table(model.SOURCE)
    assert (table.kind, table.about["complete"]) == (MEASURED, True)
    assert table.variants == {name: part.attributes for name, part in read_variants(plan)}
    assert table.about["inputs"] == {name: each["attributes"] for name, each in plan["inputs"].items()}
    assert len(table.rows) == len(table.variants) * len(table.about["inputs"]) * plan["repeats"]


def test_the_modelled_table_is_what_the_command_writes(tmp_path: Path) -> None:
    model.write(tmp_path)
    for name in ("times.csv", "times.json"):
        assert (tmp_path / name).read_bytes() == SHIPPED.with_name(name).read_bytes()


def test_the_modelled_table_says_what_it_is_modelled_from() -> None:
    modelled, measured = read_table(SHIPPED), read_table(model.SOURCE)
    assert modelled.kind == MODELLED
    assert modelled.about["model"]["measured"] == {"machine": measured.machine, "sha256": measured.about["sha256"]}


def test_on_as_many_cores_a_modelled_time_is_a_measured_one_scaled() -> None:
    measured = {(each.input, each.variant): each for each in summarize(read_table(model.SOURCE).rows)}
    modelled = {(each.input, each.variant): each for each in summarize(read_table(SHIPPED).rows)}
    shared = modelled.keys() & measured.keys() - {key for key in measured if "mpi4" in key[1]}
    assert len(shared) == 23 * 5
    for key in shared:
        if (seconds := measured[key].median) is None:
            assert (modelled[key].median, modelled[key].reason) == (None, measured[key].reason)
        else:
            assert modelled[key].median == pytest.approx(model.FACTOR * seconds, abs=1e-6)


@given(TIMES, TIMES)
def test_four_cores_are_as_fast_as_amdahls_law_has_it(one: float, two: float) -> None:
    serial = model.serial_fraction(one, two)
    four = model.on_four(two, serial)
    assert 0 <= serial <= 1
    assert two / 2 <= four * (1 + 1e-9)
    assert four <= two * (1 + 1e-9)
    if one / 2 <= two <= one:
        assert four == pytest.approx(one * (serial + (1 - serial) / 4))


def test_measured_and_modelled_times_are_no_one_experiment(tmp_path: Path) -> None:
    tables = [str(model.SOURCE), str(SHIPPED)]
    path = tmp_path / "mixed.yaml"
    document = yaml.safe_load((SUITE / "experiment.yaml").read_text(encoding="utf-8"))
    document["clusters"]["tables"] = {each: {"io.archspec": {"cpu.target": "x86_64"}} for each in tables}
    document["jobs"] = str(SUITE / "jobs-x86.yaml")
    document["truth"] = [{"times": table} for table in tables]
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"truth\[1\].times: found modelled times .* beside measured times"):
        load_experiment(path)


def test_the_noise_is_told_of_every_level_and_input(capsys: pytest.CaptureFixture[str]) -> None:
    noise.main(draws=20, seed=0)
    lines = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    measured = [float(row[1]) for row in cells if row[0].startswith(("none", "io.archspec"))]
    assert measured == [pytest.approx(float(accuracy), abs=6e-4) for accuracy in accuracies("experiment.yaml")]
    assert {row[0] for row in cells} >= {"melt", "eam", "chain", "peptide", "meam"}
