"""Subsystem `io.archspec`: what a processor is, and every target whose binaries run on it.

The order of microarchitectures is archspec's (M. Culpo et al., "archspec: A library for detecting, labeling, and
reasoning about microarchitectures", CANOPIE-HPC 2020).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.node import Fact, Facts

SUBSYSTEM = "io.archspec"
TARGET = "cpu.target"

OCI = {"x86_64": "amd64", "aarch64": "arm64"}
"""What images call a family of processors (https://github.com/opencontainers/image-spec, platform.architecture)."""


def see_processor(host: Host, note: Note) -> tuple[Facts, ...]:
    """Return a vertex for the processor, one per further target that it is compatible with, and one per feature.

    A requirement is met by a vertex whose field has the very text asked for, and two requirements by two vertices of a
    node. So a vertex per target answers a job that asks for any of them, whatever else it asks of the processor.
    """
    said = _cpuinfo(host)
    try:
        cpu: Any = import_module("archspec.cpu").host()
    except ImportError:
        note(
            f"{SUBSYSTEM}, archspec is not installed (pip install 'pytest-compat[hosts]'): nothing is known of the "
            f"processor but its family"
        )
        target, origin, families, features = host.machine, "uname -m", [host.machine], []
        vendor = Fact("cpu.vendor", "", "")
    else:
        target, origin, families = cpu.name, "archspec", [each.name for each in (cpu, *cpu.ancestors)]
        features = sorted(cpu.features)
        vendor = Fact("cpu.vendor", "" if cpu.vendor == "generic" else cpu.vendor, origin)
    if not target:
        raise ProbeError(f"{SUBSYSTEM}: neither archspec nor uname knows the architecture")
    # Of a processor that it knows by features alone archspec has no vendor.
    vendor = vendor if vendor.value else Fact("cpu.vendor", said.get("vendor_id", ""), "/proc/cpuinfo")
    own = [
        Fact(TARGET, target, origin),
        Fact("cpu.family", host.machine, "uname -m"),
        vendor,
        _model(host, said),
    ]
    vertices = [tuple(fact for fact in own if fact.value)]
    for name in families:
        if name != target:
            vertices.append((Fact(TARGET, name, f"{origin}: {target} is compatible with it"),))
    vertices += _named_by_images(families)
    vertices += [(Fact("cpu.feature", name, origin),) for name in features]
    return tuple(vertices)


def _named_by_images(targets: Iterable[str]) -> list[Facts]:
    return [(Fact(TARGET, OCI[name], f"what images call {name}"),) for name in targets if name in OCI]


def _cpuinfo(host: Host) -> dict[str, str]:
    try:
        text = host.read("/proc/cpuinfo")
    except ProbeError:
        return {}
    return dict(re.findall(r"^([\w ]+?)\s*:\s*(.*?)\s*$", re.split(r"\n\s*\n", text)[0], re.MULTILINE))


def _model(host: Host, said: dict[str, str]) -> Fact:
    """Return the name of the processor; Arm's kernels do not know it, and lscpu has a table."""
    for key in ("model name", "cpu"):
        if key in said:
            return Fact("cpu.model", said[key], "/proc/cpuinfo")
    try:
        found = re.search(r'"Model name:",\s*"data":\s*"([^"]+)"', host.ask("lscpu", "-J"))
    except ProbeError:
        found = None
    if found:
        return Fact("cpu.model", found[1], "lscpu -J")
    return Fact("cpu.model", said.get("CPU part", ""), "/proc/cpuinfo")
