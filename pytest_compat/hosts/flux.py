"""Handing a job to Flux: every task and group of its top level is a job there, with dependencies on job ids."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_compat.declare.workflow import WorkGroup, WorkTask
from pytest_compat.errors import CompatError, brief
from pytest_compat.hosts.fluxscript import arguments, render_script
from pytest_compat.hosts.handover import Handover
from pytest_compat.hosts.process import run_command
from pytest_compat.hosts.runs import JobFolder
from pytest_compat.hosts.states import (
    DONE,
    FAILED,
    OUTPUT,
    RUNNING,
    SKIPPED,
    TIMEOUT,
    TaskState,
    read_state,
    write_state,
    write_whole,
)

JOURNAL, SCRIPT = "submitted.jsonl", "script.sh"

ANSWER_SECONDS = 60.0
"""What Flux may take to answer; longer, and it counts as away."""

_STATES = {"dependency": SKIPPED, "timeout": TIMEOUT}
"""What an exception of a type makes of a job; any other makes it FAILED."""


class FluxError(CompatError):
    """Flux is away, or did not take a job."""


def available() -> bool:
    """Return whether `flux` is on PATH and an instance answers."""
    if shutil.which("flux") is None:
        return False
    try:
        _ask("resource", "list")
    except FluxError:
        return False
    return True


def submit(job: JobFolder, mark: str) -> dict[str, str]:
    """Hand a job to Flux, and return the job ids of what is at its top level, by name; no id for what is skipped.

    What was handed over before is not again, also not when a kill came between the submission and its record: jobs
    carry what they are known by, and Flux is asked for them.

    Args:
        job: The job.
        mark: What it is known by in Flux; of its own in this instance.

    Raises:
        FluxError: Flux is away or refuses something; what it has taken by then stays with it, and the next call goes on
            from there.
        RecordError: The folder of the job cannot be used.
    """
    ids: dict[str, str] = {}
    with Handover(job.path / JOURNAL) as handover:
        for member in job.workflow.members:
            name = member.path[-1]
            give = partial(_give, job, member, ids, f"{mark}/{name}")
            ids[name] = handover.once(name, name, give)  # a folder has one job, so that its name says all
    return ids


def _give(job: JobFolder, member: WorkTask | WorkGroup, ids: Mapping[str, str], mark: str, again: bool) -> str:
    found = _find(mark, member.path[-1]) if again else ""
    if found:
        return found
    script = job.folders[member.path] / SCRIPT
    if isinstance(member, WorkGroup):
        write_whole(script, render_script(member.members).encode())
    if any(not ids[name] for name in member.after):
        return ""
    try:
        said = _ask(*arguments(member, ids, str(script.resolve()), mark=mark)[1:]).split()
    except FluxError:
        # Flux takes no job that waits for one which has failed already.
        if any(_judge((), ids[name], _events(ids[name])).state not in (DONE, RUNNING) for name in member.after):
            return ""
        raise
    if len(said) != 1:
        raise FluxError(f"flux: found {brief(' '.join(said))} for {member.path[-1]!r}, expected the id of one job")
    return said[0]


def _find(mark: str, name: str) -> str:
    """Return the id of the job with a mark; empty when there is none."""
    for line in _ask("jobs", "-a", "--no-header", "--count=0", "--format={id.f58} {name}").splitlines():
        id, _, called = line.strip().partition(" ")
        if called == name:
            attributes = json.loads(_ask("job", "info", id, "jobspec")).get("attributes", {})
            if attributes.get("user", {}).get("handover") == mark:
                return id
    return ""


def wait(job: JobFolder) -> bool:
    """Wait for all that was handed over of a job, write down how it ended, and return whether all of it succeeded.

    A request that can never be met ends with an exception of Flux, which is the reason that is written down then.

    Raises:
        FluxError: Flux is away, or the job was not handed over.
        KeyboardInterrupt: Someone wants it to stop; the jobs go on.
    """
    with Handover(job.path / JOURNAL) as handover:
        ids = handover.receipts
    succeeded = True
    for member in job.workflow.members:
        if member.path[-1] not in ids:
            raise FluxError(f"{job.path}: {member.path[-1]!r} was not handed over to Flux; submit the job first")
        folder = job.folders[member.path]
        state = read_state(folder)
        if state is None:
            id = ids[member.path[-1]]
            skipped = TaskState(member.path, SKIPPED, reason="what it waits for did not succeed")
            state = _wait(member.path, id, folder) if id else skipped
            write_state(folder, state)
        succeeded &= state.state == DONE
    return succeeded


def _wait(path: tuple[str, ...], id: str, folder: Path) -> TaskState:
    _ask("job", "wait-event", "--quiet", id, "clean", seconds=None)
    # Its output, with what a job that never ran has been told; the exit status is in the events.
    output = run_command(["flux", "job", "attach", id], os.environ, folder, ANSWER_SECONDS)
    write_whole(folder / OUTPUT, output.output)
    return _judge(path, id, _events(id))


def _events(id: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _ask("job", "eventlog", "--format=json", id).splitlines()]


def _judge(path: tuple[str, ...], id: str, events: list[dict[str, Any]]) -> TaskState:
    """Return what the events of a job make of it."""
    times: dict[str, float] = {}
    state, reason, status = DONE, "", None
    for event in events:
        context = event.get("context") or {}
        times.setdefault(event["name"], event["timestamp"])
        if event["name"] == "finish":
            status = os.waitstatus_to_exitcode(context["status"])
        elif event["name"] == "exception" and context.get("severity", 0) == 0 and state == DONE:
            state = _STATES.get(context["type"], FAILED)
            reason = f"{context['type']}: {context.get('note', '')}".rstrip(": ")
    if state == DONE and status is None:
        state = RUNNING
    elif state == DONE and status:
        state, reason = FAILED, f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    begun, ended = times.get("start", 0.0), times.get("finish", 0.0)
    return TaskState(path, state, status, reason, id, begun, ended, round(ended - begun, 6))


def _ask(*words: str, seconds: float | None = ANSWER_SECONDS) -> str:
    """Run a command of Flux and return what it prints.

    Raises:
        FluxError: There is no such program, it takes too long, or it ends with another exit status than 0.
    """
    shown = f"flux {' '.join(words[:2])}"
    try:
        ended = subprocess.run(  # noqa: S603, what is asked is a list of words, and no shell has a part in it
            ["flux", *words],  # noqa: S607, whichever flux the user has
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FluxError(f"{shown}: found no answer in {seconds:g} s; is the instance up?") from None
    except OSError as error:
        raise FluxError(f"{shown}: cannot be started: {error.strerror or error}; is Flux on PATH?") from None
    if ended.returncode:
        lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        why = f": {lines[-1][:200]}" if lines else ""
        raise FluxError(f"{shown}: found exit status {ended.returncode}{why}")
    return ended.stdout.decode("utf-8", "replace").strip()
