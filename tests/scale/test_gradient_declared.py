"""Experiments at scale as people declare them: what is read, and what is refused with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest
import yaml

pandas = pytest.importorskip("pandas")

from pytest_compat.builds.dataset import Dataset, write_dataset  # noqa: E402
from pytest_compat.builds.generate import generate_builds  # noqa: E402
from pytest_compat.errors import DeclarationError  # noqa: E402
from pytest_compat.scale.bits import counted, unpacked  # noqa: E402
from pytest_compat.scale.declared import FULL, SMALL, Prepared, load_gradient  # noqa: E402
from pytest_compat.scale.engine import blocks  # noqa: E402
from pytest_compat.scale.run import BATCH, measure  # noqa: E402
from pytest_compat.scale.tables import builds_as_jobs  # noqa: E402
from pytest_compat.scale.work import run_all  # noqa: E402
from pytest_compat.schedulers import SchedulerOptions  # noqa: E402

GENERATED = {
    "experiment": "made",
    "jobs": {"generated": 40, "seed": 1},
    "clusters": {"count": 6, "seed": 2},
    "scores": ["truth"],
}
RANGES = {
    "experiment": "ranges",
    "jobs": {"requirements": "jobs.parquet", "ranges": "ranges.csv"},
    "clusters": {"table": "clusters.parquet"},
    "order": ["zlib", "cmake"],
    "scores": ["meets"],
}
CSV = "range_id,subsystem,min,max\n0,zlib,1.2,1.2.11\n1,cmake,3.20,\n2,zlib,,2\n"
JOBS = {"job": ["a", "b", "c"], "package": ["p", "p", "q"], "requires": [[0, 1], [2], []]}
CLUSTERS = {
    "cluster": ["two", "one", "three", "four"],
    "zlib": ["1.2", "1.2.11", "1.2.12", None],
    "cmake": ["3.20", "3.19.9", "develop", "3.20.0"],
}


def write(folder: Path, document: Mapping[str, Any], **changed: Any) -> Path:
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**document, **changed}))
    return path


def prepare(folder: Path, document: Mapping[str, Any], scale: str = FULL, **changed: Any) -> Prepared:
    return load_gradient(write(folder, document, **changed)).prepare(scale)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with the tables that RANGES refers to."""
    pandas.DataFrame(JOBS).to_parquet(tmp_path / "jobs.parquet")
    pandas.DataFrame(CLUSTERS).to_parquet(tmp_path / "clusters.parquet")
    (tmp_path / "ranges.csv").write_text(CSV)
    return tmp_path


def candidates(prepared: Prepared) -> list[list[set[str]]]:
    """Return the names of the candidates by level and job."""
    problem, rows = prepared.problem, []
    alive = numpy.ones((len(problem.jobs), len(problem.clusters)), dtype=bool)
    for step in (None, *problem.steps):
        if step is not None:
            alive[step.jobs] &= unpacked(step.masks[step.wants], len(problem.clusters))
        rows.append([{problem.clusters[place] for place in numpy.flatnonzero(row)} for row in alive])
    return rows


def test_ranges_are_read_with_both_ends_included(tables: Path) -> None:
    prepared = prepare(tables, RANGES)
    everything = {"one", "two", "three", "four"}
    assert prepared.problem.jobs == ("a", "b", "c")
    assert prepared.problem.packages == ("p", "p", "q")
    assert prepared.problem.clusters == ("four", "one", "three", "two")
    assert prepared.problem.levels == ("0-none", "1-zlib", "2-cmake")
    assert candidates(prepared) == [
        [everything] * 3,
        [{"two", "one"}, everything - {"four"}, everything],
        [{"two"}, everything - {"four"}, everything],
    ]
    found = run_all(prepared.problem, blocks(prepared.problem), 0)
    assert found.candidates.tolist() == [[4, 4, 4], [2, 3, 4], [1, 3, 4]]
    assert found.expected[0].tolist() == [[0.25, 0.75, 1], [0.5, 1, 1], [1, 1, 1]]


def test_rows_of_a_job_that_stands_there_before_are_left_out_and_told(tables: Path) -> None:
    pandas.DataFrame({"job": ["a", "a"], "package": ["p", "p"], "requires": [[0], [1]]}).to_parquet(
        tables / "jobs.parquet"
    )
    prepared = prepare(tables, RANGES)
    assert prepared.problem.jobs == ("a",)
    assert prepared.remarks == ("1 rows left out: a job of the same name stands before them",)
    assert [len(step.jobs) for step in prepared.problem.steps] == [1, 0]


def test_the_small_part_is_the_first_of_each(tables: Path) -> None:
    prepared = prepare(tables, RANGES, SMALL, small={"jobs": 2, "clusters": 3, "subsystems": 1})
    problem = prepared.problem
    assert (problem.jobs, problem.clusters) == (("a", "b"), ("four", "one", "three"))
    assert problem.levels == ("0-none", "1-zlib")
    assert prepared.environments.names == problem.clusters
    assert prepare(tables, RANGES, FULL, small={"jobs": 2}).problem.jobs == ("a", "b", "c")


def test_a_random_order_is_the_same_for_its_seed_alone(tmp_path: Path) -> None:
    orders = [prepare(tmp_path, GENERATED, order=seed).problem.levels for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    assert prepare(tmp_path, GENERATED).problem.levels == orders[0]
    names = [{level.partition("-")[2] for level in each} for each in orders]
    assert names[0] == names[2]


def test_a_generated_job_requires_what_it_was_built_with(tmp_path: Path) -> None:
    frame = generate_builds(40, 1).frame
    problem = prepare(tmp_path, GENERATED).problem
    assert problem.jobs == tuple(frame["spec"])
    for job, (names, versions) in enumerate(zip(frame["dep_names"], frame["dep_versions"], strict=True)):
        (group,) = problem.jobspec(job, len(problem.steps)).groups.values()
        assert {each.subsystem: each.match for each in group.requires} == dict(zip(names, versions, strict=True))


@pytest.mark.parametrize(
    ("require", "expected"),
    [
        ("exact", {"cmake": {"match": "3.20.1"}, "perl": {"match": "v5"}, "zlib": {"match": "develop"}}),
        (
            "minor",
            {"cmake": {"min": "3.20", "max": "3.20"}, "perl": {"min": "5", "max": "5"}, "zlib": {"match": "develop"}},
        ),
        (
            "major",
            {"cmake": {"min": "3", "max": "3"}, "perl": {"min": "5", "max": "5"}, "zlib": {"match": "develop"}},
        ),
    ],
)
def test_builds_require_their_versions_or_any_that_are_as_near(require: str, expected: dict[str, Any]) -> None:
    frame = pandas.DataFrame(
        {
            "spec": ["a", "b"],
            "package": ["p", "q"],
            "dep_names": [["cmake", "perl", "zlib"], []],
            "dep_versions": [["3.20.1", "v5", "develop"], []],
        }
    )
    jobs, remarks = builds_as_jobs(Dataset(frame, (), ("odd",)), require)
    assert (jobs.names, jobs.packages) == (("a", "b"), ("p", "q"))
    assert {name: found[0] for name, found in jobs.required.items()} == expected
    assert all(list(found) == [0] for found in jobs.required.values())
    unordered = "1 versions have no place in the order of versions, such as zlib develop: they are required as they are"
    assert remarks == ["odd", *([] if require == "exact" else [unordered])]


def test_looser_requirements_leave_more_candidates(tmp_path: Path) -> None:
    counts = []
    for require in ("exact", "minor", "major"):
        prepared = prepare(tmp_path, GENERATED, jobs={"generated": 40, "require": require}, clusters={"count": 100})
        counts.append([int(counted(step.masks[step.wants]).sum()) for step in prepared.problem.steps])
    assert all(exact <= minor <= major for exact, minor, major in zip(*counts, strict=True))
    assert sum(counts[0]) < sum(counts[2])


def test_a_table_of_builds_is_read(tmp_path: Path) -> None:
    made = generate_builds(30, 3)
    write_dataset(made.frame, tmp_path / "builds.parquet")
    problem = prepare(tmp_path, GENERATED, jobs={"dataset": "builds.parquet"}, scores=["meets"]).problem
    assert problem.jobs == tuple(made.frame["spec"])


def test_small_and_full_agree_where_they_are_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, GENERATED, jobs={"generated": 12}, small={"subsystems": 113})
    small = measure(load_gradient(path), SMALL, scheduler=SchedulerOptions("reference"))
    full = measure(load_gradient(path), FULL)
    ways = [case.gradient.plain() for case in (small, full)]
    assert [(way.pop("way"), way.pop("scale")) for way in ways] == [("reference", SMALL), (BATCH, FULL)]
    assert ways[0] == ways[1]
    small.check()


def refused(folder: Path, document: Mapping[str, Any], **changed: Any) -> str:
    """Return why a declaration is refused, without the folder; it names the file it stands in."""
    path = write(folder, document, **changed)
    with pytest.raises(DeclarationError) as error:
        load_gradient(path).prepare(FULL)
    assert error.value.source.startswith(str(folder))
    return str(error.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"level": 1}, r"experiment\.yaml: .*'level'"),
        ({"experiment": "with space"}, r"experiment\.yaml: experiment: .*'with space'"),
        ({"jobs": {}}, r"experiment\.yaml: jobs: "),
        ({"jobs": {"generated": 0}}, r"experiment\.yaml: jobs\.generated: "),
        ({"jobs": {"generated": 1.5}}, r"experiment\.yaml: jobs\.generated: "),
        ({"jobs": {"generated": 5, "dataset": "x.parquet"}}, r"experiment\.yaml: jobs: "),
        ({"jobs": {"requirements": "x.parquet"}}, r"experiment\.yaml: jobs: "),
        ({"jobs": {"generated": 5, "require": "patch"}}, r"experiment\.yaml: jobs\.require: .*'patch'"),
        ({"jobs": {"generated": 5, "of": 3}}, r"experiment\.yaml: jobs.*'of'"),
        ({"clusters": {"count": -1}}, r"experiment\.yaml: clusters\.count: "),
        ({"clusters": {"count": 5, "draw": "often"}}, r"experiment\.yaml: clusters\.draw: .*'often'"),
        ({"clusters": {"count": 5, "table": "x"}}, r"experiment\.yaml: clusters: "),
        ({"scores": []}, r"experiment\.yaml: scores: "),
        ({"scores": ["truth", "truth"]}, r"experiment\.yaml: scores: "),
        ({"scores": ["meets", "luck"]}, r"experiment\.yaml: scores\[1\]: found 'luck', expected one of truth, meets, "),
        ({"order": []}, r"experiment\.yaml: order: "),
        ({"order": ["lib001", "lib001"]}, r"experiment\.yaml: order: "),
        ({"order": ["lib001", "zlib"]}, r"experiment\.yaml: order\[1\]: unknown subsystem 'zlib'.*known: .*lib001"),
        ({"order": ["lib001"]}, r"experiment\.yaml: order: found no 'lib\d+', which jobs require"),
        ({"small": {"levels": 3}}, r"experiment\.yaml: small.*'levels'"),
        ({"small": {"jobs": 0}}, r"experiment\.yaml: small\.jobs: "),
        ({"jobs": {"dataset": "none.parquet"}}, r"none\.parquet: found no such file"),
        ({"clusters": {"table": "none.parquet"}}, r"none\.parquet: found no such file"),
    ],
    ids=str,
)
def test_a_declaration_that_is_none(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    assert re.match(message, refused(tmp_path, GENERATED, **changed))


@pytest.mark.parametrize("missing", ["experiment", "jobs", "clusters", "scores"])
def test_a_declaration_that_lacks_something(tmp_path: Path, missing: str) -> None:
    document = {name: value for name, value in GENERATED.items() if name != missing}
    assert re.match(rf"experiment\.yaml: .*{missing}", refused(tmp_path, document))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match=r"none\.yaml: "):
        load_gradient(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["", "[]", "a: [", "experiment: x\nexperiment: y\n"])
def test_a_file_that_is_no_declaration(tmp_path: Path, text: str) -> None:
    (tmp_path / "experiment.yaml").write_text(text)
    with pytest.raises(DeclarationError, match=r"experiment\.yaml: "):
        load_gradient(tmp_path / "experiment.yaml")


def test_the_truth_of_a_real_table(tmp_path: Path) -> None:
    write_dataset(generate_builds(30, 3).frame, tmp_path / "builds.parquet")
    assert refused(tmp_path, GENERATED, jobs={"dataset": "builds.parquet"}) == (
        "experiment.yaml: scores[0]: found 'truth', which generated builds alone have"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"clusters": {"count": 5}},
            "experiment.yaml: clusters: found a count, expected a table of clusters, as jobs have ranges",
        ),
        (
            {"scores": ["truth"]},
            "experiment.yaml: scores[0]: found 'truth', expected 'meets': jobs with ranges say nothing else",
        ),
        (
            {"scores": ["meets", "bayes"]},
            "experiment.yaml: scores[1]: found 'bayes', expected 'meets': jobs with ranges say nothing else",
        ),
        ({"order": ["zlib"]}, "experiment.yaml: order: found no 'cmake', which jobs require"),
        (
            {"order": ["cmake", "zlib", "zlob"]},
            "experiment.yaml: order[2]: unknown subsystem 'zlob', did you mean 'zlib'? (known: cmake, zlib)",
        ),
    ],
    ids=str,
)
def test_jobs_with_ranges(tables: Path, changed: dict[str, Any], message: str) -> None:
    assert refused(tables, RANGES, **changed) == message


@pytest.mark.parametrize("order", [0, ["zlib"]], ids=["seed", "list"])
def test_a_subsystem_that_no_cluster_has_is_not_dropped(tables: Path, order: Any) -> None:
    pandas.DataFrame({name: CLUSTERS[name] for name in ("cluster", "zlib")}).to_parquet(tables / "clusters.parquet")
    assert "'cmake', which jobs require" in refused(tables, RANGES, order=order)


@pytest.mark.parametrize("name", ["jobs.parquet", "ranges.csv", "clusters.parquet"])
@pytest.mark.parametrize("content", [None, b"", b"what is this", b"\xff\xfe\x00"], ids=str)
def test_a_table_that_is_missing_or_none(tables: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (tables / name).unlink()
    else:
        (tables / name).write_bytes(content)
    assert refused(tables, RANGES).startswith(f"{name}: ")


def test_a_table_that_ends_early(tables: Path) -> None:
    path = tables / "clusters.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    assert refused(tables, RANGES).startswith("clusters.parquet: found no Parquet file that can be read")


@pytest.mark.parametrize("name", JOBS)
def test_jobs_that_lack_a_column(tables: Path, name: str) -> None:
    pandas.DataFrame({each: cells for each, cells in JOBS.items() if each != name}).to_parquet(tables / "jobs.parquet")
    assert refused(tables, RANGES) == f"jobs.parquet: found no column '{name}', expected job, package, requires"


def test_clusters_that_lack_names(tables: Path) -> None:
    pandas.DataFrame({"zlib": ["1"], "cmake": ["2"]}).to_parquet(tables / "clusters.parquet")
    assert refused(tables, RANGES) == "clusters.parquet: found no column 'cluster', expected cluster"


@pytest.mark.parametrize("names", [["one", "one"], ["one", None], [1, 2], []], ids=str)
def test_clusters_whose_names_do_not_tell_them_apart(tables: Path, names: list[Any]) -> None:
    versions = ["1.2"] * len(names)
    pandas.DataFrame({"cluster": names, "zlib": versions, "cmake": versions}).to_parquet(tables / "clusters.parquet")
    assert refused(tables, RANGES) == "clusters.parquet: cluster: found clusters without names that differ"


def test_versions_of_clusters_that_are_no_texts(tables: Path) -> None:
    pandas.DataFrame({"cluster": ["one"], "zlib": [1.2], "cmake": ["3"]}).to_parquet(tables / "clusters.parquet")
    assert refused(tables, RANGES) == "clusters.parquet: zlib: found 1.2, expected versions"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"requires": [[0], [7], []]}, "jobs.parquet: row 1: found range 7, of which ranges.csv has none"),
        ({"requires": [[0, 2], [], []]}, "jobs.parquet: row 0: found two ranges of zlib, expected one per job"),
        ({"job": ["a", None, "c"]}, "jobs.parquet: row 1: found [None, 'p', [2]], expected a name"),
        ({"package": ["a", "b", None]}, "jobs.parquet: row 2: found ['c', None, []], expected a name"),
        ({"requires": [[0], [1], None]}, "jobs.parquet: row 2: found ['c', 'q', None], expected a name"),
        ({"requires": ["0", "1", "2"]}, "jobs.parquet: row 0: found ['a', 'p', '0'], expected a name"),
        ({"requires": [["zlib"], [], []]}, "jobs.parquet: row 0: found range 'zlib', of which ranges.csv has none"),
        ({"requires": [[[0]], [], []]}, "jobs.parquet: row 0: found range [0], of which ranges.csv has none"),
        ({"requires": [[0, None], [], []]}, "jobs.parquet: row 0: found range"),
    ],
    ids=str,
)
def test_jobs_that_are_none(tables: Path, changed: dict[str, Any], message: str) -> None:
    pandas.DataFrame({**JOBS, **changed}).to_parquet(tables / "jobs.parquet")
    assert refused(tables, RANGES).startswith(message)


def test_a_table_without_jobs(tables: Path) -> None:
    pandas.DataFrame({name: cells[:0] for name, cells in JOBS.items()}).to_parquet(tables / "jobs.parquet")
    assert refused(tables, RANGES).startswith("jobs.parquet: found no jobs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("range_id,subsystem,min\n", "ranges.csv: line 1: found no column 'max', expected range_id, subsystem, min"),
        ("\n", "ranges.csv: line 1: found no column 'range_id'"),
        (CSV + "1,cmake,3,4\n", "ranges.csv: line 5: found range 1 again"),
        (CSV + "x,cmake,3,4\n", "ranges.csv: line 5: found 'x', expected the number of a range"),
        (CSV + ",cmake,3,4\n", "ranges.csv: line 5: found '', expected the number of a range"),
        (CSV + "3,cmake,,\n", "ranges.csv: line 5: found no subsystem or no bound, expected both"),
        (CSV + "3,,1,2\n", "ranges.csv: line 5: found no subsystem or no bound, expected both"),
        (CSV + "3,cmake\n", "ranges.csv: line 5: found no subsystem or no bound, expected both"),
        (CSV + "3,cmake,develop,4\n", "ranges.csv: line 5, min: found 'develop', a version without a place in their"),
        (CSV + "3,cmake,3,1.2.3.4\n", "ranges.csv: line 5, max: found '1.2.3.4', a version without a place in their"),
    ],
)
def test_ranges_that_are_none(tables: Path, text: str, message: str) -> None:
    (tables / "ranges.csv").write_text(text)
    assert refused(tables, RANGES).startswith(message)


def test_what_it_takes_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text("experiment: x\njobs: {generated: 5}\nclusters: {count: 2}\nscores: [truth]\n")
    monkeypatch.setattr("pytest_compat.scale.declared.find_spec", lambda name: None)
    with pytest.raises(DeclarationError, match=r"takes pandas and pyarrow; pip install 'pytest-compat\[models\]'"):
        load_gradient(path).prepare("small")
