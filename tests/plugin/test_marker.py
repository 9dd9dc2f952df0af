"""The marker, the fixtures, and what pytest's own options make of them."""

from __future__ import annotations

import pytest
from compat_project import LEVEL_TEST, TEST, Project


def test_the_marker_is_registered(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.compat(experiment, gates=()): *"])


@pytest.mark.parametrize(
    "marker",
    [
        "compat",
        "compat()",
        "compat(3)",
        "compat(None)",
        "compat('experiment.yaml', 'other.yaml')",
        "compat(experiment='experiment.yaml')",
        "compat('experiment.yaml', levels=['os'])",
    ],
)
def test_wrong_arguments_are_refused(project: Project, marker: str) -> None:
    project.write("test_tiny.py", TEST.replace('compat("experiment.yaml")', marker))
    result = project.run("--strict-markers")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    expected = "expected the path of an experiment, and gates=[[]...[]] or nothing else"
    result.stdout.fnmatch_lines([f"*test_tiny.py: found @pytest.mark.compat(*), {expected}"])


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_missing_experiment(project: Project, way: tuple[str, ...]) -> None:
    (project.path / "experiment.yaml").unlink()
    result = project.run_apart(*way, "--compat-fail-under=os:0")
    assert result.ret not in (0, pytest.ExitCode.INTERNAL_ERROR)
    result.stdout.fnmatch_lines(["*experiment.yaml: found no such file*"])


def test_an_experiment_that_is_no_yaml(project: Project) -> None:
    project.write("experiment.yaml", "experiment: [tiny")
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*compat: *experiment.yaml: found no YAML*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("name", ["compat_case", "compat_level", "compat_cluster"])
def test_fixtures_without_the_marker(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile(f"def test_unmarked({name}): pass")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*needs to know the experiment: mark the test with @pytest.mark.compat('experiment.yaml')"]
    )


def test_a_case_is_a_level_and_a_cluster(project: Project) -> None:
    result = project.run("--collect-only", "-q", "--compat-level=os")
    clusters = ["rocky-mpich", "rocky-openmpi", "ubuntu-mpich", "ubuntu-openmpi"]
    result.stdout.fnmatch_lines([f"test_tiny.py::test_tiny[[]os-{cluster}]" for cluster in clusters])


def test_a_case_without_compat_cluster_is_a_level(project: Project) -> None:
    project.write("test_tiny.py", LEVEL_TEST)
    result = project.run("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["PASSED: 45 submissions at 3 levels*"])


def test_what_a_case_knows(project: Project) -> None:
    project.write(
        "test_tiny.py",
        """
        import pytest

        @pytest.mark.compat("experiment.yaml")
        def test_level(compat_case, compat_level):
            assert compat_case.level == compat_level.name
            assert compat_case.cluster is None
            assert len(compat_case.submissions) == 15
            assert compat_case.errors == []
            assert 0 < compat_case.accuracy <= 1

        @pytest.mark.compat("experiment.yaml")
        def test_cluster(compat_case, compat_cluster):
            assert compat_case.cluster == compat_cluster
            assert {each.cluster for each in compat_case.submissions} <= {compat_cluster}
            assert (compat_case.accuracy is None) == (not compat_case.submissions)
        """.replace("\n        ", "\n"),
    )
    project.run().assert_outcomes(passed=15)


def test_two_tests_of_one_experiment_count_once(project: Project) -> None:
    project.write("test_other.py", LEVEL_TEST)
    document = project.report("--compat-fail-under=os:0", apart=False)
    assert document["verdict"] == "passed"
    assert [run["submissions"] for run in document["runs"]] == [15, 15, 15]


def test_two_experiments_in_one_run(project: Project) -> None:
    text = (project.path / "experiment.yaml").read_text()
    project.write("other/experiment.yaml", text.replace("experiment: tiny", "experiment: other"))
    project.write("other/test_other.py", TEST)
    document = project.report("-n2")
    assert [(run["experiment"], run["level"]) for run in document["runs"]] == [
        (experiment, level) for experiment in ("other", "tiny") for level in ("none", "os", "os+mpi")
    ]
    assert len(document["records"]) == 90
    # Draws depend on the experiment's name: two experiments are two samples.
    records = document["records"]
    assert [each["cluster"] for each in records[:45]] != [each["cluster"] for each in records[45:]]


def test_two_experiments_of_one_name_are_refused(project: Project) -> None:
    project.write("other/experiment.yaml", (project.path / "experiment.yaml").read_text())
    project.write("other/test_other.py", TEST)
    result = project.run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*found a second experiment called 'tiny' (the other is *), expected unique names"])


def test_five_lines_of_yaml_and_three_of_python(pytester: pytest.Pytester) -> None:
    yaml = """
    experiment: mine
    clusters: {clusters: {old: {subsystems: {os: {os.name: rocky8}}}, new: {subsystems: {os: {os.name: rocky9}}}}}
    jobs: {jobs: {solver: {requires: {os: {os.name: rocky9}}}}}
    levels: [none, os]
    iterations: 10
    """
    pytester.path.joinpath("mine.yaml").write_text(yaml.replace("\n    ", "\n").lstrip())
    pytester.makepyfile("""
        import pytest
        @pytest.mark.compat("mine.yaml")
        def test_mine(compat_case): assert not compat_case.errors
    """)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["PASSED: 20 submissions at 2 levels", "", "mine on rainbow: *", "none *1/2*", "os * 1 *"]
    )


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_a_selection_of_cases(project: Project, way: tuple[str, ...]) -> None:
    result = project.run_apart("-k", "rocky-mpich", *way)
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["PASSED: *", "none: * of 15 submissions recorded"])


def test_failures_first(project: Project) -> None:
    failing = TEST.replace("not compat_case.errors", "compat_case.level != 'os'")
    project.write("test_tiny.py", failing)
    project.run().assert_outcomes(passed=8, failed=4)
    project.run("--lf").assert_outcomes(failed=4)


def test_collecting_runs_nothing(project: Project) -> None:
    result = project.run("--collect-only", scheduler="localhost:1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*12 tests collected*"])


def test_a_third_party_scheduler(project: Project) -> None:
    project.pytester.makeconftest("""
        from pytest_compat.schedulers.reference import ReferenceScheduler

        def pytest_compat_schedulers():
            return {"mine": ReferenceScheduler}
    """)
    result = project.run(scheduler="mine")
    result.assert_outcomes(passed=12)
    result.stdout.fnmatch_lines(["tiny on mine: *"])


def test_an_unknown_scheduler_names_those_of_third_parties(project: Project) -> None:
    project.pytester.makeconftest("def pytest_compat_schedulers(): return {'mine': None}")
    result = project.run(scheduler="min")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*did you mean 'mine'? (known: rainbow, rainbow-binary, reference, mine)*"])


def test_an_expected_failure_is_recorded(project: Project) -> None:
    project.write(
        "test_tiny.py",
        LEVEL_TEST.replace("@pytest.mark.compat", "@pytest.mark.xfail\n@pytest.mark.compat").replace(
            "not compat_case.errors", "0"
        ),
    )
    document = project.report(apart=False)
    assert document["verdict"] == "passed"
    assert len(document["records"]) == 45


def test_unmarked_tests_are_left_alone(project: Project) -> None:
    project.write("test_plain.py", "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_plain(n): pass")
    project.run("test_plain.py").assert_outcomes(passed=2)


def test_the_fixture_of_a_rainbow_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_serves(compat_rainbow):
            assert compat_rainbow.address.startswith("127.0.0.1:")
            assert compat_rainbow.secret
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", ["", "compat_cluster"])
def test_a_marked_test_that_would_measure_nothing_is_refused(project: Project, arguments: str) -> None:
    project.write(
        "test_tiny.py", f"import pytest\n@pytest.mark.compat('experiment.yaml')\ndef test_it({arguments}): pass"
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["compat: test_it measures nothing: it uses neither compat_case nor compat_level"])


def test_a_test_of_a_marked_module_may_do_without(project: Project) -> None:
    project.write(
        "test_tiny.py", "import pytest\npytestmark = pytest.mark.compat('experiment.yaml')\ndef test_it(): pass"
    )
    project.run().assert_outcomes(passed=1)
