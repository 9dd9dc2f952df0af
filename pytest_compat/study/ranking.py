"""Container images as candidates for a host: the host is the job, and the images are the clusters.

A host asks for equal values, but for these:

- Libraries of the host get bound into the image, so that the C library of an image must not be older than the host's:
  it would lack versions of symbols that they ask for. Where an image or a host does not say which it has, it is that of
  its distribution.
- An image that needs a GPU needs a host with one; the others leave a host's GPU idle, which is worth half.
- The host's distribution and its implementation of MPI are preferred, and not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pytest_compat.declare.catalog import Experiment
from pytest_compat.declare.compspecs import ARCHSPEC, CompatSpec
from pytest_compat.declare.levels import Levels
from pytest_compat.declare.pools import HOST, build_cluster
from pytest_compat.declare.rules import Rule
from pytest_compat.model import Cluster, Graph, Jobspec, Level, Requirement, Resource, Vertex
from pytest_compat.study.explain import Answer, explain
from pytest_compat.study.reference import Study

ENTERPRISE = ("almalinux", "centos", "ol", "redhat", "rhel", "rocky")
GLIBC: Mapping[tuple[str, str], str] = {
    **{(vendor, "7"): "2.17" for vendor in ENTERPRISE},
    **{(vendor, "8"): "2.28" for vendor in ENTERPRISE},
    **{(vendor, "9"): "2.34" for vendor in ENTERPRISE},
    **{(vendor, "10"): "2.39" for vendor in ENTERPRISE},
    ("amzn", "2"): "2.26",
    ("amzn", "2023"): "2.34",
    ("debian", "10"): "2.28",
    ("debian", "11"): "2.31",
    ("debian", "12"): "2.36",
    ("ubuntu", "18.04"): "2.27",
    ("ubuntu", "20.04"): "2.31",
    ("ubuntu", "22.04"): "2.35",
    ("ubuntu", "24.04"): "2.39",
}
"""The C library that distributions were released with, by vendor and as much of the version as decides.

It stands for all libraries of the distribution: of two, the one with the later C library has the later libstdc++ too.
"""

OS, HARDWARE, MPI = "os", "hardware", "mpi"
ARCH, LIBRARY, GPU, IMPLEMENTATION = "cpu.target", "os.glibc", "hardware.gpu.available", "mpi.implementation"
DISTRIBUTION = ("os.vendor", "os.version")

UNCOMPARED = {(ARCHSPEC, "cpu.model"), (OS, "os.name"), (OS, "os.release"), (MPI, "mpi.version")}
"""What describes a host or the machine an image was built on, and decides nothing."""

ORDER = (ARCHSPEC, OS, HARDWARE)
"""The subsystems that are looked at first: of two reasons, the one that comes up first when the image is started."""

REASONS = {
    (ARCHSPEC, ARCH): "wrong architecture",
    (OS, LIBRARY): "os abi issue",
    (HARDWARE, GPU): "missing gpu",
}
"""What comes of starting an image although it does not meet a requirement, as `reasons` calls it."""

IDLE = Fraction(1, 2)
"""The score of an image that leaves the host's GPU idle."""


@dataclass(frozen=True)
class Ranked:
    """An image, held against a host.

    Args:
        spec: What it says of itself.
        answer: By the reference matcher, to what the host asks; `score` is 0 for those left out.
        preferred: What the host would rather have, and this image has.
        notes: What to know before it is started.
    """

    spec: CompatSpec
    answer: Answer
    preferred: tuple[Requirement, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """Images in the order in which to try them.

    Args:
        host: Its name.
        level: The level at which it was asked; None for all the host says.
        asked: What an image has to have.
        preferred: What it had better have.
        compatible: Those that have it: by score, then by how much of what is preferred they have, then by name.
        left_out: The others: those that fail fewest requirements first, then likewise.
    """

    host: str
    level: str | None
    asked: tuple[Requirement, ...]
    preferred: tuple[Requirement, ...]
    compatible: tuple[Ranked, ...]
    left_out: tuple[Ranked, ...]


def rank(host: CompatSpec, images: Sequence[CompatSpec], level: str | None = None) -> Ranking:
    """Rank images for a host.

    Args:
        host: What it says of itself.
        images: One or more, with unique names.
        level: The subsystems of the host, or attributes as `subsystem:field`, that images are held to; None for all.

    Raises:
        LevelError: The level is unknown, or stands for several.
    """
    asks, prefers = _wishes(host)
    fields = frozenset(f"{each.subsystem}:{each.field}" for each in (*asks, *prefers))
    levels = Levels(tuple(_subsystems(host)), fields)
    reveal = Level("", levels.order) if level is None else levels.resolve([levels.canonical(level)])[0]
    asked, preferred = (tuple(filter(reveal.shows, each)) for each in (asks, prefers))
    job = _job(asked)
    study = Study(
        Experiment(
            name=host.name,
            path=Path(host.source),
            clusters=tuple(map(_cluster, images)),
            jobs=(job,),
            levels=levels,
            truth=_truth(host, reveal),
            iterations=0,
        )
    )
    having = {each: frozenset(study.index.candidates(_job([each]))) for each in preferred}
    answers = {answer.cluster: answer for answer in explain(study, job).answers}
    ranked = [
        Ranked(
            image,
            answers[image.name],
            tuple(each for each in preferred if image.name in having[each]),
            _notes(image, host, answers[image.name]),
        )
        for image in images
    ]
    compatible = [each for each in ranked if each.answer.candidate]
    left_out = [each for each in ranked if not each.answer.candidate]
    compatible.sort(key=lambda each: (-each.answer.score, -len(each.preferred), each.spec.name))
    left_out.sort(key=lambda each: (len(each.answer.failing), -len(each.preferred), each.spec.name))
    return Ranking(host.name, reveal.name or None, asked, preferred, tuple(compatible), tuple(left_out))


def plain_ranking(ranking: Ranking) -> dict[str, Any]:
    """Return it as dicts, lists, texts and numbers."""
    return {
        "host": ranking.host,
        "level": ranking.level,
        "asked": [asdict(each) for each in ranking.asked],
        "preferred": [asdict(each) for each in ranking.preferred],
        "compatible": [
            {**_plain(each), "score": float(each.answer.score), "notes": list(each.notes)}
            for each in ranking.compatible
        ],
        "left_out": [
            {
                **_plain(each),
                "near": each.answer.near,
                "failing": [
                    {**asdict(finding.requirement), "has": list(finding.has), "reason": reason(finding.requirement)}
                    for finding in each.answer.failing
                ],
            }
            for each in ranking.left_out
        ],
    }


def _plain(ranked: Ranked) -> dict[str, Any]:
    return {
        "image": ranked.spec.name,
        "source": ranked.spec.source,
        "preferred": [asdict(each) for each in ranked.preferred],
    }


def reason(requirement: Requirement) -> str | None:
    """Return what comes of starting an image that does not meet a requirement; None where nobody can say."""
    return REASONS.get((requirement.subsystem, requirement.field))


def _wishes(host: CompatSpec) -> tuple[list[Requirement], list[Requirement]]:
    """Return what a host asks of images, and what it would rather have."""
    asks, prefers = [], []
    glibc = _glibc(host)
    for subsystem in _subsystems(host):
        if subsystem == OS and glibc:
            asks.append(Requirement(OS, LIBRARY, min=glibc))
        for field, text in host.attributes[subsystem].items():
            wish = Requirement(subsystem, field, match=text)
            if (subsystem, field) in UNCOMPARED | {(OS, LIBRARY)}:
                continue
            if (subsystem == OS and field in DISTRIBUTION and glibc) or (subsystem, field) == (MPI, IMPLEMENTATION):
                prefers.append(wish)
            elif (subsystem, field) != (HARDWARE, GPU) or text == "no":
                asks.append(wish)
    return asks, prefers


def _subsystems(host: CompatSpec) -> Iterable[str]:
    first = [subsystem for subsystem in ORDER if subsystem in host.attributes]
    return dict.fromkeys([*first, *host.attributes])


def _glibc(spec: CompatSpec) -> str | None:
    """Return the version of the C library: as said, or else that of the distribution; None when it is not known."""
    fields = spec.attributes.get(OS, {})
    vendor, version = (fields.get(field, "") for field in DISTRIBUTION)
    known = (GLIBC.get((vendor, text)) for text in (version, ".".join(version.split(".")[:2]), version.split(".")[0]))
    return fields.get(LIBRARY) or next(filter(None, known), None)


def _cluster(image: CompatSpec) -> Cluster:
    """Return an image as a cluster of one node, with what follows from what it says."""
    subsystems = {subsystem: dict(fields) for subsystem, fields in image.attributes.items()}
    if glibc := _glibc(image):
        subsystems[OS].setdefault(LIBRARY, glibc)
    subsystems.setdefault(HARDWARE, {}).setdefault(GPU, "no")
    return build_cluster(image.name, Graph({"0": Vertex(HOST)}), subsystems)


def _job(requires: Iterable[Requirement]) -> Jobspec:
    return Jobspec("host", {"host": Resource(HOST, 1, True, tuple(requires))})


def _truth(host: CompatSpec, level: Level) -> tuple[Rule, ...]:
    """Return the rules of scores: 1 for what meets all that is asked, less where a GPU idles and the level shows it."""
    met: frozenset[str] = frozenset()
    gpu = Requirement(HARDWARE, GPU, match="yes")
    idle = (Rule(str(IDLE), met, cluster={GPU: "no"}),) if _says(host, gpu) and level.shows(gpu) else ()
    return (*idle, Rule("1", met))


def _notes(image: CompatSpec, host: CompatSpec, answer: Answer) -> tuple[str, ...]:
    found = []
    if answer.score == IDLE:
        found.append("leaves the host's GPU idle")
    if _says(image, Requirement(HARDWARE, GPU, match="yes")) and GPU not in host.attributes.get(HARDWARE, {}):
        found.append("needs a GPU, and the host does not say whether it has one")
    if _says(image, Requirement(MPI, IMPLEMENTATION, match="intel-mpi")):
        found.append("MPI fails to start unless Intel's environment is sourced")
    return tuple(found)


def _says(spec: CompatSpec, wish: Requirement) -> bool:
    return spec.attributes.get(wish.subsystem, {}).get(wish.field) == wish.match
