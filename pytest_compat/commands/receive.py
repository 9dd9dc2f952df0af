"""`python -m pytest_compat receive`: takes the jobs of the config's cluster, and runs them or hands them to Flux."""

from __future__ import annotations

import argparse
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.commands import configured
from pytest_compat.errors import CompatError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_compat.hosts.handover import Handover
    from pytest_compat.hosts.runs import JobFolder
    from pytest_compat.rainbow.client import RainbowClient

PRINT, LOCAL, FLUX = "print", "local", "flux"
JOURNAL = "handover.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)
    parser.add_argument(
        "--run",
        choices=(PRINT, LOCAL, FLUX),
        default=PRINT,
        help="print scripts for Flux and leave the jobs at rainbow (%(default)s); run them here; hand them to Flux",
    )
    parser.add_argument(
        "--max", type=configured.positive, metavar="N", help="take so many jobs, the oldest that can be run first (all)"
    )
    parser.add_argument("--cores", type=configured.positive, metavar="N", help="cores to run on here (all there are)")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="where jobs, their output and states are kept (received/CLUSTER)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Receive, hand over, accept, run: 0 when all that was taken on has succeeded.

    A job is accepted only once it is written down, or Flux has it; a receiver that is killed and begun anew loses
    nothing and runs nothing twice.

    Raises:
        CompatError: The server refused, a job is none, or Flux is away.
    """
    config = configured.config_of(arguments)
    cluster, secret = configured.own_cluster(config, arguments.config)
    with configured.client_of(arguments, config) as client:
        if arguments.run == PRINT:
            return _show(client, cluster, secret, arguments.max or 0)
        if arguments.run == FLUX:
            _flux_or_refuse()
        for name in configured.SECRETS:
            os.environ.pop(name, None)  # which jobs would find in theirs
        from pytest_compat.hosts.handover import Handover

        # Of this registration: a rainbow that was begun anew counts jobs from the start again, and has another secret.
        folder = (arguments.output or Path("received") / cluster).resolve() / sha256(secret.encode()).hexdigest()[:12]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with Handover(folder / JOURNAL) as handover:
            refused = _take(client, cluster, secret, handover, folder, arguments)
            try:
                return 0 if _finish(handover, arguments) and not refused else 1
            except KeyboardInterrupt:
                print("interrupted; the same command goes on")
                return 130


def _show(client: RainbowClient, cluster: str, secret: str, most: int) -> int:
    from pytest_compat.declare.workflow import parse_workflow
    from pytest_compat.hosts.fluxscript import render_script

    fine = True
    for job in client.receive(cluster, secret, most):
        print(f"# job {job.id}, {printable(job.name)}")
        try:
            print(render_script(parse_workflow(job.jobspec, name=job.name).members))
        except CompatError as error:
            fine = False
            print(f"# is nothing that can be run: {printable(str(error))}")
    return 0 if fine else 1


def _flux_or_refuse() -> None:
    from pytest_compat.hosts.flux import available

    if not available():
        raise CompatError("no Flux instance answers; begin one with `flux start`, or use --run=local")


def _take(
    client: RainbowClient, cluster: str, secret: str, handover: Handover, folder: Path, arguments: argparse.Namespace
) -> int:
    """Hand over every job, then accept it; return how many are none that can be run here, which stay at rainbow."""
    refused = taken = 0
    for job in client.receive(cluster, secret):
        if arguments.max is not None and taken == arguments.max:
            break
        place = folder / f"{job.id:06}"
        give = _giver(arguments, cluster, job.id, place, job.jobspec, job.name)
        try:
            handover.once(str(job.id), job.jobspec, give)
        except CompatError as error:
            refused += 1
            print(f"job {job.id}, {printable(job.name)}, stays where it is: {printable(str(error))}")
            continue
        client.accept(cluster, secret, [job.id])
        handover.accept(str(job.id))
        taken += 1
        print(f"job {job.id}, {printable(job.name)}: {place}")
    if owed := handover.owed:
        # They came through before a kill that came before they were accepted; what rainbow no longer has does no harm.
        client.accept(cluster, secret, map(int, owed))
        for number in owed:
            handover.accept(number)
    return refused


def _giver(
    arguments: argparse.Namespace, cluster: str, number: int, place: Path, text: str, name: str
) -> Callable[[bool], str]:
    from pytest_compat.hosts.local import check_fits, cores_here
    from pytest_compat.hosts.runs import prepare

    def give(again: bool) -> str:
        job = prepare(place, text, name=name)
        if arguments.run == LOCAL:
            check_fits(job.workflow.members, arguments.cores or cores_here())
        else:
            from pytest_compat.hosts.flux import submit

            submit(job, f"{cluster}/{number}")
        return str(place)

    return give


def _finish(handover: Handover, arguments: argparse.Namespace) -> bool:
    """Run, or wait for, all that was handed over, also by a receiver that was killed; tell whether all succeeded."""
    from pytest_compat.hosts.runs import open_job

    fine = True
    for number, place in handover.receipts.items():
        try:
            succeeded = _ended(open_job(Path(place)), arguments)
            print(f"job {number}: {'done' if succeeded else 'failed'}")
        except CompatError as error:  # one that cannot be run now holds up no other
            succeeded = False
            print(f"job {number}: not run: {printable(str(error))}")
        fine = fine and succeeded
    return fine


def _ended(job: JobFolder, arguments: argparse.Namespace) -> bool:
    if arguments.run == FLUX:
        from pytest_compat.hosts.flux import wait

        return wait(job)
    from pytest_compat.hosts.local import run_local

    return run_local(job, arguments.cores)
