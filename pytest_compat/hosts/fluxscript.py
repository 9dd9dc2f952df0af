"""Tasks and groups as the commands that hand them to Flux."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from pytest_compat.declare.shapes import Shape
from pytest_compat.declare.workflow import WorkGroup, WorkTask

Member = WorkTask | WorkGroup


def arguments(member: Member, ids: Mapping[str, str], script: str = "", *, mark: str = "") -> list[str]:
    """Return the command that submits a task, or a group with its script.

    Args:
        member: The task or group.
        ids: Job ids of what it waits for, by name.
        script: The file of a group's script.
        mark: What the job is known by afterwards, kept as its attribute `user.handover`; empty for nothing.
    """
    verb = "batch" if isinstance(member, WorkGroup) else "submit"
    return [
        "flux",
        verb,
        *_options(member),
        *([f"--setattr=user.handover={mark}"] if mark else []),
        *(f"--dependency=afterok:{ids[name]}" for name in member.after),
        *([script] if isinstance(member, WorkGroup) else member.command),
    ]


def _options(member: Member) -> list[str]:
    options = [f"--job-name={member.path[-1]}", *_shape(member.shape)]
    if isinstance(member, WorkTask):
        if member.seconds is not None:
            options.append(f"--time-limit={f'{member.seconds:f}'.rstrip('0').rstrip('.')}s")
        if member.folder:
            options.append(f"--cwd={member.folder}")
        # Flux puts variables in the place of $NAME there; $$ is a dollar.
        options += (f"--env={name}={value.replace('$', '$$')}" for name, value in member.environment.items())
    return options


def _shape(shape: Shape) -> list[str]:
    """Return the options for nodes, tasks, and cores and GPUs of each task; `-n` counts tasks, never cores."""
    return [
        *(["-N", str(shape.nodes)] if shape.nodes else []),
        "-n",
        str(shape.tasks),
        *(["-c", str(shape.cores)] if shape.cores else ["--exclusive"]),
        *(["-g", str(shape.gpus)] if shape.gpus else []),
    ]


def render_script(members: Sequence[Member]) -> str:
    """Return a bash script that submits tasks and groups, waits for them, and ends with 0 if all succeed.

    It is the script of a group, and what runs a whole job by hand. What depends on a job that Flux does not take is not
    submitted; a `local` task runs in the script once what it waits for has succeeded.
    """
    numbers = {member.path[-1]: number for number, member in enumerate(members)}
    local = {member.path[-1] for member in members if isinstance(member, WorkTask) and member.local}
    lines = ["#!/bin/bash", "status=0"]
    for number, member in enumerate(members):
        lines += [f"job_{number}=", *_submit(member, number, numbers, local)]
    for member in members:
        if member.path[-1] not in local:
            job = f'"$job_{numbers[member.path[-1]]}"'
            lines.append(f"[ -z {job} ] || flux job attach {job} </dev/null || status=1")
    return "\n".join([*lines, "exit $status", ""])


def _submit(member: Member, number: int, numbers: Mapping[str, int], local: Iterable[str]) -> list[str]:
    needed = " && ".join(f'[ -n "$job_{numbers[name]}" ]' for name in member.after)
    first = f"{needed} && " if needed else ""
    jobs = [f'"$job_{numbers[name]}"' for name in member.after if name not in local]
    waits = "".join(f" --dependency=afterok:{job}" for job in jobs)
    options = shlex.join(_options(member))
    if isinstance(member, WorkGroup):
        inner = render_script(member.members)
        end = f"END_OF_{number}"
        while end in inner:
            end += "_"
        return [f"{first}job_{number}=$(flux batch {options}{waits} <<'{end}'", f"{inner}{end}", ") || status=1"]
    command = shlex.join(member.command)
    if member.path[-1] not in local:
        return [f"{first}job_{number}=$(flux submit {options}{waits} {command}) || status=1"]
    over = f"flux job status {' '.join(jobs)} && " if jobs else ""
    return [f"{first}{over}{_prefix(member)}{command} </dev/null && job_{number}=done || status=1"]


def _prefix(task: Member) -> str:
    """Return what gives a command in a script its folder, its variables and its limit; never a keyword of the shell."""
    assert isinstance(task, WorkTask)
    folder = ["-C", task.folder] if task.folder else []
    words = ["env", *folder, *(f"{name}={value}" for name, value in task.environment.items())]
    if task.seconds is not None:
        words += ["timeout", f"{task.seconds:f}"]
    return f"{shlex.join(words)} "
