"""What resource groups come to: nodes, tasks, cores of each."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from pytest_compat.declare.shapes import Shape
from pytest_compat.declare.workflow import read_workflow
from pytest_compat.errors import JobspecError


def shape_of(resource: str) -> Shape:
    group: Any = yaml.safe_load(resource)
    tasks = [{"command": ["true"], "resources": "g"}]
    (task,) = read_workflow({"version": 1, "resources": {"g": group}, "tasks": tasks}).members
    return task.shape


def older_shape_of(resources: str) -> Shape:
    listed: Any = yaml.safe_load(resources)
    tasks = [{"command": ["true"], "slot": "s", "count": {"per_slot": 1}}]
    (task,) = read_workflow({"version": 1, "resources": listed, "tasks": tasks}).members
    return task.shape


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("{type: node, count: 1, with: [{type: core, count: 10}]}", Shape(1, 1, 10)),
        ("{type: node, replicas: 2, with: [{type: core, count: 4}]}", Shape(2, 2, 4)),
        ("{type: node, count: 2, with: [{type: core, count: 4}]}", Shape(2, 2, 4)),
        ("{type: node, count: 2}", Shape(2, 2, 0)),
        ("{type: core, count: 10}", Shape(0, 1, 10)),
        ("{type: core, replicas: 10}", Shape(0, 10, 1)),
        ("{type: node, count: 2, with: [{type: core, replicas: 4}]}", Shape(2, 8, 1)),
        ("{type: node, count: 2, with: [{type: socket, replicas: 2, with: [{type: core, count: 4}]}]}", Shape(2, 4, 4)),
        ("{type: node, count: 2, with: [{type: socket, count: 2, with: [{type: core, count: 4}]}]}", Shape(2, 2, 8)),
        ("{type: rack, replicas: 1, with: [{type: node, count: 3, with: [{type: core, count: 2}]}]}", Shape(3, 3, 2)),
        ("{type: node, with: [{type: core, count: 8}, {type: gpu, count: 2}]}", Shape(1, 1, 8, 2)),
        ("{type: node, replicas: 2, with: [{type: gpu, count: 2}]}", Shape(2, 2, 0, 2)),
        ("{type: socket, replicas: 2, with: [{type: core, count: 3}]}", Shape(0, 2, 3)),
        ("{type: memory, count: 64}", Shape(0, 1, 1)),
    ],
)
def test_cores_are_cores_and_slots_are_tasks(resource: str, expected: Shape) -> None:
    assert shape_of(resource) == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ("[{type: slot, count: 4, label: s, with: [{type: core, count: 1}]}]", Shape(0, 4, 1)),
        ("[{type: node, count: 1, with: [{type: slot, count: 4, label: s, with: [{type: core}]}]}]", Shape(1, 4, 1)),
        ("[{type: slot, count: 2, label: s, with: [{type: node, with: [{type: core, count: 3}]}]}]", Shape(2, 2, 3)),
        (
            "[{type: node, with: [{type: slot, label: s, with: [{type: core, count: {min: 2, max: 4}}]}]}]",
            Shape(1, 1, 2),
        ),
    ],
)
def test_the_slots_of_older_dialects_are_tasks(resources: str, expected: Shape) -> None:
    assert older_shape_of(resources) == expected


@pytest.mark.parametrize(
    "resource",
    [
        "{type: rack, with: [{type: node, with: [{type: core}]}, {type: node, with: [{type: core, count: 2}]}]}",
        "{type: rack, with: [{type: node, with: [{type: core}]}, {type: core}]}",
    ],
)
def test_nodes_that_differ_are_refused(resource: str) -> None:
    with pytest.raises(JobspecError, match="found nodes that differ") as caught:
        shape_of(resource)
    assert caught.value.path == "resources.g"
