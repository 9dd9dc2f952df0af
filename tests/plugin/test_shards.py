"""`merge`: shards of one run are that run, and nothing else is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from compat_project import CHECK_TEST, LEVEL_TEST, ODD_SCHEDULERS, Project

SHARDS = {
    "clusters": [("-k", "rocky"), ("-k", "not rocky")],
    "levels by keyword": [("-k", "none"), ("-k", "not none")],
    "levels": [("--compat-level=os+mpi",), ("--compat-level=none,os",)],
    "both": [("-k", "rocky or none"), ("-k", "ubuntu and not none")],
    "overlapping": [("-k", "rocky"), ("-k", "mpich"), ("-k", "ubuntu")],
}
OF_A_SESSION = {"ids", "created", "commands", "environment"}
OF_A_RUN = {"seconds", "timings"}


def shard(project: Project, name: str, *options: str, scheduler: str = "reference") -> Path:
    path = project.path / f"{name}.json"
    project.run(f"--compat-report={path}", *options, scheduler=scheduler)
    return path


def merged(project: Project, *reports: Path | str, options: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    status = project.offline("merge", *reports, f"--report={project.path / 'merged.json'}", *options)
    return status, project.read("merged.json")


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in document.items() if name not in OF_A_SESSION}
    runs = [{name: value for name, value in run.items() if name not in OF_A_RUN} for run in document["runs"]]
    return {**found, "runs": runs}


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
@pytest.mark.parametrize("shards", SHARDS.values(), ids=SHARDS.keys())
def test_shards_are_the_run(project: Project, shards: list[tuple[str, ...]], way: tuple[str, ...]) -> None:
    project.write("test_tiny.py", CHECK_TEST)
    gates = ("--compat-gate=os+mpi:1", "--compat-gate=errors<=0")
    whole = shard(project, "whole", *gates)
    parts = [shard(project, str(number), *gates, *each, *way) for number, each in enumerate(shards)]
    status, document = merged(project, *parts)
    assert status == 0
    assert comparable(document) == comparable(json.loads(whole.read_text()))
    assert document["ids"] == [each for part in parts for each in json.loads(part.read_text())["ids"]]
    assert comparable(merged(project, *reversed(parts))[1])["records"] == document["records"]


def test_levels_of_one_case_each_are_merged_too(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    whole = shard(project, "whole")
    parts = [shard(project, level, f"--compat-level={level}") for level in ("none", "os", "os+mpi")]
    status, document = merged(project, *parts)
    assert status == 0
    assert comparable(document) == comparable(json.loads(whole.read_text()))


def test_submissions_without_a_cluster_are_in_every_shard_once(project: Project) -> None:
    project.pytester.makeconftest(ODD_SCHEDULERS)
    project.write("test_tiny.py", CHECK_TEST)
    whole = shard(project, "whole", scheduler="idle")
    parts = [shard(project, name, "-k", name, "-n2", scheduler="idle") for name in ("rocky", "ubuntu")]
    status, document = merged(project, *parts)
    assert status == 0
    assert comparable(document) == comparable(json.loads(whole.read_text()))
    assert [run["outcomes"]["missed"] for run in document["runs"]] == [5, 5, 5]


def test_part_of_the_shards_is_part_of_the_run(project: Project) -> None:
    parts = [shard(project, name, "-k", name) for name in ("rocky-mpich", "ubuntu-mpich", "rocky-openmpi")]
    status, document = merged(project, *parts[:2], options=("--gate=os:0",))
    assert status == 1
    assert document["errors"][0].startswith("gate os:0: incomplete: ")
    assert {tuple(run["missing"]) for run in document["runs"]} == {("rocky-openmpi", "ubuntu-openmpi")}
    project.offline("merge", project.path / "merged.json", parts[2], f"--report={project.path / 'more.json'}")
    assert {tuple(run["missing"]) for run in project.read("more.json")["runs"]} == {("ubuntu-openmpi",)}


def test_what_failed_in_a_shard_fails_the_whole(project: Project) -> None:
    project.write("test_tiny.py", CHECK_TEST.replace("compat_case.check()", "assert compat_cluster != 'rocky-mpich'"))
    parts = [shard(project, "a", "-k", "rocky"), shard(project, "b", "-k", "ubuntu")]
    status, document = merged(project, *parts)
    assert (status, document["verdict"]) == (1, "failed")
    assert document["errors"] == ["3 compatibility cases failed"]


def test_experiments_that_share_nothing_are_put_side_by_side(project: Project) -> None:
    first = shard(project, "first")
    text = (project.path / "experiment.yaml").read_text()
    project.write("experiment.yaml", text.replace("experiment: tiny", "experiment: other"))
    status, document = merged(project, first, shard(project, "second"))
    assert status == 0
    assert [each["experiment"] for each in document["experiments"]] == ["other", "tiny"]


def refused(project: Project, capsys: pytest.CaptureFixture[str], *reports: Path) -> str:
    """Return why reports cannot be merged."""
    capsys.readouterr()
    outputs = {form: project.path / f"refused.{form}" for form in ("report", "html", "markdown")}
    status = project.offline("merge", *reports, *(f"--{form}={path}" for form, path in outputs.items()))
    assert status == 1
    assert not [path for path in outputs.values() if path.exists()]
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("merge: ")
    assert output.err.count("\n") == 1
    return output.err


def test_a_report_is_not_merged_with_itself(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    path = shard(project, "one")
    copy = Path(shutil.copy(path, project.path / "copy.json"))
    for other in (path, copy):
        assert "both have the records of session " in refused(project, capsys, path, other)


def test_a_merged_report_is_not_merged_with_its_shards(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [shard(project, "a", "-k", "rocky"), shard(project, "b", "-k", "ubuntu")]
    merged(project, *parts)
    assert "both have the records of session " in refused(project, capsys, project.path / "merged.json", parts[1])


def test_one_report_is_nothing_to_merge(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert "found 1 report to merge, expected two or more" in refused(project, capsys, shard(project, "one"))


def test_another_seed_is_another_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    parts = shard(project, "a", "-k", "rocky"), shard(project, "b", "-k", "ubuntu", "--compat-seed=1")
    assert "their seeds are 0 and 1" in refused(project, capsys, *parts)


def test_an_edited_experiment_is_another_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    first = shard(project, "a", "--compat-level=none")
    path = project.path / "experiment.yaml"
    path.write_text(path.read_text().replace("score: 0.5", "score: 0.25"))
    second = shard(project, "b", "--compat-level=os")
    assert "the experiment tiny is of version " in refused(project, capsys, first, second)


def test_other_iterations_are_another_run(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    parts = shard(project, "a", "-k", "rocky"), shard(project, "b", "-k", "ubuntu", "--compat-iterations=3")
    assert "recorded with iterations 5 and with 3" in refused(project, capsys, *parts)


@pytest.mark.parametrize("change", [{"cluster": "ubuntu-mpich"}, {"score": 0.125}, {"outcome": "incorrect"}])
def test_a_shard_that_was_edited_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    first, second = shard(project, "a", "--compat-level=none,os"), shard(project, "b", "--compat-level=os,os+mpi")
    document = json.loads(second.read_text())
    record = next(each for each in document["records"] if each["level"] == "os" and each["outcome"] == "correct")
    record.update(change)
    second.write_text(json.dumps(document))
    assert "b.json: contradicts itself: tiny, level os: submission " in refused(project, capsys, first, second)


def test_cases_of_both_have_to_agree(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    first = shard(project, "a", "--compat-level=none,os")
    other = shard(project, "b", "--compat-level=os,os+mpi", "--compat-seed=1")
    text = other.read_text().replace('"seed": 1', '"seed": 0')  # as if a scheduler drew as it likes
    other.write_text(text)
    assert "they are two measurements, not shards of one" in refused(project, capsys, first, other)


def test_a_shard_without_a_case_of_its_own_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    whole, part = shard(project, "whole"), shard(project, "part", "-k", "rocky")
    assert "has no case that " in refused(project, capsys, whole, part)
    assert "has no case that " in refused(project, capsys, whole, shard(project, "again"))


@pytest.mark.parametrize(
    "content", ["", '{"schema": "pytest-compat/report/1", "verdi', "[]", "null", "{}", '{"schema": "other/1"}', "\xff"]
)
def test_what_is_no_report_is_refused_by_name(
    project: Project, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    path = project.path / "odd.json"
    path.write_bytes(content.encode("latin-1"))
    assert str(path) in refused(project, capsys, shard(project, "one"), path)


def test_a_truncated_report_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    whole = shard(project, "whole")
    cut = project.write("cut.json", whole.read_text()[:-20])
    assert "cut.json: cannot be read as a report, expected JSON that --compat-report wrote: " in refused(
        project, capsys, whole, cut
    )


def test_a_missing_file_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    found = refused(project, capsys, shard(project, "one"), project.path / "nowhere.json")
    assert "nowhere.json: found no such file" in found
