"""The exact figures of choosing an image for a host, held to what was published and to drawing by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.judge.score import LevelScore, score_level
from pytest_compat.run.rounds import Sampling
from pytest_compat.run.world import RunOptions, Worlds
from pytest_compat.schedulers import SchedulerOptions

SUITE = Path(__file__).parents[2] / "suites" / "image_selection"
FILES = {"amd64": "experiment.yaml", "arm64": "arm64.yaml"}
ABI, GPU, MPI = "os abi issue", "missing gpu", "mpi error"
MPIS = {"openmpi": "OpenMPI", "mpich": "mpich", "intel-mpi": "intel-mpi"}
AGES = [("rocky", "8.9"), ("ubuntu", "20.04"), ("rocky", "9.3"), ("ubuntu", "22.04")]


def scored(arch: str, level: str, iterations: int = 0, seed: int = 0) -> LevelScore:
    experiment = load_experiment(SUITE / FILES[arch])
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), seed=seed, sampling=Sampling(iterations)))
    (resolved,) = experiment.levels.resolve([level])
    run = worlds.level(experiment, resolved)
    return score_level(run.facts, run.submissions)


@pytest.mark.parametrize(
    ("mode", "success", "reasons"),
    [
        ("basic", "1/5", {ABI: "7/10", GPU: "1/10"}),
        ("platform", "3/10", {ABI: "1/4", GPU: "3/10", MPI: "3/20"}),
        ("platform-version", "2/5", {GPU: "2/5", MPI: "1/5"}),
        ("descriptive-basic", "1", {}),
        ("openmpi", "1", {}),
        ("mpich", "1", {}),
        ("intel-mpi", "1", {}),
    ],
)
def test_exact_rates(mode: str, success: str, reasons: dict[str, str]) -> None:
    exact = scored("amd64", mode).exact
    assert exact is not None
    assert exact.accuracy == Fraction(success)
    assert exact.reasons == {reason: Fraction(rate) for reason, rate in reasons.items()}
    assert exact.unmatched == 0


@pytest.mark.parametrize("iterations", [25, 30])
@pytest.mark.parametrize("mode", ["basic", "platform", "platform-version", "descriptive-basic"])
def test_samples_lie_where_their_exact_law_puts_them(mode: str, iterations: int) -> None:
    for seed in range(3):
        score = scored("amd64", mode, iterations, seed)
        assert score.submissions == score.expected == iterations
        assert score.plausible is not None
        assert score.accuracy is not None
        assert score.plausible[0] <= score.accuracy <= score.plausible[1]
        assert sum(score.reasons.values()) == score.outcomes["incorrect"]


def test_what_was_published_is_no_more_than_chance_off() -> None:
    figures = {
        (figure.source, mode): figure
        for mode in ("basic", "platform", "platform-version", "descriptive-basic", "openmpi", "mpich", "intel-mpi")
        for figure in scored("amd64", mode).published
    }
    assert len(figures) == 4 + 7
    assert all(figure.p is not None and figure.p > 0.01 for figure in figures.values())
    first = figures["lammps-matrix, cohort test", "basic"]
    # Of 25 draws that each succeed with 1/5, 2 or fewer do with 0.0982; doubled for the other side.
    assert first.p == pytest.approx(2 * sum(_binomial(25, k, 0.2) for k in range(3)))
    assert first.reasons[ABI].p == pytest.approx(2 * sum(_binomial(25, k, 0.7) for k in range(20, 26)))


def _binomial(draws: int, successes: int, chance: float) -> float:
    from math import comb

    return comb(draws, successes) * chance**successes * (1 - chance) ** (draws - successes)


def published(name: str) -> Any:
    data = os.environ.get("COMPAT_DATA")
    if not data:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    return json.loads(Path(data, "image-selection", f"{name}.json").read_text(encoding="utf-8"))


def outcome(image: dict[str, Any], host: dict[str, str], *, sourced: bool) -> str:
    said = {name.removeprefix("org.supercontainers."): value for name, value in image["attributes"].items()}
    if AGES.index((said["os.vendor"], said["os.version"])) < AGES.index((host["os_vendor"], host["os_version"])):
        return ABI
    if said["hardware.gpu.available"] == "yes":
        return GPU
    return MPI if said["mpi.implementation"] == "intel-mpi" and not sourced else "success"


def draws(arch: str, mode: str) -> Iterator[tuple[Fraction, str]]:
    """Yield every draw that a mode can make, by its rules as published, with its probability and its outcome."""
    images = [each for each in published("images") if each["arch"] == arch]
    hosts = [each for each in published("hosts") if each["arch"] == arch]

    def of(image: dict[str, Any], name: str) -> str:
        return str(image["attributes"][f"org.supercontainers.{name}"])

    if mode in ("basic", "platform", "platform-version"):
        for image in images:
            vendor, version = of(image, "os.vendor"), of(image, "os.version")
            suited = {
                "basic": [each for each in hosts if each["os_version"] == "22.04"],
                "platform": [each for each in hosts if each["os_vendor"] == vendor],
                "platform-version": [
                    each
                    for each in hosts
                    if each["os_vendor"] == vendor and each["os_version"].split(".")[0] == version.split(".")[0]
                ],
            }[mode]
            for host in suited:
                yield Fraction(1, len(images) * len(suited)), outcome(image, host, sourced=False)
        return
    matching = {
        host["view"]: [
            image
            for image in images
            if (of(image, "os.vendor"), of(image, "os.version")) == (host["os_vendor"], host["os_version"])
            and of(image, "hardware.gpu.available") == "no"
            and (mode == "descriptive-basic" or of(image, "mpi.implementation") == MPIS[mode])
        ]
        for host in hosts
    }
    drawable = [host for host in hosts if matching[host["view"]]]
    for host in drawable:
        for image in matching[host["view"]]:
            chance = Fraction(1, len(drawable) * len(matching[host["view"]]))
            yield chance, outcome(image, host, sourced="intel" in image["image"])


@pytest.mark.parametrize("mode", ["basic", "platform", "platform-version", "descriptive-basic", *MPIS])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_both_architectures_are_what_drawing_by_hand_gives(arch: str, mode: str) -> None:
    expected: dict[str, Fraction] = {}
    for chance, found in draws(arch, mode):
        expected[found] = expected.get(found, Fraction(0)) + chance
    exact = scored(arch, mode).exact
    assert exact is not None
    assert exact.accuracy == expected.pop("success", Fraction(0))
    assert exact.reasons == expected


def test_the_ground_truth_is_what_was_observed() -> None:
    experiment = load_experiment(SUITE / FILES["amd64"])
    worlds = Worlds(RunOptions(SchedulerOptions("reference"), sampling=Sampling(0)))
    design = worlds.level(experiment, experiment.levels.resolve(["none"])[0]).facts.design
    names = {"ubuntu:tag-focal": "focal", "ubuntu:tag-jammy": "jammy", "rocky:tag-8": "rocky8", "rocky:tag-9": "rocky9"}
    cells = published("outcomes_amd64")
    assert len(cells) == 26
    for cell in cells:
        host = names[cell["view"].removeprefix("flux-view-")]
        job = f"amd64-{host}-{'sourced' if cell['intel_env_sourced'] else 'plain'}"
        _, score, reason = design.outcome(job, cell["image"])
        assert (reason or "success") == cell["outcome"]
        assert score == (cell["outcome"] == "success")
