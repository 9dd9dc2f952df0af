"""What the docs show works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language on a page."""
    return [text for kind, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if kind == language]


@pytest.fixture
def climate(pytester: pytest.Pytester) -> pytest.Pytester:
    """The files of docs/experiments.md, under the names in their first lines."""
    for text in [*blocks("docs/experiments.md", "yaml"), *blocks("docs/experiments.md", "python")]:
        path = pytester.path / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pytester


def test_the_experiment_of_the_docs_runs(climate: pytest.Pytester) -> None:
    result = climate.runpytest_subprocess("--compat-scheduler=reference")
    result.assert_outcomes(passed=6 * 16)
    result.stdout.fnmatch_lines(["PASSED: 240 submissions at 6 levels*", "io.archspec+os+hardware+spack * 1.0000 *"])


def test_the_listed_clusters_of_the_docs_are_clusters(climate: pytest.Pytester) -> None:
    path = climate.path / "experiment.yaml"
    text = path.read_text(encoding="utf-8").replace("clusters: campus", "clusters: lab")
    path.write_text(
        re.sub(r"(?m)^(truth|- .score).*\n", "", text) + "absent: [io.archspec, hardware, spack, 'os:os.vendor']\n"
    )
    climate.runpytest_subprocess("--compat-scheduler=reference", "--compat-level=os").assert_outcomes(passed=2)


def test_the_other_ways_of_the_docs_to_say_it_work(climate: pytest.Pytester) -> None:
    levels, truth, jobs = (text for text in blocks("docs/experiments.md", "yaml") if not text.startswith("# "))
    declared = yaml.safe_load((climate.path / "experiment.yaml").read_text(encoding="utf-8"))
    declared |= yaml.safe_load(levels) | yaml.safe_load(truth) | {"jobs": yaml.safe_load(jobs)}
    declared["levels"][0]["arm-only"]["jobs"] = ["arm64-*"]
    declared |= {"order": ["io.archspec", "hardware"], "absent": ["x"]}
    declared["levels"][1]["one-by-one"]["reveals"] = ["hardware"]
    declared["truth"] = [rule for rule in declared["truth"] if rule.get("lacks") != ["os"]]
    (climate.path / "experiment.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    result = climate.runpytest_subprocess("--compat-scheduler=reference", "--compat-level=all", "-k", "not arm64.yaml")
    result.stdout.fnmatch_lines(["PASSED: 60 submissions at 2 levels*", "arm-only *", "one-by-one *"])


def test_the_variation_of_the_docs_runs(climate: pytest.Pytester) -> None:
    test = climate.path / "test_climate.py"
    test.write_text(test.read_text(encoding="utf-8").replace("experiment.yaml", "arm64.yaml"), encoding="utf-8")
    result = climate.runpytest_subprocess("--compat-scheduler=reference", "--compat-level=none")
    result.stdout.fnmatch_lines(["climate-arm on reference: 16 clusters, 1 jobs x 20*"])


def test_the_scheduler_of_the_docs_is_measured(climate: pytest.Pytester) -> None:
    result = climate.runpytest_subprocess("--compat-scheduler=first-fit", "--compat-level=none,os,spack")
    result.stdout.fnmatch_lines(["climate on first-fit: *", "where the scheduler disagrees with the reference *"])
    assert result.ret == 0


def test_the_five_lines_of_the_readme_run(pytester: pytest.Pytester) -> None:
    (declared,), (test,) = blocks("README.md", "yaml"), blocks("README.md", "python")
    assert len(declared.splitlines()) == 5
    assert len(test.splitlines()) == 3
    pytester.path.joinpath("mine.yaml").write_text(declared, encoding="utf-8")
    pytester.path.joinpath("test_mine.py").write_text(test, encoding="utf-8")
    result = pytester.runpytest_subprocess("--compat-fail-under=os:0.99")
    result.assert_outcomes(passed=4)
    result.stdout.re_match_lines([r"none +\S+ +\S+ +0.5000 +1/2 .*", r"os +1.0000 .*"])


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), target
