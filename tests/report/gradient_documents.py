"""Reports made by hand, of experiments at scale: a small one, and one of the size of the suite that ships."""

from __future__ import annotations

import random
from itertools import accumulate
from typing import Any

import reason_documents
from html_documents import DOCUMENTS, VERSION, Document, document, gate, lammps

from pytest_compat.idset import encode

SOURCES = ("truth", "bayes")


def level(
    name: str, jobs: int, matched: int, expected: tuple[float, ...], succeeded: int, span: tuple[int, int], **parts: Any
) -> Document:
    """Return a level at which so many jobs have candidates and so many succeeded; `expected` is of all of them."""
    named = dict(zip(SOURCES, expected, strict=True))
    return {
        "level": name,
        "matched": matched,
        "candidates": 4.0 * matched / jobs,
        "expected": named,
        "assigned": {source: share * jobs / matched for source, share in named.items()} if matched else None,
        "succeeded": succeeded,
        "range": list(span),
        "p": 1.0,
        "regret": {source: 0.75 - share for source, share in named.items()},
    } | parts


def gradient(**parts: Any) -> Document:
    """Return an experiment at scale: 8 jobs at 5 levels, the second the best, and at the last none has candidates."""
    return {
        "experiment": "builds",
        "version": VERSION,
        "seed": 3,
        "scale": "small",
        "way": "rainbow",
        "jobs": 8,
        "clusters": 4,
        "sources": list(SOURCES),
        "levels": [
            level("0-none", 8, 8, (0.25, 0.375), 2, (0, 6)),
            level("1-zlib", 8, 6, (0.5, 0.4375), 3, (1, 7)),
            level("2-cmake", 8, 4, (0.25, 0.25), 7, (0, 5), p=0.0004),
            level("3-mpi", 8, 4, (0.25, 0.1875), 1, (0, 5)),
            level("4-hdf5", 8, 0, (0.0, 0.0), 0, (0, 0)),
        ],
        "best": "1-zlib",
        "names": [f"job-{number}" for number in range(8)],
        "unmatched": {"1-zlib": "0,7", "2-cmake": "3-4", "4-hdf5": "1-2,5-6"},
        "packages": [
            {
                "package": "cp2k",
                "jobs": 6,
                "expected": [0.125, 0.5, 0.0],
                "matched": [1.0, 0.75, 0.0],
                "best_level": "2-cmake",
                "best": 0.625,
            },
            {
                "package": "gromacs",
                "jobs": 2,
                "expected": [0.75, 0.5, 0.0],
                "matched": [1.0, 1.0, 0.0],
                "best_level": "0-none",
                "best": 0.75,
            },
        ],
        "bound": dict(zip(SOURCES, (0.75, 0.625), strict=True)),
        "remarks": ["bayes: 3 rows left out: their label is <both>"],
    } | parts


def gradients() -> Document:
    """Return a report of an experiment at scale and nothing else, with a gate that fails at one of its levels."""
    unmatched = gate("unmatched<=0.25", "2-cmake", 0.5, 0.25, passed=False, reason="above the limit")
    return document(
        verdict="failed",
        errors=["builds, level 2-cmake: unmatched 0.5 is above 0.25"],
        gates=[unmatched | {"experiment": "builds", "measure": "unmatched", "sign": "<="}],
        gradients=[gradient()],
        commands=[["pytest", "suites/reliabuild"]],
    )


def beside_runs() -> Document:
    """Return a report of submissions and of one experiment at scale in both its sizes."""
    return lammps() | {"gradients": [gradient(), gradient(scale="full", way="batch", remarks=[])]}


def at_scale(jobs: int = 25_000, levels: int = 114, packages: int = 50) -> Document:
    """Return a report of so many jobs, levels and packages, made with a fixed seed; most names are long."""
    draw = random.Random(0)
    names = [f"{0:03}-none", *(f"{number:03}-lib{number}-{'x' * (number % 60)}" for number in range(1, levels))]
    lost = [0, *(draw.randrange(1, 2 * jobs // levels) for _ in names[1:])]
    matched = [max(jobs - gone, 0) for gone in accumulate(lost)]
    shares = [draw.uniform(0.2, 0.3) * each / jobs for each in matched]
    order = draw.sample(range(jobs), jobs)
    places = {
        name: encode(order[jobs - before : jobs - after])
        for name, before, after in zip(names[1:], matched, matched[1:], strict=False)
        if before > after
    }
    rows = [
        level(
            name, jobs, count, (share, share), int(share * jobs), (int(0.99 * share * jobs), int(1.01 * share * jobs))
        )
        for name, count, share in zip(names, matched, shares, strict=True)
    ]
    best = max(rows, key=lambda row: row["expected"]["truth"])["level"]
    made = gradient(
        way="batch",
        scale="full",
        jobs=jobs,
        levels=rows,
        best=best,
        names=[f"{draw.getrandbits(64):016x}" for _ in range(jobs)],
        unmatched=places,
        packages=[
            {
                "package": f"package-{number:03}",
                "jobs": jobs // packages,
                "expected": [0.25, 0.5, 0.0],
                "matched": [1.0, 1.0, 0.0],
                "best_level": draw.choice(names),
                "best": 0.5,
            }
            for number in range(packages)
        ],
    )
    return document(gradients=[made])


GRADIENTS = {"gradients": gradients, "gradients and runs": beside_runs, "at scale": at_scale}
ALL = DOCUMENTS | reason_documents.REASONS | GRADIENTS
