"""`python -m pytest_compat submit`: sends a job to one of the clusters that could run it, or says why none could."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_compat.commands import configured
from pytest_compat.errors import CompatError, printable

if TYPE_CHECKING:
    from pytest_compat.model import Cluster, Jobspec
    from pytest_compat.rainbow.config import Config

GROUP = "job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    configured.add_arguments(parser)
    parser.add_argument("--jobspec", type=Path, metavar="FILE", help="a jobspec, YAML or JSON, in place of a command")
    parser.add_argument("--name", metavar="TEXT", help="what the job is called (that of the file, or the first word)")
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="nodes that a command takes (%(default)s)")
    parser.add_argument("--cores", type=int, default=1, metavar="N", help="cores on each of them (%(default)s)")
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="SUBSYSTEM:FIELD=VALUE",
        help="what its nodes have to have; a range of versions is SUBSYSTEM:FIELD=MIN..MAX; repeatable",
    )
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="the command line, after --")


def run(arguments: argparse.Namespace) -> int:
    """Submit: 0 when a cluster was given the job, 1 when none could run it.

    Raises:
        CompatError: The job is none, or the server refused.
    """
    from pytest_compat.declare.jobspec import load, read_jobspec
    from pytest_compat.declare.workflow import read_workflow

    config = configured.config_of(arguments)
    if (arguments.jobspec is None) == (not arguments.words):
        raise CompatError("expected a command after --, or --jobspec, and not both")
    if arguments.jobspec is not None:
        from pytest_compat.declare.reading import read_text

        name = arguments.name or arguments.jobspec.stem
        document = load(read_text(arguments.jobspec))
    else:
        name = arguments.name or Path(arguments.words[0]).name or GROUP
        document = _jobspec(arguments)
    job = read_jobspec(document, name=name)
    read_workflow(document, name=name)  # what could never be run is told here, and not on some cluster
    with configured.client_of(arguments, config) as client:
        able = client.satisfy(document)
        print(f"{len(able.clusters)} of {able.total} clusters could run {printable(name)}" + _listed(able.clusters))
        if not able.clusters:
            for line in _why_not(job, config):
                print(line)
            return 1
        tokens = {cluster: config.tokens[cluster] for cluster in able.clusters if cluster in config.tokens}
        if not tokens:
            raise CompatError(f"found no token for any of them in {arguments.config}, expected one under `clusters`")
        algorithm, options = _selection(config)
        cluster = client.submit(name, document, tokens, algorithm, options)
    print(f"selected: {cluster}")
    return 0


def _jobspec(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "version": 1,
        "resources": {
            GROUP: {
                "type": "node",
                "replicas": arguments.nodes,
                "requires": [_requirement(text) for text in arguments.require],
                "with": [{"type": "core", "count": arguments.cores}],
            }
        },
        "tasks": [{"command": arguments.words, "resources": GROUP}],
    }


def _requirement(text: str) -> dict[str, str]:
    subsystem, colon, rest = text.partition(":")
    field, equals, value = rest.partition("=")
    if not (subsystem and colon and field and equals and value):
        raise CompatError(f"found --require {text!r}, expected SUBSYSTEM:FIELD=VALUE")
    least, dots, most = value.partition("..")
    bounds = {"min": least, "max": most} if dots else {"match": value}
    return {"name": subsystem, "field": field, **{verb: bound for verb, bound in bounds.items() if bound}}


def _selection(config: Config) -> tuple[str, Mapping[str, str]]:
    found: Any = config.document
    for key in ("scheduler", "algorithms", "selection"):
        found = found.get(key) or {}
        if not isinstance(found, dict):
            raise CompatError(f"found {found!r} under {key} of the config, expected an object")
    options = found.get("options") or {}
    if not isinstance(options, dict):
        raise CompatError(f"found {options!r} under options of the config's selection, expected an object")
    return str(found.get("name", "random")), {str(key): str(value) for key, value in options.items()}


def _listed(names: tuple[str, ...]) -> str:
    return f": {', '.join(names)}" if names else ""


def _why_not(job: Jobspec, config: Config) -> Iterator[str]:
    """Yield which cluster comes nearest and what it lacks, of those whose graphs this machine has."""
    from pytest_compat.study.nearest import nearest

    clusters = list(_clusters(config))
    if not clusters:
        yield "why not: the config knows the graphs of no cluster; `register` keeps where they are"
        return
    for answer, lacking in nearest(job, clusters):
        yield f"nearest: {answer}: {lacking}"


def _clusters(config: Config) -> Iterator[Cluster]:
    from pytest_compat.declare.jgf import read_cluster

    for name, folder in config.graphs.items():
        if Path(folder).is_dir():
            yield read_cluster(Path(folder), name)
