"""Collecting records from reports, and judging them when the last test has ended.

Lives on the process that people started, whether the tests ran there or on workers.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_compat.plugin.options import Settings
from pytest_compat.plugin.state import USAGE

if TYPE_CHECKING:
    from pytest_compat.judge.gather import Gatherer
    from pytest_compat.report.stored import Stored


class Collector:
    """Gathers records as reports arrive; judges, writes and prints once.

    Args:
        settings: What the session was asked for.
        command: Its command line.
    """

    def __init__(self, settings: Settings, command: tuple[str, ...]) -> None:
        self._settings = settings
        self._command = command
        self._gatherer: Gatherer | None = None
        self._problems: dict[str, None] = {}
        self._failed: dict[str, None] = {}
        self._baseline: Stored | None = None
        self._usage: str | None = None
        self._document: dict[str, Any] | None = None
        self._written: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the record off a report."""
        record: dict[str, Any] | None = getattr(report, "compat", None)
        if record is None:
            return
        if report.failed:
            self._failed[report.nodeid] = None
        if self._gatherer is None:
            from pytest_compat.judge.gather import Gatherer

            self._gatherer = Gatherer()
        from pytest_compat.errors import RecordError

        try:
            self._gatherer.add(record)
        except RecordError as error:
            self._problems[str(error)] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected: a case may be lost there."""
        if report.failed:
            self._problems[f"{report.nodeid or 'the session'} could not be collected"] = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Read the baseline, and clear reports of an earlier session, which nobody is to take for this one's."""
        if session.config.option.collectonly:
            return
        path = self._settings.baseline
        if path is not None and path.exists():
            from pytest_compat.errors import ReportError
            from pytest_compat.report.stored import read_baseline

            try:
                self._baseline = read_baseline(path)
            except ReportError as error:
                if not self._settings.baseline_update:
                    raise pytest.UsageError(f"--compat-baseline: {error} (--compat-baseline-update)") from None
        if "report" in self._settings.outputs:
            from pytest_compat.report.files import clear_document

            clear_document(self._settings.outputs["report"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note a worker that died, or that found the command line wrong."""
        self._usage = self._usage or getattr(node, "workeroutput", {}).get(USAGE)
        if error:
            self._problems[f"worker {node.gateway.id} died: {error}"] = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Run all tests, then judge: after the last report and before the exit status is decided."""
        if session.config.option.collectonly:
            return (yield)
        self._probe()
        try:
            result = yield
        except BaseException as error:
            if not isinstance(error, session.Failed):  # stopped by -x or --maxfail: the failures are told already
                self._problems[f"the session was cut short: {type(error).__name__} {error}".strip()] = None
            self._finish(session)
            if isinstance(error, pytest.exit.Exception) and error.returncode == 0 and self._failing:
                error.returncode = int(pytest.ExitCode.TESTS_FAILED)
            raise
        if self._usage:
            raise pytest.UsageError(self._usage)
        self._finish(session)
        return result

    def _probe(self) -> None:
        """Stop before the first test when there is nothing to measure."""
        if self._settings.scheduler is None or not self._settings.scheduler.is_address:
            return
        from pytest_compat.errors import SchedulerUnavailable
        from pytest_compat.run.world import probe

        try:
            probe(self._settings.scheduler)
        except SchedulerUnavailable as error:
            raise pytest.UsageError(f"--compat-scheduler: {error}") from None

    def _finish(self, session: pytest.Session) -> None:
        settings = self._settings
        if self._gatherer is None and not (settings.gates or settings.outputs or settings.baseline):
            return
        from pytest_compat.plugin.verdict import conclude

        conclusion = conclude(
            settings,
            self._gatherer,
            problems=self._problems,
            failed=self._failed,
            baseline=self._baseline,
            command=self._command,
        )
        self._document, self._written = conclusion
        if settings.junit:
            from pytest_compat.plugin.junit import tell_junit

            tell_junit(session.config, self._document)
        if self._failing and not session.testsfailed:
            session.testsfailed = 1  # what pytest derives its exit status from

    @property
    def _failing(self) -> bool:
        return self._document is not None and self._document["verdict"] == "failed"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the section."""
        if self._document is None:
            return
        from pytest_compat.report.terminal import render_terminal

        terminalreporter.section("compatibility", sep="=", bold=True)
        terminalreporter.write_line(render_terminal(self._document, colour=terminalreporter.hasmarkup))
        for line in self._written:
            terminalreporter.write_line(line)
