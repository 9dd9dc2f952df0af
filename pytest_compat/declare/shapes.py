"""What a resource group comes to when it is handed to a launcher: nodes, tasks, and cores and GPUs of each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_compat.errors import JobspecError

_NODE, _CORE, _GPU, _SLOT = "node", "core", "gpu", "slot"


@dataclass(frozen=True, slots=True)
class Shape:
    """Nodes, tasks, and what each task has.

    Args:
        nodes: Nodes that the tasks are spread over evenly; 0 for wherever there is room.
        tasks: How often the command is started at once, 1 or more; at least once on each node.
        cores: Cores of each task; 0 for whole nodes.
        gpus: GPUs of each task.
    """

    nodes: int = 0
    tasks: int = 1
    cores: int = 1
    gpus: int = 0


def shape(resource: Mapping[str, Any], place: str) -> Shape:
    """Return what a resource group of a jobspec comes to.

    A slot is what has `replicas`, or the type `slot` of older dialects; the innermost one says how many tasks there
    are. Without one there is one task, which has all cores; no process spans nodes, so that there is one on each of
    several. What launchers have no words for (racks, sockets, memory) is left to whoever chose the cluster.

    Args:
        resource: The group, of any dialect, which has been read as a jobspec before.
        place: Where it stands.

    Raises:
        JobspecError: It asks for nodes that differ, or for cores in nodes and out of them.
    """
    found = _Totals()
    found.add(resource, 1, inside=False)
    if len(found.kinds) > 1 or (found.kinds and found.outside):
        raise JobspecError(
            "found nodes that differ, expected alike ones: a task is started with one number of cores and GPUs",
            path=place,
        )
    tasks = max(found.slots, found.nodes)
    cores = -(-found.cores // tasks)  # rounded up: never less than what was asked for
    return Shape(found.nodes, tasks, cores if cores or found.nodes else 1, -(-found.gpus // tasks))


@dataclass
class _Totals:
    nodes: int = 0
    slots: int = 1
    cores: int = 0
    gpus: int = 0
    outside: bool = False
    """Whether cores or GPUs are asked for beside nodes, not in them."""
    kinds: set[tuple[int, int]] = field(default_factory=set)
    """Cores and GPUs of every node."""

    def add(self, resource: Mapping[str, Any], times: int, *, inside: bool) -> None:
        """Count a resource that is asked for in each of `times` others."""
        type = resource["type"]
        count = resource.get("replicas", resource.get("count", 1))
        times *= count["min"] if isinstance(count, dict) else count
        if "replicas" in resource or type == _SLOT:
            self.slots = times
        if type in (_CORE, _GPU):
            self.outside |= not inside
            self.cores += times * (type == _CORE)
            self.gpus += times * (type == _GPU)
        node = type == _NODE and not inside
        before = self.cores, self.gpus
        for child in resource.get("with") or []:
            self.add(child, times, inside=inside or node)
        if node:
            self.nodes += times
            self.kinds.add(((self.cores - before[0]) // times, (self.gpus - before[1]) // times))
