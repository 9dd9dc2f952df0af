"""The published jobs with ranges on the published clusters, beside a count that shares nothing with the engine."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

pandas = pytest.importorskip("pandas")

from pytest_compat.idset import decode  # noqa: E402
from pytest_compat.scale.declared import FULL, load_gradient  # noqa: E402
from pytest_compat.scale.run import GradientCase, measure  # noqa: E402

ENDLESS = 10**9


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("COMPAT_DATA")
    if not folder:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    return Path(folder) / "reliabuild"


@pytest.fixture(scope="module")
def order(data: Path) -> list[str]:
    """The subsystems in the published order."""
    found: list[str] = json.loads((data / "experiment.json").read_text())["subsystem_order"]
    return found


@pytest.fixture(scope="module")
def case(data: Path, order: list[str], tmp_path_factory: pytest.TempPathFactory) -> GradientCase:
    path = tmp_path_factory.mktemp("published") / "experiment.yaml"
    document = {
        "experiment": "published",
        "jobs": {"requirements": str(data / "jobs.parquet"), "ranges": str(data / "ranges.csv")},
        "clusters": {"table": str(data / "clusters.parquet")},
        "order": order,
        "scores": ["meets"],
    }
    path.write_text(yaml.safe_dump(document))
    return measure(load_gradient(path), FULL)


def numbers(text: str, missing: int) -> tuple[int, ...] | None:
    """Return the three numbers of a release, None of anything else."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+){0,2})(-[0-9A-Za-z.-]+)?(\+.*)?", text)
    if found is None or found[2]:
        return None
    parts = [int(part) for part in found[1].split(".")]
    return tuple(parts + [missing] * (3 - len(parts)))


def counted_plainly(data: Path, order: list[str]) -> tuple[int, dict[str, int], list[list[int]]]:
    """Return the jobs, the place in the order where each lost its last cluster, and counts of some by level."""
    clusters = pandas.read_parquet(data / "clusters.parquet").set_index("cluster")
    within: dict[int, tuple[int, frozenset[Any]]] = {}
    with (data / "ranges.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            low, high = numbers(row["min"], 0), numbers(row["max"], ENDLESS)
            assert low is not None
            assert high is not None
            have = ((name, numbers(text, 0)) for name, text in clusters[row["subsystem"]].items())
            names = frozenset(name for name, version in have if version and low <= version <= high)
            within[int(row["range_id"])] = (order.index(row["subsystem"]) + 1, names)
    jobs = pandas.read_parquet(data / "jobs.parquet").drop_duplicates("job")
    lost: dict[str, int] = {}
    counts = []
    for name, requires in zip(jobs["job"], jobs["requires"], strict=True):
        alive, changes = set(clusters.index), {0: len(clusters)}
        for place, names in sorted((within[number] for number in requires), key=lambda each: each[0]):
            alive &= names
            changes[place] = len(alive)
            if not alive:
                lost[name] = place
                break
        level = -1
        row = []
        for place in range(len(order) + 1):
            level = changes.get(place, level)
            row.append(level)
        counts.append(row)
    return len(jobs), lost, counts


def test_every_job_becomes_unmatched_where_a_plain_count_says(data: Path, order: list[str], case: GradientCase) -> None:
    jobs, lost, counts = counted_plainly(data, order)
    gradient = case.gradient
    assert (gradient.jobs, gradient.clusters, len(gradient.levels)) == (jobs, 100, 220) == (10_501, 100, 220)
    assert [level.level.partition("-")[2] for level in gradient.levels] == ["none", *order]
    found = {
        gradient.names[place]: int(level.partition("-")[0])
        for level, places in gradient.unmatched.items()
        for place in decode(places, jobs)
    }
    assert found == lost
    assert len(lost) == 5974
    assert case.outcome.candidates.T.tolist() == counts
    gone = Counter(lost.values())
    assert [level.matched for level in gradient.levels] == [
        jobs - sum(count for place, count in gone.items() if place <= number) for number in range(len(order) + 1)
    ]


def test_published_successes_are_exactly_where_everything_is_met(case: GradientCase) -> None:
    last = case.gradient.levels[-1]
    assert last.succeeded == last.matched == 10_501 - 5974
    assert last.assigned == {"meets": 1.0}
    assert last.range == (last.matched, last.matched)
    case.check()
