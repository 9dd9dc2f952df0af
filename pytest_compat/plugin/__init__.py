"""What pytest sees. Thin: nothing here imports more than it takes to find out that there is nothing to do."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_compat.plugin.cases import MARKER, MARKER_HELP, Planner
from pytest_compat.plugin.collector import Collector
from pytest_compat.plugin.fixtures import compat_case, compat_cluster, compat_level, compat_rainbow, compat_worlds
from pytest_compat.plugin.gradients import MARKER as GRADIENT_MARKER
from pytest_compat.plugin.gradients import MARKER_HELP as GRADIENT_HELP
from pytest_compat.plugin.gradients import check_marked, compat_gradient
from pytest_compat.plugin.options import add_options, command_line, read_settings
from pytest_compat.plugin.state import GRADIENT, MEASURED, PLANNER, SETTINGS, TOLD, USAGE

__all__ = ["compat_case", "compat_cluster", "compat_gradient", "compat_level", "compat_rainbow", "compat_worlds"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks."""
    from pytest_compat import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, so that a wrong one ends the session before it begins."""
    config.addinivalue_line("markers", MARKER_HELP)
    config.addinivalue_line("markers", GRADIENT_HELP)
    settings = read_settings(config)
    config.stash[SETTINGS] = settings
    config.stash[PLANNER] = Planner(settings)
    config.stash[TOLD] = set()
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(settings, command_line(config)), "compat-collector")
    if config.getoption("benchmark_only", default=False):
        from pytest_compat.plugin.benchmarks import Benchmarks

        config.pluginmanager.register(Benchmarks(), "compat-benchmarks")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Show progress where there is a terminal: before xdist starts workers, which are told where to tell theirs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.isatty:
        from pytest_compat.plugin.progress import show_progress

        show_progress(session.config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say in one line what was asked for."""
    settings = config.stash[SETTINGS]
    if not settings.given:
        return None
    scheduler = settings.scheduler.name if settings.scheduler else "rainbow"
    whole = f", scale full on {settings.engine}" if settings.scale == "full" else ""
    return f"compat: scheduler {scheduler}, levels {','.join(settings.levels)}, seed {settings.seed}{whole}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the cases of a marked test."""
    metafunc.config.stash[PLANNER].plan(metafunc)
    check_marked(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse levels that no collected experiment knows."""
    problem = config.stash[PLANNER].usage_error()
    if problem is None:
        return
    if not hasattr(config, "workerinput"):
        raise pytest.UsageError(problem)
    # The controller raises it: a worker that does so looks like a crash.
    config.workeroutput[USAGE] = problem  # type: ignore[attr-defined]
    items.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the record of a case along with its report, which reaches the controller even if the worker then dies."""
    report = yield
    if GRADIENT in item.stash and (report.when == "call" or not report.passed):
        report.compat = {"gradient": item.stash[GRADIENT]}  # type: ignore[attr-defined]
        del item.stash[GRADIENT]
    # A case that was measured has a record also when a fixture set up after it fails or skips.
    if MEASURED in item.stash and (report.when == "call" or not report.passed):
        from pytest_compat.judge.gather import case_record

        run, cluster = item.stash[MEASURED]
        del item.stash[MEASURED]
        told = item.config.stash[TOLD]
        with_facts = run.facts.key not in told
        planner, name = item.config.stash[PLANNER], run.facts.key.experiment
        report.compat = case_record(  # type: ignore[attr-defined]
            run, cluster, with_facts=with_facts, gates=planner.gates(name), source=str(planner.path(name))
        )
        told.add(run.facts.key)
    elif item.get_closest_marker(MARKER) is not None:
        # What measured nothing still has gates, which a test that is skipped does not meet.
        gates = item.config.stash[PLANNER].asked_of(item)
        if report.failed or (gates and (report.skipped or report.when == "call")):
            report.compat = {"gates": list(gates)}  # type: ignore[attr-defined]
    elif report.failed and not hasattr(report, "compat") and item.get_closest_marker(GRADIENT_MARKER) is not None:
        report.compat = {"gates": []}  # type: ignore[attr-defined]
    return report
