"""`python -m pytest_compat select`: container images for a host, the best first, and why the others are left out."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.declare.compspecs import read_host, read_specs
from pytest_compat.errors import printable
from pytest_compat.study.explain import Answer
from pytest_compat.study.ranking import Ranking, plain_ranking, rank, reason
from pytest_compat.study.show import open_console, print_plain, print_table

if TYPE_CHECKING:
    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--host", type=Path, required=True, metavar="HOST.json", help="what the host says of itself, JSON or YAML"
    )
    parser.add_argument(
        "--level", metavar="LEVEL", help="the subsystems of the host that images are held to (all the host says)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "specs",
        type=Path,
        nargs="+",
        metavar="SPEC",
        help="what images say of themselves: a CompatibilitySpec, OCI annotations or a list, JSON or YAML",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the ranking: 0 when one image or more is compatible, 1 when none is.

    Raises:
        CompatError: A file is not what it has to be, or the level is unknown.
    """
    ranking = rank(read_host(arguments.host), read_specs(arguments.specs), arguments.level)
    if arguments.json:
        print_plain(plain_ranking(ranking))
    else:
        _print_ranking(ranking)
    return 0 if ranking.compatible else 1


def _print_ranking(ranking: Ranking) -> None:
    console = open_console()
    ranked = (*ranking.compatible, *ranking.left_out)
    shown = f"at level {ranking.level}" if ranking.level is not None else "by all it says"
    console.print(
        printable(f"{ranking.host}, {shown}: {len(ranking.compatible)} of {len(ranked)} images are compatible")
    )
    findings = [finding for image in ranked for finding in image.answer.findings if finding.met]
    met = [[str(each), str(sum(finding.requirement == each for finding in findings))] for each in ranking.asked]
    liked = [[str(wish), str(sum(wish in image.preferred for image in ranked))] for wish in ranking.preferred]
    _print(console, ["asked", "images that meet it"], met)
    _print(console, ["preferred", "images that have it"], liked)
    images = [
        [
            each.spec.name,
            f"{float(each.answer.score):g}",
            ", ".join(wish.field for wish in each.preferred) or "nothing",
            "; ".join(each.notes),
        ]
        for each in ranking.compatible
    ]
    _print(console, ["compatible", "score", "as preferred", "note"], images)
    others = [[each.spec.name, "; ".join(_failures(each.answer))] for each in ranking.left_out]
    _print(console, ["left out", "why"], others)


def _failures(answer: Answer) -> Iterator[str]:
    for finding in answer.failing:
        found = f"{finding.requirement} (there: {', '.join(finding.has) or 'nothing'})"
        word = reason(finding.requirement)
        yield f"{word}, {found}" if word else found


def _print(console: Console, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, after an empty line; nothing when it has no rows."""
    if rows:
        console.print()
        print_table(console, header, rows, left=len(header))
