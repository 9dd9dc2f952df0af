"""Reports made by hand, for the tests of the page: LAMMPS as it is, and any size of it."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import chain, product
from typing import Any

from pytest_compat.idset import encode

ORDER = ["io.archspec", "os", "mpi", "hardware"]
AXES = [
    ["amd64", "arm64"],
    ["ubuntu20.04", "ubuntu22.04", "rocky8", "rocky9"],
    ["mpich", "openmpi", "intel-mpi"],
    ["cpu", "gpu"],
]
LEVELS = [
    [],
    *([name] for name in ORDER),
    ORDER[:2],
    ORDER[:3],
    ORDER,
]
OUTCOMES = ("correct", "compatible", "incorrect", "missed", "rejected", "error")
VERSION = "3f2a9c0d1e2b"
HOSTILE = "</script><script>alert(1)</script><!--\"'><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"

Document = dict[str, Any]


def document(**parts: Any) -> Document:
    """Return a report of nothing, with the parts given in place of its own."""
    return {
        "schema": "pytest-compat/report/1",
        "verdict": "passed",
        "ids": ["0b5c"],
        "seed": 0,
        "created": "2026-11-21T14:00:00+00:00",
        "environment": {"python": "3.11.7", "platform": "Linux-x86_64", "pytest-compat": "0.1.0"},
        "commands": [["pytest", "suites/lammps", "--compat-level=all"]],
        "experiments": [],
        "flags": [],
        "runs": [],
        "gates": [],
        "comparison": None,
        "errors": [],
        "session": {"problems": [], "failed": []},
        "records": [],
    } | parts


def lammps(scheduler: str = "rainbow") -> Document:
    """Return a report of 18 builds on 48 clusters at 8 levels, all of it as it should be."""
    kinds = list(product(*AXES))
    builds = [kind for kind in kinds if (kind[2] != "intel-mpi" or kind[1].startswith("rocky")) and kind[2] != "mpich"]
    return report(kinds, builds[:18], scheduler=scheduler)


def wide(clusters: int = 1000, jobs: int = 50) -> Document:
    """Return a report of so many clusters and jobs, each job with the needs of some cluster."""
    draw = random.Random(0)
    kinds = list(product(*AXES))
    return report([draw.choice(kinds) for _ in range(clusters)], [draw.choice(kinds) for _ in range(jobs)])


def report(
    clusters: list[tuple[str, ...]], jobs: list[tuple[str, ...]], *, scheduler: str = "rainbow", iterations: int = 20
) -> Document:
    """Return a report of clusters and jobs that have one attribute per subsystem, drawn with a fixed seed."""
    draw = random.Random(0)
    cluster_names = [f"{'-'.join(kind)}-{number}" for number, kind in enumerate(clusters)]
    job_names = [f"{'-'.join(reversed(kind))}-{number}" for number, kind in enumerate(jobs)]
    runs, records = [], []
    for reveals in LEVELS:
        level = "+".join(reveals) or "none"
        shown = [ORDER.index(name) for name in reveals]
        candidates = [
            [place for place, cluster in enumerate(clusters) if all(cluster[axis] == job[axis] for axis in shown)]
            for job in jobs
        ]
        mine = []
        for job, name, places in zip(jobs, job_names, candidates, strict=True):
            for iteration in range(iterations):
                place = draw.choice(places) if places else None
                points = 0.0 if place is None else score(job, clusters[place])
                outcome = "missed" if place is None else {1.0: "correct", 0.5: "compatible"}.get(points, "incorrect")
                mine.append(
                    {
                        "experiment": "lammps",
                        "scheduler": scheduler,
                        "level": level,
                        "job": name,
                        "iteration": iteration,
                        "cluster": None if place is None else cluster_names[place],
                        "outcome": outcome,
                        "score": points,
                    }
                )
        exact = sum(
            (
                Fraction(sum(score(job, clusters[place]) for place in places)) / len(places)
                for job, places in zip(jobs, candidates, strict=True)
                if places
            ),
            Fraction(0),
        ) / len(jobs)
        runs.append(run(level, mine, exact, scheduler=scheduler, reveals=reveals, iterations=iterations))
        runs[-1]["candidate_sets"] = dict(zip(job_names, map(encode, candidates), strict=True))
        sizes = [len(places) for places in candidates]
        runs[-1]["candidates"] = {"min": min(sizes), "mean": sum(sizes) / len(sizes), "max": max(sizes)}
        records += mine
    truth = {}
    for job, name in zip(jobs, job_names, strict=True):
        by_score: dict[str, list[int]] = {}
        for place, cluster in enumerate(clusters):
            if points := score(job, cluster):
                by_score.setdefault(f"{points:g}", []).append(place)
        truth[name] = {points: encode(places) for points, places in by_score.items()}
    experiment = {
        "experiment": "lammps",
        "version": VERSION,
        "description": "LAMMPS builds placed on faux clusters by what is known of architecture, OS, MPI and GPU.",
        "order": ORDER,
        "levels": ["+".join(reveals) or "none" for reveals in LEVELS],
        "jobs": job_names,
        "clusters": cluster_names,
        "truth": truth,
        "reasons": {},
        "times": None,
        "worth": worth(),
    }
    return document(experiments=[experiment], runs=runs, records=records)


def score(job: tuple[str, ...], cluster: tuple[str, ...]) -> float:
    """Return the ground truth: half a point where a build leaves a GPU unused."""
    if job[:3] != cluster[:3] or (job[3] == "gpu" and cluster[3] == "cpu"):
        return 0.0
    return 1.0 if job[3] == cluster[3] else 0.5


def exactly(**shares: Fraction | float) -> dict[str, Any]:
    """Return exact shares as reports have them."""
    exact = {name: Fraction(share).limit_denominator(1000) for name, share in shares.items()}
    return {name: {"rate": float(share), "fraction": str(share)} for name, share in exact.items()}


def run(level: str, records: list[dict[str, Any]], exact: Fraction | None, **parts: Any) -> Document:
    """Return the run of a level with these records."""
    counted = Counter(each["outcome"] for each in records)
    points = sum(each["score"] for each in records)
    accuracy = points / len(records) if records else None
    fraction, exact = str(exact), None if exact is None else float(exact)
    half = 0.04 if exact not in (None, 1.0) else 0.0
    return {
        "experiment": "lammps",
        "scheduler": "rainbow",
        "level": level,
        "reveals": [] if level == "none" else level.split("+"),
        "jobs": len({each["job"] for each in records}),
        "drawn": None,
        "iterations": 20,
        "submissions": len(records),
        "expected": len(records),
        "complete": True,
        "outcomes": {outcome: counted[outcome] for outcome in OUTCOMES},
        "reasons": because(records),
        "score": points,
        "accuracy": accuracy,
        "assigned_accuracy": accuracy,
        "interval": None if exact is None else [max(0.0, exact - half), min(1.0, exact + half)],
        "exact": None
        if exact is None
        else {
            "accuracy": exact,
            "fraction": fraction,
            "unmatched": 0.0,
            "outcomes": exactly(correct=exact, compatible=0, incorrect=1 - exact),
            "reasons": {},
            "range": [0.0, 1.0],
        },
        "candidates": None,
        "clusters": {},
        "missing": [],
        "disagreements": [],
        "differing": {"total": 0, "listed": 0, "unstable": 0, "many": 0, "few": 0},
        "unmet": {},
        "errors": [],
        "published": []
        if exact is None
        else [
            published("rainbow-experiments, run 1", round(min(1.0, exact * 1.06) * 360), 360, 0.204),
            published("rainbow-experiments, run 2", round(exact * 0.95 * 360), 360, 0.915),
        ],
        "regret": None,
        "seconds": {"match": 0.02, "submit": 0.61, "receive": 0.1},
        "version": VERSION,
        "seed": 0,
        "sequential": False,
        "candidate_sets": {},
        "unanswered": {},
        "failures": {},
        "timings": {
            "match": {"count": 18, "median": 0.0011, "p99": 0.0031},
            "submit": {"count": 360, "median": 0.0017, "p99": 0.0062},
        },
        "tests": {"score": 0.41, "selection": 0.77},
        "flags": [],
    } | parts


def because(records: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many submissions that are no errors have each reason."""
    return dict(Counter(each["reason"] for each in records if "reason" in each and each["outcome"] != "error"))


def published(source: str, points: float, of: int, p: float | None, **reasons: tuple[int, float | None]) -> Document:
    """Return a figure of others; a reason has a count and a p, and `_` in its name is a blank."""
    counts = {name.replace("_", " "): {"count": count, "p": chance} for name, (count, chance) in reasons.items()}
    return {"source": source, "accuracy": points / of, "points": points, "of": of, "p": p, "reasons": counts}


def worth() -> Document:
    """Return what the subsystems of LAMMPS are worth."""
    figures = [("os", 0.343, 0.08, 0.3), ("mpi", 0.262, 0.053, 0.25), ("io.archspec", 0.207, 0.027, 0.26)]
    figures.append(("hardware", 0.1614, 0.0151, 0.3611))
    return {
        "method": "exact",
        "permutations": None,
        "none": 0.0266,
        "full": 1.0,
        "subsystems": [
            {"subsystem": name, "shapley": shapley, "interval": None, "first": first, "last": last}
            for name, shapley, first, last in figures
        ],
        "best": [
            {"size": 0, "subsystems": [], "accuracy": 0.0266},
            {"size": 1, "subsystems": ["os"], "accuracy": 0.1065},
            {"size": 2, "subsystems": ["os", "mpi"], "accuracy": 0.3194},
            {"size": 3, "subsystems": ["io.archspec", "os", "mpi"], "accuracy": 0.6389},
            {"size": 4, "subsystems": ORDER, "accuracy": 1.0},
        ],
        "exhaustive": True,
    }


def troubled() -> Document:
    """Return a report in which everything that can go wrong has."""
    page = lammps()
    jobs, clusters = page["experiments"][0]["jobs"], page["experiments"][0]["clusters"]
    first, *_, last = page["runs"]
    last["outcomes"] |= {"correct": 300, "missed": 20, "rejected": 10, "error": 30}
    last["candidate_sets"][jobs[3]] = None
    last["unanswered"] = {jobs[3]: "Satisfy: DEADLINE_EXCEEDED after 20 s"}
    last["failures"] = {clusters[7]: "ReceiveJobs: UNAVAILABLE"}
    last["errors"] = [
        {"reason": "the job did not arrive on the cluster it was assigned to", "submissions": 30, "jobs": jobs[:3]},
        {"reason": "the server ended with status 2", "submissions": 0, "jobs": []},
    ]
    last |= {"complete": False, "expected": 400, "missing": clusters[:2]}
    first["disagreements"] = [
        {
            "job": jobs[number % len(jobs)],
            "cluster": clusters[number % len(clusters)],
            "said": bool(number % 2),
            "expected": not number % 2,
            "asked": 21,
            "said_times": 21 if number % 3 else 4,
            "stable": bool(number % 3),
        }
        for number in range(150)
    ]
    first["differing"] = {"total": 1712, "listed": 150, "unstable": 50, "many": 1700, "few": 12}
    first["unmet"] = {"mpi": 1700, "os": 9}
    first["flags"] = [
        {
            "kind": "selection",
            "p": 1e-9,
            "adjusted": 1.6e-8,
            "message": f"cluster {clusters[0]} was chosen 43 of 360 times, expected 7.5",
        }
    ]
    drift = {"kind": "score", "p": 0.0003, "adjusted": 0.0048, "message": "points are missing at all levels"}
    page["flags"] = [{"experiment": "lammps", "scheduler": "rainbow", **drift}]
    page["comparison"] = comparison(page)
    page["gates"] = [
        gate("os:accuracy>=0.1", "os", 0.1065, 0.1, passed=True),
        gate("io.archspec+os:accuracy>=0.5", "io.archspec+os", 0.213, 0.5, passed=False, reason="below the limit"),
        gate("gpu:accuracy>=0.5", "gpu", None, 0.5, passed=False, reason="the level was not run"),
    ]
    page["errors"] = [
        "gate io.archspec+os:accuracy>=0.5: 0.2130 is below 0.5",
        "gate gpu:accuracy>=0.5: the level was not run",
        "lammps:io.archspec+os+mpi+hardware: 360 of 400 submissions recorded",
    ]
    page["session"] = {
        "problems": ["worker gw0 died: signal 9"],
        "failed": ["suites/lammps/test_lammps.py::test_lammps[none]"],
    }
    return page | {"verdict": "failed"}


def failed() -> Document:
    """Return a report of one level at which some submissions were errors although they were assigned the right cluster.

    Of the first job all were, of the second 1 in 20.
    """
    page = lammps()
    level = page["runs"][7]
    records = [each for each in page["records"] if each["level"] == level["level"]]
    [about] = page["experiments"]
    for number, count in ((0, 20), (1, 1)):
        job = about["jobs"][number]
        for each in [each for each in records if each["job"] == job][:count]:
            each |= {"outcome": "error", "score": 0.0, "reason": "the job did not arrive"}
    errors = [{"reason": "the job did not arrive", "submissions": 21, "jobs": about["jobs"][:2]}]
    page["runs"] = [run(level["level"], records, None, candidate_sets=level["candidate_sets"], errors=errors)]
    return page | {"records": records}


def gate(rule: str, level: str, value: float | None, limit: float, *, passed: bool, reason: str = "") -> Document:
    """Return a gate on the accuracy of a level."""
    return {
        "experiment": "lammps",
        "level": level,
        "measure": "accuracy",
        "rule": rule,
        "value": value,
        "sign": ">=",
        "limit": limit,
        "passed": passed,
        "reason": reason,
        "note": "",
    }


def comparison(page: dict[str, Any]) -> Document:
    """Return a comparison in which one level got worse, one is missing and one is new."""
    jobs, clusters = page["experiments"][0]["jobs"], page["experiments"][0]["clusters"]
    flips = [
        {"job": jobs[number], "cluster": clusters[number], "now": number < 3, "score": number / 4, "worse": number != 3}
        for number in range(5)
    ]
    key = {"experiment": "lammps", "scheduler": "rainbow"}
    figures = {"before": 0.6389, "after": 0.5521, "drop": 0.0868, "p": 0.0004, "adjusted": 0.0032}
    same = {"before": 0.1065, "after": 0.1065, "drop": 0.0, "p": 1.0, "adjusted": 1.0}
    none = {
        "changed": "the experiment was edited",
        "differs": "",
        "flips": [],
        "worse": 0,
        "better": 0,
        "submissions": {"lost": 0, "won": 0},
    }
    return {
        "baseline": {"path": "baselines/lammps.json", "created": "2026-11-01T09:30:00+00:00"},
        "levels": [
            {**key, "level": "os", **same, **none},
            {
                **key,
                "level": "io.archspec+os+mpi",
                **figures,
                "changed": "",
                "differs": "20 iterations before, 5 now; only submissions that both have are compared",
                "flips": flips,
                "worse": 4,
                "better": 1,
                "submissions": {"lost": 40, "won": 9},
            },
        ],
        "missing": [{**key, "level": "os+mpi"}],
        "new": [{**key, "level": "hardware"}],
    }


def small() -> Document:
    page = report([("a", "b", "c", "cpu")], [("a", "b", "c", "gpu")], iterations=1)
    page["runs"] = page["runs"][:2]
    page["records"] = page["records"][:2]
    return page


def renamed(document: Document, text: str) -> Document:
    """Return a report in which every text that people choose ends with this one."""
    page = copy.deepcopy(document)
    [experiment] = page["experiments"]
    keys = {*experiment["jobs"], *experiment["clusters"]}
    names = keys | {
        experiment["experiment"],
        "rainbow",
        *experiment["levels"],
        *experiment["order"],
        experiment["description"],
    }
    names |= {each["source"] for run in page["runs"] for each in run["published"]}
    names |= {each["reason"] for run in page["runs"] for each in run["errors"]}
    names |= {each["message"] for run in page["runs"] for each in run["flags"]}
    names |= {
        *page["errors"],
        *chain.from_iterable(page["commands"]),
        *page["session"]["problems"],
        *page["session"]["failed"],
    }
    names |= {*page["environment"].values()}
    for found in experiment["reasons"].values():
        keys |= found.keys()
        names |= found.keys()
    names |= {experiment["times"]["machine"]} if experiment["times"] else set()

    def visit(value: Any) -> Any:
        if isinstance(value, dict):
            return {f"{key}{text}" if key in keys else key: visit(item) for key, item in value.items()}
        if isinstance(value, list):
            return [visit(item) for item in value]
        return f"{value}{text}" if value in names else value

    changed: Document = visit(page)
    return changed


def two_schedulers() -> Document:
    first, second = lammps(), lammps("reference")
    return first | {key: first[key] + second[key] for key in ("runs", "records")}


def no_runs() -> Document:
    return lammps() | {"runs": [], "records": []}


def many_levels() -> Document:
    page = lammps()
    page["runs"] = [page["runs"][1] | {"level": f"level-{number}-{'x' * 200}"} for number in range(114)]
    return page


DOCUMENTS: dict[str, Callable[[], Document]] = {
    "nothing": document,
    "no runs": no_runs,
    "lammps": lammps,
    "troubled": troubled,
    "two schedulers": two_schedulers,
    "many levels": many_levels,
    "failed": failed,
}
