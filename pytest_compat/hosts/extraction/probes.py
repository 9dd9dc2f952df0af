"""All probes, one after the other: each that fails says so and is left out."""

from __future__ import annotations

from collections.abc import Callable

from pytest_compat.hosts.extraction.gpu import see_gpus
from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.mpi import see_mpi
from pytest_compat.hosts.extraction.node import Facts, Node
from pytest_compat.hosts.extraction.processor import SUBSYSTEM, see_processor
from pytest_compat.hosts.extraction.spack import see_spack
from pytest_compat.hosts.extraction.system import see_system
from pytest_compat.hosts.extraction.topology import see_cores, see_memory

PROBES: dict[str, Callable[[Host, Note], tuple[Facts, ...]]] = {
    SUBSYSTEM: see_processor,
    "os": see_system,
    "mpi": see_mpi,
    "spack": see_spack,
}


def extract(host: Host) -> Node:
    """Return all that can be seen of a host, without root and whatever is missing."""
    notes: list[str] = []
    sockets, resources = see_cores(host, notes.append)
    memory = None
    try:
        memory, facts = see_memory(host, notes.append)
        resources += facts
    except ProbeError as error:
        notes.append(f"memory, {error}")
    gpus, hardware = see_gpus(host, notes.append)
    subsystems = {}
    for name, probe in PROBES.items():
        try:
            subsystems[name] = probe(host, notes.append)
        except ProbeError as error:
            notes.append(str(error))
    return Node(host.name, sockets, memory, gpus, resources, {**subsystems, "hardware": hardware}, tuple(notes))
