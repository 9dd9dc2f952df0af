"""Older jobspec dialects become Jobspec Next Generation, or are refused where they say what it cannot."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobspec.core import Jobspec as Published

from pytest_compat.declare.dialects import LISTED, MAX_RESOURCES, NEEDS, RANGE, SINGLE, STEPS, VALUE, convert
from pytest_compat.declare.jgf import read_subsystem
from pytest_compat.declare.jobspec import read_jobspec
from pytest_compat.errors import JobspecError
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Task, Vertex

TASK = {"command": ["true"], "slot": "s"}
STEP = {"step": "submit", "filename": "job.sh"}
HWLOC = {
    "version": 1,
    "resources": [
        {
            "count": 1,
            "type": "node",
            "with": [{"count": 1, "label": "hwloc", "type": "slot", "with": [{"count": 1, "type": "core"}]}],
        }
    ],
    "task": {
        "transform": [STEP],
        "scripts": [{"name": "job.sh", "content": "lstopo"}],
        "count": {"per_slot": 1},
        "resources": {"hardware": {"hardware.gpu.available": "no"}, "io.archspec": {"cpu.target": "amd64"}},
        "slot": "hwloc",
    },
}


def of(type: str, count: object = 1, *inside: object, **more: object) -> dict[str, Any]:
    return {"type": type, "count": count, **({"with": list(inside)} if inside else {}), **more}


def slot(count: object, *inside: object, label: str = "s") -> dict[str, Any]:
    return of("slot", count, *inside, label=label)


def v1(*resources: object, **more: Any) -> dict[str, Any]:
    return {"version": 1, "resources": list(resources), "tasks": [TASK], **more}


def asked(*resources: object, needs: object = None) -> Resource:
    """Return the one resource group that a V1 jobspec asks for."""
    job = read_jobspec(v1(*resources, tasks=[{**TASK, "resources": needs or {}}]))
    (group,) = job.groups.values()
    return group


def refused(document: dict[str, Any]) -> JobspecError:
    with pytest.raises(JobspecError) as caught:
        read_jobspec(document)
    return caught.value


class TestSlots:
    """How what is asked for by slots is asked for without."""

    def test_a_slot_in_a_node_asks_for_what_it_holds_as_often_as_it_is_there(self) -> None:
        assert asked(of("node", 1, slot(4, of("core", 1)))) == Resource("node", 1, True, (), (Resource("core", 4),))

    def test_nodes_around_slots_are_replicas(self) -> None:
        assert asked(of("node", 2, slot(3, of("core", 2), of("gpu", 1)))) == Resource(
            "node", 2, True, (), (Resource("core", 6), Resource("gpu", 3))
        )

    def test_slots_of_nodes_are_that_many_nodes(self) -> None:
        assert asked(slot(3, of("node", 2, of("core", 4)))) == Resource("node", 6, True, (), (Resource("core", 4),))

    def test_slots_of_one_core_are_cores_of_any_node(self) -> None:
        assert asked(slot(4, of("core", 1))) == Resource("core", 4, True)

    def test_one_slot_without_a_node_is_on_one_node(self) -> None:
        assert asked(slot(1, of("core", 4))) == Resource("node", 1, True, (), (Resource("core", 4),))

    def test_several_slots_of_several_cores_without_a_node_are_refused(self) -> None:
        error = refused(v1(slot(2, of("core", 2))))
        assert (error.path, "expected a node around" in error.problem) == ("resources[0]", True)

    def test_a_rack_around_a_slot_does_not_hold_it_together(self) -> None:
        node = Resource("node", 1, within=(Resource("core", 4),))
        assert asked(of("rack", 1, slot(1, of("core", 4)))) == Resource("rack", 1, True, (), (node,))

    def test_a_socket_around_slots_does(self) -> None:
        assert asked(of("socket", 1, slot(2, of("core", 4)))) == Resource("socket", 1, True, (), (Resource("core", 8),))

    def test_several_resources_are_side_by_side_in_one_cluster(self) -> None:
        both = (Resource("node", 1, within=(Resource("gpu", 1),)), Resource("node", 2))
        assert asked(slot(1, of("node", 1, of("gpu", 1))), of("node", 2)) == Resource("cluster", 1, True, (), both)

    def test_tasks_of_all_slots_run_in_the_one_group(self) -> None:
        found = of("node", 1, slot(2, of("core"), label="a"), slot(1, of("gpu"), label="b"))
        job = read_jobspec(v1(found, tasks=[{"command": ["x"], "slot": "a"}, {"command": ["y"], "slot": "b"}]))
        assert job.tasks == (Task(("x",), "a"), Task(("y",), "a"))
        assert job.groups == {"a": Resource("node", 1, True, (), (Resource("core", 2), Resource("gpu", 1)))}

    def test_of_a_range_the_least_is_asked_for(self) -> None:
        document = v1(of("node", {"min": 2, "max": 8, "operator": "*", "operand": 2}, slot(1, of("core"))))
        assert read_jobspec(document).groups["s"].count == 2
        assert convert(document)[1] == (LISTED, RANGE)

    def test_a_range_may_be_open(self) -> None:
        assert asked(of("node", {"min": 2}, slot(1, of("core")))).count == 2

    def test_a_node_for_one_job_alone_is_a_node(self) -> None:
        assert asked(of("node", 2, slot(1, of("core")), exclusive=True)).count == 2

    @pytest.mark.parametrize(("cores", "fits"), [(4, True), (3, False)])
    def test_four_slots_of_a_node_need_four_of_its_cores(self, cores: int, fits: bool) -> None:
        nodes = {f"n{number}": Vertex("node") for number in range(4)}
        held = {f"{node}c": Vertex("core", cores if node == "n0" else 1) for node in nodes}
        cluster = Cluster("c", Graph({**nodes, **held}, tuple((node, f"{node}c") for node in nodes)))
        job = read_jobspec(v1(of("node", 1, slot(4, of("core", 1)))))
        assert bool(Index([cluster]).candidates(job)) is fits


OS = Requirement("os", "os.full", match="rocky8")
NEEDS_OS = {"os": {"os.full": "rocky8"}}


class TestRequirements:
    """What a task requires, and what carries it."""

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"os.full": "rocky8"}, OS),
            ({"match": [{"type": "os.full=rocky8"}]}, OS),
            ({"match": [{"field": "type", "match": "os.full=rocky8"}]}, OS),
            ({"match": [{"field": "os.full", "match": "rocky8"}]}, OS),
            ({"match": [{"type": "shm"}]}, Requirement("os", "type", match="shm")),
            ({"match": [{"type": "a=b=c"}]}, Requirement("os", "a", match="b=c")),
            ({"range": [{"field": "v", "min": "1", "max": "2"}]}, Requirement("os", "v", min="1", max="2")),
        ],
    )
    def test_every_spelling_is_read(self, fields: object, expected: Requirement) -> None:
        assert asked(of("node", 1, slot(1, of("core"))), needs={"os": fields}).requires == (expected,)

    @pytest.mark.parametrize("vertex", [Vertex("os", 1, (("os.full", "rocky8"),)), "os.full=rocky8"])
    @pytest.mark.parametrize("value", ["rocky8", "rocky9"])
    def test_a_match_on_type_finds_a_field_or_a_type(self, vertex: Vertex | str, value: str) -> None:
        containment = Graph({"n": Vertex("node")})
        fields = {"type": vertex} if isinstance(vertex, str) else {"type": vertex.type, **dict(vertex.attributes)}
        edge = {"source": "n", "target": "v", "relation": "contains"}
        text = json.dumps({"graph": {"nodes": {"v": {"metadata": fields}}, "edges": [edge]}})
        cluster = Cluster("c", containment, {"os": read_subsystem(text, containment)})
        needs = {"os": {"match": [{"type": f"os.full={value}"}]}}
        job = read_jobspec(v1(slot(1, of("node")), tasks=[{**TASK, "resources": needs}]))
        assert bool(Index([cluster]).candidates(job)) is (value == "rocky8")

    def test_the_node_around_the_slot_carries_them(self) -> None:
        rack = asked(of("rack", 1, of("node", 2, slot(1, of("core")))), needs=NEEDS_OS)
        assert [each.type for each in rack.every() if each.requires] == ["node"]

    def test_every_outermost_node_in_the_slot_carries_them(self) -> None:
        group = asked(slot(1, of("rack", 1, of("node", 1, of("node"))), of("node", 2)), needs=NEEDS_OS)
        assert [(each.type, each.count, each.requires) for each in group.every() if each.requires] == [
            ("node", 1, (OS,)),
            ("node", 2, (OS,)),
        ]

    def test_the_node_that_one_slot_is_on_carries_them(self) -> None:
        group = asked(slot(1, of("core", 4)), needs=NEEDS_OS)
        assert (group.type, group.requires) == ("node", (OS,))

    def test_without_any_node_what_is_in_the_slot_carries_them(self) -> None:
        group = asked(slot(4, of("core")), needs=NEEDS_OS)
        assert (group.type, group.requires) == ("core", (OS,))

    def test_nodes_of_other_slots_do_not(self) -> None:
        found = [slot(1, of("node", 1), label="s"), slot(1, of("node", 2), label="t")]
        assert [bool(each.requires) for each in asked(*found, needs=NEEDS_OS).within] == [True, False]

    def test_value_is_read_as_match(self) -> None:
        line = {"name": "system", "field": "cpu.target", "value": "amd64"}
        inner = {"type": "node", "with": [{"type": "core", "requires": [line]}], "requires": [line]}
        tasks = [{"command": ["x"], "resources": "g"}]
        document = {"version": 1, "resources": {"g": inner}, "requires": {"all": [line]}, "tasks": tasks}
        assert set(read_jobspec(document).requirements()) == {Requirement("system", "cpu.target", match="amd64")}
        assert len(list(read_jobspec(document).requirements())) == 3
        assert convert(document)[1] == (VALUE,)

    def test_a_value_that_is_no_text_is_refused_where_it_stands(self) -> None:
        line = {"name": "os", "field": "x", "value": True}
        group = {"type": "node", "with": [{"type": "core", "requires": [line]}]}
        error = refused({"version": 1, "resources": {"g": group}})
        assert error.path == "resources.g.with[0].requires[0].value"


class TestDocuments:
    def test_the_hwloc_example_of_early_2024(self) -> None:
        assert read_jobspec(HWLOC, name="job") == Jobspec(
            "job",
            {
                "hwloc": Resource(
                    "node",
                    1,
                    True,
                    (
                        Requirement("hardware", "hardware.gpu.available", match="no"),
                        Requirement("io.archspec", "cpu.target", match="amd64"),
                    ),
                    (Resource("core", 1),),
                )
            },
            (Task((), "hwloc"),),
            {"task": {"transform": [STEP], "scripts": HWLOC["task"]["scripts"]}},  # type: ignore[index]
        )

    def test_what_was_converted_is_told(self) -> None:
        assert convert(HWLOC)[1] == (LISTED, SINGLE, NEEDS, STEPS)

    def test_tasks_with_their_requirements_as_the_published_client_writes_them(self) -> None:
        # rainbow-scheduler 0.0.16, rainbow/jobspec/converter.py: from_compatibility_spec
        task = {"command": ["lmp", "-in", "x"], "slot": "lmp", "count": {"per_slot": 1}, "resources": NEEDS_OS}
        node = of("node", 2, slot(1, of("core", 3), label="lmp"))
        job = read_jobspec(v1(node, tasks=[task], attributes={}))
        assert job.groups == {"lmp": Resource("node", 2, True, (OS,), (Resource("core", 3),))}
        assert job.tasks == (Task(("lmp", "-in", "x"), "lmp"),)

    def test_attributes_are_kept(self) -> None:
        system = {"system": {"duration": 60, "cwd": "/tmp"}}
        assert read_jobspec(v1(slot(1, of("node")), attributes=system)).attributes == system

    def test_todays_documents_are_returned_as_they_are(self) -> None:
        document = {"version": 1, "resources": {"g": {"type": "node"}}}
        assert convert(document) == (document, ())

    @pytest.mark.skipif("COMPAT_DATA" not in os.environ, reason="needs the transform cases: set COMPAT_DATA")
    def test_the_transform_cases_are_read(self) -> None:
        path = Path(os.environ["COMPAT_DATA"], "jobspec", "transform_cases.json")
        read = {case["case"]: read_jobspec(case["jobspec"]) for case in json.loads(path.read_text(encoding="utf-8"))}
        assert len(read) == 5
        assert all(job.groups for job in read.values())
        assert {case: len(list(job.requirements())) for case, job in read.items() if list(job.requirements())} == {
            "hello-world-jobspec.yaml": 1,
            "scheduler/hwloc-amd-jobspec.yaml": 2,
        }


NODE = slot(1, of("node"))


def early(**task: object) -> dict[str, Any]:
    return {"version": 1, "resources": [NODE], "task": {**TASK, **task}}


def needing(**needs: object) -> dict[str, Any]:
    return early(resources={"os": needs})


class TestRefusals:
    """Nothing is left out in silence."""

    @pytest.mark.parametrize(
        ("found", "path", "problem"),
        [
            (v1(), "resources", "found no resources"),
            (v1(of("node")), "resources", "found no slot"),
            (v1(1), "resources[0]", "found 1"),
            (v1(NODE, slot(1, of("core"))), "resources[1].label", "found 's', expected a name of its own"),
            (v1(of("slot", 1, of("core"))), "resources[0].label", "found nothing"),
            (v1(slot(1)), "resources[0].with", "found no resources"),
            (v1(slot(1, slot(1, of("core"), label="t"))), "resources[0].with[0]", "a slot inside a slot"),
            (v1(slot(1, of("core", unit="GB"))), "resources[0].with[0]", "unknown key 'unit'"),
            (v1(slot(1, of("node", 1, requires=[]))), "resources[0].with[0]", "unknown key 'requires'"),
            (v1(slot(1, of("node", exclusive=True), of("core"))), "resources[0].with[0].exclusive", "found true"),
            (v1(slot(1, of("node", exclusive="x"))), "resources[0].with[0].exclusive", "found 'x'"),
            (v1(slot(1, {"count": 1})), "resources[0].with[0].type", "found nothing"),
            (v1(slot(0, of("node"))), "resources[0].count", "found 0"),
            (v1(slot("2+", of("node"))), "resources[0].count", "found '2+'"),
            (v1(slot({"max": 2}, of("node"))), "resources[0].count.min", "found nothing"),
            (v1(slot({"min": True}, of("node"))), "resources[0].count.min", "found True"),
            (v1(slot({"min": 4, "max": 2}, of("node"))), "resources[0].count", "a max of 2 below the min of 4"),
            (v1(slot({"min": 4, "step": 2}, of("node"))), "resources[0].count", "unknown key 'step'"),
            (v1(slot(2**32, of("node", 2**32))), "resources[0].count", "found slots with more than"),
            (v1(of("cluster", 1, NODE), of("node")), "resources", "found a cluster beside"),
            (v1(NODE, tasks=[]), "tasks", "found none"),
            (v1(NODE, tasks={}), "tasks", "found {}"),
            (v1(NODE, tasks=[1]), "tasks[0]", "found 1"),
            (v1(NODE, tasks=[{"command": ["x"]}]), "tasks[0].slot", "found nothing"),
            (v1(NODE, tasks=[{**TASK, "slot": "t"}]), "tasks[0].slot", "unknown slot 't'"),
            (v1(NODE, tasks=[{**TASK, "count": {"per_slot": 2}}]), "tasks[0].count", "found {'per_slot': 2}"),
            (v1(NODE, tasks=[{**TASK, "count": {"total": 1}}]), "tasks[0].count", "found {'total': 1}"),
            (v1(NODE, tasks=[{**TASK, "depends_on": ["x"]}]), "tasks[0]", "unknown key 'depends_on'"),
            (v1(NODE, tasks=[{"slot": "s"}]), "tasks[0].command", "found nothing"),
            (v1(NODE, task=TASK), "task", "found it beside `tasks`"),
            (v1(NODE, groups=[]), "", "unknown key 'groups'"),
            (v1(NODE, version=2), "version", "found 2"),
            (v1(NODE, attributes=1), "attributes", "found 1"),
            (
                v1(NODE, attributes={"system": {"constraints": {"properties": ["gpu"]}}}),
                "attributes.system.constraints",
                "found constraints",
            ),
            ({**HWLOC, "attributes": {"task": 1}}, "attributes.task", "found it taken"),
            (early(command=1), "task.command", "found 1"),
            (early(resources="g"), "task.resources", "found 'g'"),
            (early(resources={"os": "x"}), "task.resources.os", "found 'x'"),
            (early(resources={1: {}}), "task.resources", "found 1"),
            (needing(version=1.1), "task.resources.os.version", 'in YAML, quote it: "1.1"'),
            (needing(match="x"), "task.resources.os.match", "found 'x', expected a list"),
            (needing(match=["x"]), "task.resources.os.match[0]", "found 'x'"),
            (needing(match=[{"type": "=x"}]), "task.resources.os.match[0]", "expected a field before the ="),
            (needing(match=[{"type": 1}]), "task.resources.os.match[0].type", "found 1"),
            (needing(match=[{"type": "x", "like": "y"}]), "task.resources.os.match[0]", "unknown key 'type'"),
            (needing(match=[{"field": "x"}]), "task.resources.os.match[0]", "expected `field` and `match`"),
            (needing(range=[{"field": "x"}]), "task.resources.os.range[0]", "expected `field` and `min` or `max`"),
            (needing(range=[{"type": "x"}]), "task.resources.os.range[0]", "unknown key 'type'"),
        ],
    )
    def test_with_the_path_of_what_cannot_be_said(self, found: dict[str, Any], path: str, problem: str) -> None:
        error = refused(found)
        assert error.path == path
        assert problem in error.problem


def chain(levels: int) -> dict[str, Any]:
    resource = of("core")
    for _ in range(levels - 2):
        resource = of("core", 1, resource)
    return v1(slot(1, resource))


class TestBounds:
    def test_nesting_is_bounded(self) -> None:
        assert read_jobspec(chain(32)).groups
        assert "more than 32 deep" in refused(chain(33)).problem
        assert "more than 32 deep" in refused(chain(900)).problem

    def test_todays_nesting_is_bounded_before_it_is_searched(self) -> None:
        resource: dict[str, Any] = {"type": "core", "requires": [{"name": "a", "field": "b", "value": "c"}]}
        for _ in range(900):
            resource = {"type": "core", "with": [resource]}
        assert "more than 32 deep" in refused({"version": 1, "resources": {"g": resource}}).problem

    def test_aliases_of_aliases_are_counted(self) -> None:
        resource = of("core")
        for _ in range(9):
            resource = of("core", 1, *[resource] * 10)
        assert "more than 10000" in refused(v1(slot(1, resource))).problem
        assert "more than 10000" in refused({"version": 1, "resources": {"g": resource}}).problem

    def test_requirements_are_counted_on_everything_that_carries_them(self) -> None:
        needs = {"os": {f"f{number}": "x" for number in range(200)}}
        document = v1(slot(1, *[of("node")] * 100), tasks=[{**TASK, "resources": needs}])
        assert f"more than {MAX_RESOURCES}" in refused(document).problem


@st.composite
def near_v1(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a document that is nearly V1: each part is what it has to be, or now and then anything at all."""

    def mostly(strategy: st.SearchStrategy[Any]) -> Any:
        junk = st.sampled_from([None, True, 0, 1.5, "x", [], {}, {"min": 1}, [1], {"x": "y"}])
        return draw(junk if draw(st.integers(0, 60)) == 42 else strategy)

    def resource(types: tuple[str, ...], label: str) -> Any:
        found = {"type": mostly(st.just(types[0])), "count": mostly(st.integers(1, 3))}
        if types[0] == "slot":
            found["label"] = mostly(st.just(label))
        if types[1:]:
            beside = draw(st.sampled_from([[], [], ["core"], ["gpu"], ["node"]]))
            found["with"] = mostly(st.just([resource(types[1:], label), *(of(type) for type in beside)]))
        return mostly(st.just(found))

    around = st.sampled_from([(), ("node",), ("rack", "node"), ("rack",), ("socket",), ("node", "socket")])
    inside = st.sampled_from([("core",), ("node",), ("node", "core"), ("socket", "core"), ("rack", "node"), ("slot",)])
    labels = draw(st.sampled_from(["s", "s", "st"]))
    resources = mostly(st.just([resource((*draw(around), "slot", *draw(inside)), label) for label in labels]))
    task = {"command": mostly(st.just(["x"])), "slot": mostly(st.sampled_from(labels))}
    lines = st.sampled_from([{"type": "a=b"}, {"type": "a"}, {"field": "a", "match": "b"}])
    task["resources"] = mostly(st.just({"os": {"match": [mostly(lines)], "c": mostly(st.just("d"))}}))
    return {"version": 1, "resources": resources} | draw(st.sampled_from([{"task": task}, {"tasks": [task, task]}]))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(near_v1())
def test_whatever_is_converted_is_of_todays_dialect(document: dict[str, Any]) -> None:
    before = deepcopy(document)
    with suppress(JobspecError):
        converted, _ = convert(document)
        assert convert(converted) == (converted, ())
        assert read_jobspec(converted) == read_jobspec(document)
        Published(converted)
    assert document == before
