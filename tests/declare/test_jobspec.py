"""Jobspecs are read as clients send them, rendered as servers expect them, and refused where they are wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobspec.core import Jobspec as Published
from jobspec.core.converter import new_simple_jobspec

from pytest_compat.declare.jobspec import MAX_RESOURCES, parse_jobspec, read_jobspec, render_jobspec
from pytest_compat.errors import JobspecError
from pytest_compat.model import Jobspec, Requirement, Resource, Task
from pytest_compat.strategies import jobspecs

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

EXAMPLE = """
version: 1
resources:
  lammps:
    type: node
    replicas: 2
    requires:
    - {name: os, field: os.full, match: rocky8}
    - {name: spack, field: version, min: "0.5.1", max: "0.5.5"}
    with:
    - {type: core, count: 4}
tasks:
- {command: [lmp, -in, in.reaxff.hns], resources: lammps}
attributes: {parameter: {seconds_per_gb: 0.4}}
"""

OS = {"name": "os", "field": "os.full", "match": "rocky8"}
OS_READ = Requirement("os", "os.full", match="rocky8")
TASK = {"command": ["true"], "resources": "g"}


def document(resource: object = None, **more: Any) -> dict[str, Any]:
    return {"version": 1, "resources": {"g": resource or {"type": "node"}}, "tasks": [TASK], **more}


def requiring(line: object) -> dict[str, Any]:
    return document({"type": "node", "requires": [line]})


class TestReading:
    def test_the_example_of_the_dialect(self) -> None:
        assert parse_jobspec(EXAMPLE, name="job") == Jobspec(
            "job",
            {
                "lammps": Resource(
                    "node",
                    2,
                    True,
                    (OS_READ, Requirement("spack", "version", min="0.5.1", max="0.5.5")),
                    (Resource("core", 4),),
                )
            },
            (Task(("lmp", "-in", "in.reaxff.hns"), "lammps"),),
            {"parameter": {"seconds_per_gb": 0.4}},
        )

    def test_json_is_read_as_yaml_is(self) -> None:
        assert parse_jobspec(json.dumps(yaml.safe_load(EXAMPLE))) == parse_jobspec(EXAMPLE)

    def test_a_yaml_flow_mapping_is_not_mistaken_for_json(self) -> None:
        assert parse_jobspec("{version: 1, tasks: []}").groups == {}

    def test_the_simple_jobspec_of_the_published_package(self) -> None:
        read = read_jobspec(new_simple_jobspec("lmp -in x", nodes=3, tasks=2))
        nodes = Resource("node", 3, within=(Resource("core", 2),))
        assert read.groups == {"lmp": Resource("rack", 1, True, within=(nodes,))}
        assert read.tasks == (Task(("lmp", "-in", "x"), "lmp"),)

    def test_groups_no_task_refers_to_are_not_asked_for(self) -> None:
        more = {"g": {"type": "node"}, "idle": {"type": "rack"}}
        assert list(read_jobspec(document(resources=more)).groups) == ["g"]

    def test_count_of_a_group_asks_for_that_many_slots(self) -> None:
        assert read_jobspec(document({"type": "node", "count": 3})).groups["g"] == Resource("node", 3, True)

    def test_tasks_in_groups_run_in_the_resources_of_the_group(self) -> None:
        inner = {"groups": [{"resources": "g", "tasks": [{"command": "true"}]}], "tasks": []}
        assert read_jobspec(document(**inner)).tasks == (Task(("true",), "g"),)

    def test_a_local_task_needs_no_resources(self) -> None:
        assert read_jobspec(document(tasks=[{"command": ["true"], "local": True}])).groups == {}

    def test_what_a_task_requires_is_required_of_its_slot(self) -> None:
        read = read_jobspec(document(requires={"base": [OS]}, tasks=[{**TASK, "requires": "base"}]))
        assert read.groups["g"].requires == (OS_READ,)

    def test_a_block_no_task_names_is_required_of_every_slot(self) -> None:
        assert read_jobspec(document(requires={"base": [OS]})).groups["g"].requires == (OS_READ,)


class TestOlderDialects:
    """That they are read; what becomes of them is in test_dialects.py."""

    @pytest.fixture
    def older(self) -> str:
        """The text of a jobspec that no other test has sent."""
        name = f"secret-{uuid4()}"
        slot = {"type": "slot", "count": 1, "label": name, "with": [{"type": "core"}]}
        return json.dumps({"version": 1, "resources": [slot], "tasks": [{"command": [name], "slot": name}]})

    def test_a_text_is_warned_of_once(self, older: str, caplog: pytest.LogCaptureFixture) -> None:
        assert parse_jobspec(older) == parse_jobspec(older)
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("pytest_compat.declare", "WARNING")
        assert "`resources` as a list with slots" in record.getMessage()

    def test_the_warning_has_nothing_of_the_jobspec(self, older: str, caplog: pytest.LogCaptureFixture) -> None:
        parse_jobspec(older)
        assert "secret" not in caplog.text

    def test_a_parsed_document_is_warned_of(self, older: str, caplog: pytest.LogCaptureFixture) -> None:
        read_jobspec(json.loads(older))
        assert len(caplog.records) == 1

    def test_todays_dialect_is_not_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        parse_jobspec(EXAMPLE)
        assert not caplog.records

    def test_what_is_refused_is_not_warned_of(self, older: str, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(JobspecError):
            parse_jobspec(older.replace('"command"', '"comand"'))
        assert not caplog.records

    def test_an_error_names_the_place_in_what_was_sent(self, older: str) -> None:
        found = json.loads(older)
        found["task"] = {**found.pop("tasks")[0], "command": ["x", 1]}
        with pytest.raises(JobspecError) as caught:
            read_jobspec(found)
        assert caught.value.path == "task.command[1]"


class TestRoundTrip:
    @relaxed
    @given(jobspecs())
    def test_what_is_rendered_is_read_as_it_was(self, job: Jobspec) -> None:
        assert read_jobspec(render_jobspec(job), name=job.name) == job
        assert parse_jobspec(json.dumps(render_jobspec(job)), name=job.name) == job
        assert parse_jobspec(yaml.safe_dump(render_jobspec(job)), name=job.name) == job

    @relaxed
    @given(jobspecs())
    def test_what_is_rendered_is_valid_to_the_published_package(self, job: Jobspec) -> None:
        Published(render_jobspec(job))

    @pytest.mark.parametrize(
        "task", [TASK, {"command": ["true"], "local": True}, {"steps": [{"name": "stage"}], "resources": "g"}]
    )
    def test_tasks_of_every_kind_come_back(self, task: dict[str, Any]) -> None:
        job = read_jobspec(document(tasks=[{**task, "name": "t"}]))
        assert read_jobspec(render_jobspec(job)) == job
        Published(render_jobspec(job))


def deep(levels: int) -> dict[str, Any]:
    resource: dict[str, Any] = {"type": "core"}
    for _ in range(levels - 1):
        resource = {"type": "core", "with": [resource]}
    return document(resource)


def grouped(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"tasks": [TASK]}
    for _ in range(levels):
        inner = {"groups": [inner]}
    return document(**inner)


class TestRefusals:
    @pytest.mark.parametrize("count", [-5, 0, "x", "1", True, 1.0, None, [], 2**63, pytest.param(16**5000, id="huge")])
    @pytest.mark.parametrize("verb", ["count", "replicas"])
    def test_counts_are_whole_and_positive(self, verb: str, count: object) -> None:
        with pytest.raises(JobspecError, match="expected a whole number, 1 or more") as caught:
            read_jobspec(document({"type": "node", "with": [{"type": "core", verb: count}]}))
        assert caught.value.path == f"resources.g.with[0].{verb}"

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ({**OS, "match": True}, 'found True, expected a string (in YAML, quote it: "yes")'),
            ({**OS, "match": 8}, 'found 8, expected a string (in YAML, quote it: "8")'),
            ({**OS, "match": 1.1}, "found 1.1"),
            ({**OS, "match": None}, "found None, expected a string"),
            ({**OS, "match": ["a"]}, "found ['a'], expected a string"),
            ({**OS, "match": 16**5000}, "found a number of 20001 bits"),
            ({**OS, "name": 1}, "found 1"),
            ({**OS, "equals": "x"}, "unknown key 'equals'"),
            ({**OS, "value": "x"}, "unknown key 'value'"),
            ({**OS, "mach": "x"}, "did you mean 'match'?"),
            ({**OS, 1: "x"}, "unknown key '1'"),
            ({**OS, 16**5000: "x"}, "unknown key"),
            ({**OS, "min": "1"}, "either `match`, or `min`"),
            ({"name": "os", "field": "x"}, "either `match`, or `min`"),
            ({"name": "os", "match": "x"}, "found nothing"),
            ({"field": "os", "match": "x"}, "found nothing"),
            ({**OS, "name": ""}, "found nothing"),
            ("os", "found 'os'"),
            (None, "found nothing"),
        ],
    )
    def test_requirements_say_what_they_ask_for(self, line: object, problem: str) -> None:
        with pytest.raises(JobspecError) as caught:
            read_jobspec(requiring(line))
        assert problem in caught.value.problem
        assert caught.value.path.startswith("resources.g.requires[0]")

    @pytest.mark.parametrize(
        ("found", "path", "problem"),
        [
            (None, "", "expected an object"),
            ([], "", "expected an object"),
            ({}, "version", "found None, expected 1"),
            (document(version=2), "version", "found 2"),
            (document(version="1"), "version", "found '1'"),
            (document(version=True), "version", "found True"),
            (document(version=16**5000), "version", "found a number of"),
            (document(resources=[]), "resources", "found no resources"),
            (document(task={}), "resources", "expected a list, as there is a `task`"),
            (document(resources="g"), "resources", "found 'g'"),
            (document(resources={1: {"type": "node"}}), "resources", "found 1"),
            (document(resources={"g": []}), "resources.g", "found []"),
            (document({"count": 1}), "resources.g.type", "found nothing"),
            (document({"type": 1}), "resources.g.type", "found 1"),
            (document({"type": "node", "with": {}, "requires": 1}), "resources.g.requires", "found 1"),
            (document({"type": "node", "with": 1}), "resources.g.with", "found 1"),
            (document(tasks={"a": 1}), "tasks", "expected a list"),
            (document(tasks=[1]), "tasks[0]", "found 1"),
            (document(tasks=[{"command": ["x"]}]), "tasks[0].resources", "found nothing, expected one of g"),
            (document(tasks=[{"command": ["x"], "resources": "gg"}]), "tasks[0].resources", "did you mean 'g'?"),
            (document(tasks=[{"command": ["x"], "resources": {}}]), "tasks[0].resources", "found {}"),
            (document(tasks=[{"resources": "g"}]), "tasks[0].command", "found nothing"),
            (document(tasks=[{**TASK, "command": []}]), "tasks[0].command", "found no words"),
            (document(tasks=[{**TASK, "command": ["x", 1]}]), "tasks[0].command[1]", "found 1"),
            (document(tasks=[{**TASK, "name": 1}]), "tasks[0].name", "found 1"),
            (document(tasks=[{**TASK, "requires": 1}]), "tasks[0].requires", "found 1"),
            (document(tasks=[{**TASK, "requires": "x"}]), "requires", "unknown block of requirements 'x'"),
            (document(requires=[OS]), "requires", "expected an object"),
            (document(requires={1: [OS]}), "requires", "found 1"),
            (document(requires={"x": OS}), "requires.x", "expected a list"),
            (document(groups={"a": 1}), "groups", "expected a list"),
            (document(groups=[1]), "groups[0]", "found 1"),
            (document(groups=[{"resources": "x"}]), "groups[0].resources", "unknown resource group"),
            (document(attributes=[1]), "attributes", "found [1]"),
            (document(name=1), "name", "found 1"),
        ],
    )
    def test_what_is_no_jobspec_is_refused_where_it_is_wrong(self, found: object, path: str, problem: str) -> None:
        with pytest.raises(JobspecError) as caught:
            read_jobspec(found)
        assert caught.value.path == path
        assert problem in caught.value.problem

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "a: b: c",
            "version: 1\n\tx",
            "2021-13-45",
            "2021-02-30T00:00:00Z",
            '!!timestamp "x"',
            '!!bool "x"',
            '!!int ""',
            '!!int "0x"',
            '!!float ""',
            "!!python/object:os.system {}",
            "? [a]\n: b",
            "*nobody",
            "&a [*a]",
            "&a {<<: *a}",
            "a: !!binary x",
            "\0",
            "\ud800",
            "[" * 100_000,
            "- " * 100_000,
            "{a: " * 100_000,
            '{"a":' * 100_000,
            '{"a": ' + "9" * 5000 + "}",
            "version: 0x" + "f" * 100_000,
        ],
        ids=lambda text: repr(text[:20]),
    )
    def test_text_that_is_no_jobspec_is_refused(self, text: str) -> None:
        with pytest.raises(JobspecError) as caught:
            parse_jobspec(text)
        assert len(str(caught.value)) < 1000


class TestBounds:
    @pytest.mark.parametrize(
        ("found", "fits"), [(deep(32), True), (deep(33), False), (grouped(32), True), (grouped(33), False)]
    )
    def test_nesting_is_bounded(self, found: object, fits: bool) -> None:
        if fits:
            read_jobspec(found)
        else:
            with pytest.raises(JobspecError, match="more than 32 deep"):
                read_jobspec(found)

    @pytest.mark.parametrize(
        ("first", "each"), [("[{type: core}]", "[{type: core, with: [%s]}]"), ("[x]", "[%s]"), ("{k: v}", "{<<: [%s]}")]
    )
    @pytest.mark.parametrize("place", ["resources", "attributes", "tasks", "bomb", "version"])
    def test_aliases_of_aliases_are_counted(self, first: str, each: str, place: str) -> None:
        lines = [f"a0: &a0 {first}"]
        for number in range(1, 20):
            inner = ", ".join([f"*a{number - 1}"] * 10)
            lines.append(f"a{number}: &a{number} {each % inner}")
        with pytest.raises(JobspecError):
            parse_jobspec("\n".join([*lines, f"{place}: *a19"]))

    def test_a_few_aliases_are_welcome(self) -> None:
        text = "{version: 1, resources: {g: &g {type: node}, h: *g}, tasks: [&t {command: [x], resources: g}, *t]}"
        assert len(parse_jobspec(text).tasks) == 2

    def test_resources_are_counted(self) -> None:
        with pytest.raises(JobspecError, match=f"more than {MAX_RESOURCES}"):
            read_jobspec(document({"type": "node", "with": [{"type": "core"}] * MAX_RESOURCES}))

    def test_unknown_names_of_any_length_are_refused_at_once(self) -> None:
        names = ["".join(chr(0x4E00 + place * step % 20_000) for place in range(50_000)) for step in (3, 7)]
        found = document(resources={names[0]: {"type": "node"}}, tasks=[{"command": ["x"], "resources": names[1]}])
        with pytest.raises(JobspecError) as caught:
            read_jobspec(found)
        assert len(str(caught.value)) < 1000


def near_jobspecs() -> st.SearchStrategy[object]:
    """Documents that are nearly jobspecs: each part is what it has to be, or anything at all."""
    junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
    line = st.fixed_dictionaries({}, optional={key: st.text(max_size=2) | junk for key in (*OS, "min", "x")}) | junk
    resource = st.deferred(
        lambda: (
            junk
            | st.fixed_dictionaries(
                {"type": st.just("node")},
                optional={
                    "count": st.integers(-1, 3) | junk,
                    "replicas": junk,
                    "requires": st.lists(line, max_size=2) | junk,
                    "with": st.lists(resource, max_size=2) | junk,
                },
            )
        )
    )
    task = st.fixed_dictionaries({}, optional={key: st.just("g") | junk for key in (*TASK, "name", "requires")}) | junk
    return st.fixed_dictionaries(
        {"version": st.just(1), "resources": st.fixed_dictionaries({"g": resource}) | junk},
        optional={
            "tasks": st.lists(task, max_size=2) | junk,
            "groups": st.lists(st.fixed_dictionaries({"tasks": st.lists(task, max_size=2) | junk}) | junk) | junk,
            "requires": st.dictionaries(st.just("g"), st.lists(line, max_size=2) | junk) | junk,
            "attributes": junk,
        },
    )


@relaxed
@given(near_jobspecs())
def test_nothing_but_a_jobspec_error_is_ever_raised(found: object) -> None:
    with suppress(JobspecError):
        read = read_jobspec(found)
        assert read_jobspec(render_jobspec(read), name=read.name) == read


@relaxed
@given(st.text(alphabet="{}[]:-?&*!|>'\"#%,\n 1a<", max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(JobspecError):
        parse_jobspec(text)
