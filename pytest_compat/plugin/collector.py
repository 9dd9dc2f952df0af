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
    from pathlib import Path

    from pytest_compat.judge.gather import Gatherer
    from pytest_compat.judge.verdict import Verdict


class Collector:
    """Gathers records as reports arrive; judges, writes and prints once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gatherer: Gatherer | None = None
        self._problems: dict[str, None] = {}
        self._failed: set[str] = set()
        self._dead: list[str] = []
        self._uncollected: dict[str, None] = {}
        self._usage: str | None = None
        self._verdict: Verdict | None = None
        self._written = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the record off a report."""
        record: dict[str, Any] | None = getattr(report, "compat", None)
        if record is None:
            return
        if report.failed:
            self._failed.add(report.nodeid)
        if self._gatherer is None:
            from pytest_compat.judge.gather import Gatherer

            self._gatherer = Gatherer()
        if "key" in record:
            from pytest_compat.errors import RecordError

            try:
                self._gatherer.add(record)
            except RecordError as error:
                self._problems[str(error)] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected: a case may be lost there."""
        if report.failed:
            self._uncollected[report.nodeid] = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Replace a report of an earlier session, which nobody is to take for this one's if it is cut off."""
        if self._settings.report is not None and not session.config.option.collectonly:
            from pytest_compat.report.document import clear_document

            clear_document(self._settings.report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note a worker that died, or that found the command line wrong."""
        self._usage = self._usage or getattr(node, "workeroutput", {}).get(USAGE)
        if error:
            self._dead.append(f"worker {node.gateway.id} died: {error}")

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
        wanted = bool(self._settings.gates) or self._settings.report is not None
        if self._gatherer is None and not wanted:
            return
        from pytest_compat.judge.gather import Gatherer
        from pytest_compat.judge.verdict import reach_verdict

        gatherer = self._gatherer or Gatherer()
        problems = [*self._problems, *self._dead]
        problems += [f"{name or 'the session'} could not be collected" for name in self._uncollected]
        if self._failed:
            problems.append(f"{len(self._failed)} compatibility cases failed")
        problems += [
            f"{key.experiment}, level {key.level}: what holds for the level was lost with a worker"
            for key in gatherer.without_facts()
        ]
        levels = gatherer.scores()
        self._verdict = reach_verdict(levels, self._settings.gates, problems)
        if self._settings.report is not None:
            try:
                self._write(gatherer, self._verdict, self._settings.report)
            except OSError as error:
                problems.append(f"the report could not be written: {error}")
                self._verdict = reach_verdict(levels, self._settings.gates, problems)
        if not self._verdict.passed and not session.testsfailed:
            session.testsfailed = 1  # what pytest derives its exit status from

    def _write(self, gatherer: Gatherer, verdict: Verdict, path: Path) -> None:
        from pytest_compat.report.document import build_document, write_document

        write_document(build_document(verdict, gatherer.submissions(), seed=self._settings.seed), path)
        self._written = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the section."""
        if self._verdict is None:
            return
        from pytest_compat.report.terminal import summary_lines

        terminalreporter.section("compatibility", sep="=", bold=True)
        for number, (line, bad) in enumerate(summary_lines(self._verdict)):
            markup = {"red": True} if bad else {"green": True} if number == 0 else {}
            terminalreporter.write_line(line, **markup)
        if self._written:
            terminalreporter.write_line(f"report: {self._settings.report}")
