"""Generated builds: their shape, their truth, and that both stay the same."""

from __future__ import annotations

import json
import re
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

from pytest_compat.builds.dataset import read_dataset  # noqa: E402
from pytest_compat.builds.environments import draw_environments, occurring  # noqa: E402
from pytest_compat.builds.generate import Generated, generate_builds  # noqa: E402
from pytest_compat.builds.truth import Truth, read_truth, write_truth  # noqa: E402
from pytest_compat.commands import main  # noqa: E402
from pytest_compat.errors import DeclarationError  # noqa: E402


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate_builds(4000, 0)


def plain(truth: Truth, row: pandas.Series, installed: dict[str, str]) -> float:
    """Return P(success) of a build, one effect after the other."""
    package = row["package"]
    total = truth.effects[package, "intercept", "", ""]
    total += truth.effects[package, "version", "", row["version"]]
    total += truth.effects[package, "compiler", "", f"{row['compiler']}@{row['compiler_version']}"]
    for name, value in json.loads(row["variants"]).items():
        total += truth.effects[package, "variant", name, json.dumps(value)]
    for name in row["dep_names"]:
        total += truth.effects[package, "dependency", name, installed[name]]
    return 1 / (1 + exp(-total))


def test_builds_have_the_shape_of_the_original(made: Generated) -> None:
    versions = occurring(made.frame)
    assert made.frame["package"].nunique() == 50
    assert len(versions) == 113
    variants = {name for text in made.frame["variants"] for name in json.loads(text)}
    assert len(versions) + len(variants) + 3 == 119  # and the version, the compiler and its version
    assert any(len(some) == 1 for some in versions.values())
    assert any("develop" in some or "main" in some for some in versions.values())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(), jobs=st.integers(1, 30), packages=st.integers(1, 6), subsystems=st.integers(1, 9))
def test_any_size_is_a_table_and_fewer_jobs_are_the_first_of_more(
    seed: int, jobs: int, packages: int, subsystems: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    few = generate_builds(jobs, seed, packages, subsystems)
    many = generate_builds(jobs + 7, seed, packages, subsystems)
    pandas.testing.assert_frame_equal(few.frame, many.frame[:jobs])
    assert few.truth == many.truth
    assert few.frame["spec"].is_unique
    assert len(occurring(many.frame)) <= subsystems


def test_success_on_clusters_is_what_the_effects_add_up_to(made: Generated) -> None:
    environments = draw_environments(occurring(made.frame), 7, 0)
    chances = made.truth.on(made.frame, environments)
    rows = numpy.arange(0, 4000, 97)
    found = chances.success(rows)
    assert found.shape == (len(rows), 7)
    for at, row in enumerate(rows):
        for cluster in range(7):
            expected = plain(made.truth, made.frame.iloc[row], environments.installed(cluster))
            assert found[at, cluster] == pytest.approx(expected, rel=1e-12)
    assert chances.success(rows[5:6]).tolist() == found[5:6].tolist()


def test_success_as_recorded_is_that_of_a_cluster_with_just_that_software(made: Generated) -> None:
    recorded = made.truth.recorded(made.frame)
    for row in range(0, 4000, 97):
        build = made.frame.iloc[row]
        installed = dict(zip(build["dep_names"], build["dep_versions"], strict=True))
        assert recorded[row] == pytest.approx(plain(made.truth, build, installed), rel=1e-12)


def test_labels_are_drawn_with_their_true_probabilities(made: Generated) -> None:
    judged = made.frame["label"].isin(["success", "root_failure"]).to_numpy()
    chance = made.truth.recorded(made.frame)
    hits = (made.frame["label"] == "success").to_numpy()
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        some = judged & (low <= chance) & (chance < high)
        deviation = hits[some].sum() - chance[some].sum()
        assert abs(deviation) < 4 * sqrt((chance[some] * (1 - chance[some])).sum())


def test_what_is_written_is_read(made: Generated, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "buildspecs", "--jobs", "4000", "--seed", "0", "--output", str(tmp_path)]) == 0
    found = read_dataset(tmp_path / "builds.parquet")
    assert found.excluded == ()
    assert found.frame["spec"].tolist() == made.frame["spec"].tolist()
    assert found.frame["label"].tolist() == made.frame["label"].tolist()
    assert read_truth(tmp_path / "truth.parquet") == made.truth
    assert capsys.readouterr().out.startswith("4000 builds of 50 packages")


def test_a_truth_of_other_builds_is_refused(made: Generated, tmp_path: Path) -> None:
    other = generate_builds(1, 1, 1, 1).truth
    with pytest.raises(DeclarationError, match="row 0: found 'intercept' of 'package-"):
        other.recorded(made.frame)
    write_truth(Truth({("a", "intercept", "", ""): float("nan")}), tmp_path / "truth.parquet")
    with pytest.raises(DeclarationError, match="row 0: found nan, expected log-odds"):
        read_truth(tmp_path / "truth.parquet")


def test_a_known_world_stays_the_same() -> None:
    made = generate_builds(3, 0, 2, 3)
    columns = ["spec", "package", "version", "compiler", "label", "dep_versions"]
    assert [[*plain, list(last)] for *plain, last in made.frame[columns].itertuples(index=False)] == [
        ["d56c9c7e6769d062", "package-000", "2.0.0", "gcc", "success", ["4.0"]],
        ["f227960998e4764c", "package-000", "2.0.0", "gcc", "other_failure", ["6.0"]],
        ["cf57b6136a1a9d4c", "package-000", "2.0.0", "gcc", "success", ["4.0"]],
    ]
    assert all(effect * 1024 == round(effect * 1024) for effect in made.truth.effects.values())


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).parents[2] / "docs" / "buildspecs.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert main(["generate", "buildspecs", "--jobs", "600", "--output", str(tmp_path / "FOLDER")]) == 0
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(example, found)
    assert found["chances"].success(numpy.arange(500)).shape == (500, 1000)
