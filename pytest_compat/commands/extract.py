"""`python -m pytest_compat extract`: what hosts say of themselves, as the graphs of a cluster."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pytest_compat.hosts.extraction.node import Node


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="write the cluster's graphs: nodes.json, NAME-subsystem.json"
    )
    parser.add_argument("--cluster", type=_name, metavar="NAME", help="what the cluster of --output is called")
    parser.add_argument("--node", type=Path, metavar="FILE.json", help="write what was found on this node to a file")
    parser.add_argument(
        "--combine",
        type=Path,
        nargs="+",
        metavar="FILE.json",
        help="take these nodes, each written by --node where it is, in place of this host",
    )
    parser.add_argument(
        "--same-host", action="store_true", help="take several files of one host name as several nodes (refused)"
    )
    parser.add_argument(
        "--one-vertex",
        action="store_true",
        help="give a node one vertex per subsystem, for schedulers that look at one only (the Go rainbow)",
    )
    parser.add_argument("--explain", action="store_true", help="print every value and where it comes from")


def run(arguments: argparse.Namespace) -> int:
    """Look at this host, or take nodes that were, and write what is asked for.

    Raises:
        DeclarationError: The flags do not belong together, or a node file is none.
        GraphError: The folder has graphs of another cluster.
    """
    from pytest_compat.hosts.extraction.assemble import assemble, read_nodes, render_folder
    from pytest_compat.hosts.extraction.host import Host
    from pytest_compat.hosts.extraction.node import render_node
    from pytest_compat.hosts.extraction.probes import extract
    from pytest_compat.report.console import printed
    from pytest_compat.report.files import write_text

    _check(arguments)
    if arguments.combine:
        nodes = read_nodes(arguments.combine, same_host=arguments.same_host)
    else:
        nodes = (extract(Host.here()),)
    for node in nodes:
        for note in () if arguments.explain else node.notes:
            print(f"extract: {printable(node.host)}: {printable(note)}", file=sys.stderr)
    if arguments.explain:
        print(printed(_explained(nodes), colour=False))
    if arguments.node:
        write_text(render_node(nodes[0]), arguments.node)
    if arguments.output:
        cluster = assemble(arguments.cluster, nodes, one_vertex=arguments.one_vertex)
        for path, text in list(render_folder(cluster, arguments.output)):
            write_text(text, path)
        graphs = ", ".join(cluster.subsystems)
        count = f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}"
        print(f"cluster {cluster.name}, {count}, subsystems {graphs}: {arguments.output}")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if not (arguments.output or arguments.node or arguments.explain):
        raise DeclarationError("found nothing to do, expected --output, --node or --explain")
    if arguments.output and not arguments.cluster:
        raise DeclarationError("found no name for the cluster, expected --cluster NAME", path="--output")
    if arguments.combine and arguments.node:
        raise DeclarationError("found --combine as well, expected one of the two", path="--node")
    for flag, needed in (("cluster", "output"), ("one_vertex", "output"), ("same_host", "combine")):
        if getattr(arguments, flag) and not getattr(arguments, needed):
            flag = f"--{flag.replace('_', '-')}"
            raise DeclarationError(f"found no --{needed}, without which it means nothing", path=flag)


def _explained(nodes: Sequence[Node]) -> Iterator[RenderableType]:
    """Yield, for each node, a table of its facts and the notes of its probes."""
    from pytest_compat.report.console import line, table

    for node in nodes:
        yield line(f"{node.host}:")
        rows = [("resources", fact.field, fact.value, fact.origin) for fact in node.resources]
        for subsystem, parts in node.subsystems.items():
            rows += [(subsystem, fact.field, fact.value, fact.origin) for part in parts for fact in part]
        yield table(("graph", "field", "value", "from"), ((row, "") for row in rows), left=4)
        if node.notes:
            yield line("")
            yield line("not seen, or left out:")
            yield from (line(f"  {note}") for note in node.notes)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a name of letters, digits, '.', '_' and '-'")
    return text
