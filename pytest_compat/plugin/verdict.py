"""The end of a session: judge what was recorded, write every report asked for, and keep the baseline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from pytest_compat.errors import RecordError
from pytest_compat.judge.gate import parse_gate
from pytest_compat.judge.gather import Gatherer
from pytest_compat.plugin.options import Settings
from pytest_compat.report.document import Session
from pytest_compat.report.files import write_document
from pytest_compat.report.outputs import write_outputs
from pytest_compat.report.stored import Stored

MAX_MATCHES = 100_000
"""Jobs times sets of subsystems up to which a session works out what each subsystem is worth."""


def conclude(
    settings: Settings,
    gatherer: Gatherer | None,
    *,
    problems: Iterable[str],
    failed: Iterable[str],
    baseline: Stored | None,
    command: tuple[str, ...],
) -> tuple[dict[str, Any], list[str]]:
    """Judge a session and write its reports.

    Args:
        settings: What the session was asked for.
        gatherer: Its records; None when no case was run.
        problems: What went wrong beside the tests.
        failed: Node ids of the cases that failed.
        baseline: The earlier report to compare with; None without one.
        command: The command line, without secrets.

    Returns:
        The report, and a line per file that was written.
    """
    gatherer = Gatherer() if gatherer is None else gatherer
    session = Session(
        ids=(uuid4().hex,),
        seed=settings.seed,
        commands=(command,),
        problems=(*problems, *gatherer.lost()),
        failed=tuple(sorted(failed)),
        worth=_worth(settings, gatherer),
    )
    gates = {gate.rule: gate for gate in (*settings.gates, *map(parse_gate, gatherer.gates))}
    stored = Stored("this session", session, gatherer, tuple(gates.values()))
    document, keep = _judged(settings, stored, baseline)
    outputs = dict(settings.outputs)
    failures = write_outputs(document, outputs)
    if keep is not None and settings.baseline is not None and not failures:
        try:
            write_document(keep, settings.baseline)
        except OSError as error:
            failures = [f"the baseline could not be written: {error}"]
    if failures:
        outputs = {form: path for form, path in outputs.items() if not any(f"the {form} " in line for line in failures)}
        document, _ = _judged(settings, _with(stored, failures), baseline)
        write_outputs(document, outputs)  # what could be written now says what could not
    written = [f"{form}: {path}" for form, path in outputs.items()]
    if keep is not None and not failures:
        written.insert(0, f"baseline: {settings.baseline}")
    return document, written + list(_tell_github(document))


def _judged(
    settings: Settings, stored: Stored, baseline: Stored | None
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the report, and the one to keep as a baseline where that is missing or was to be written anew."""
    if settings.baseline is None or (baseline is not None and not settings.baseline_update):
        try:
            return stored.document(stored.judge(baseline=baseline, allow_new=settings.allow_new)), None
        except RecordError as error:
            return _failed(stored, f"the baseline cannot be compared: {error}"), None
    # What a baseline says of itself is not asked here: there is none, or it is to go.
    own = replace(stored, gates=tuple(gate for gate in stored.gates if not gate.against_baseline))
    keep = own.document(own.judge())
    path = settings.baseline
    whole = all(run["complete"] for run in keep["runs"])
    if not whole:
        keep = _failed(own, "cases were left out, and a baseline has all cases of its levels")
    if settings.baseline_update:
        if keep["verdict"] == "passed":
            return keep, keep
        return _failed(own, f"the baseline at {path} was left as it is: this session is not fit to become one"), None
    if keep["verdict"] == "failed":
        return _failed(own, f"there is no baseline at {path}, and this session is not fit to become one"), None
    created = f"there was no baseline, so {path} was written: look at it, keep it, and run again"
    return _failed(own, f"{created} (--compat-baseline-update asks for it)"), keep


def _failed(stored: Stored, problem: str) -> dict[str, Any]:
    failed = _with(stored, [problem])
    return failed.document(failed.judge())


def _with(stored: Stored, problems: Iterable[str]) -> Stored:
    session = stored.session
    return replace(stored, session=replace(session, problems=(*session.problems, *problems)))


def _worth(settings: Settings, gatherer: Gatherer) -> Mapping[str, Mapping[str, Any]]:
    """Return what each subsystem is worth, where somebody is going to read it and it takes seconds at most."""
    if not settings.outputs.keys() & {"report", "html", "markdown"}:
        return {}
    from pytest_compat.declare.catalog import load_experiment
    from pytest_compat.study.reference import Study
    from pytest_compat.study.worth import plain_worth, worth

    found = {}
    for name, source in gatherer.sources.items():
        experiment = load_experiment(Path(source))
        if len(experiment.jobs) << len(experiment.levels.order) <= MAX_MATCHES:
            found[name] = plain_worth(worth(Study(experiment).accuracy, experiment.levels.order))
    return found


def _tell_github(document: Mapping[str, Any]) -> Iterator[str]:
    """Add the report to the summary of a step of GitHub Actions, and yield what annotates its run when printed."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from pytest_compat.report.markdown import render_markdown, workflow_commands

    yield from workflow_commands(document)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(summary).open("a", encoding="utf-8") as stream:
                stream.write(render_markdown(document))
        except OSError as error:
            yield f"the step summary could not be written: {error}"
