"""A jobspec as the work it is: names, order, groups, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_compat.declare import published
from pytest_compat.declare.commands import MAX_COMMAND, MAX_WORD
from pytest_compat.declare.workflow import MAX_TEXT, Workflow, WorkGroup, WorkTask, parse_workflow, read_workflow
from pytest_compat.errors import JobspecError

G = {"type": "node", "with": [{"type": "core", "count": 2}]}


def task(name: str = "", *after: str, **more: Any) -> dict[str, Any]:
    said = {"command": ["true"], "resources": "g", **more}
    return {**said, **({"name": name} if name else {}), **({"depends_on": list(after)} if after else {})}


def document(*tasks: object, **more: Any) -> dict[str, Any]:
    return {"version": 1, "resources": {"g": G}, "tasks": list(tasks), **more}


def group(name: str, *tasks: object, **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": "g", "tasks": list(tasks), **more}


def after(workflow: Workflow) -> dict[str, tuple[str, ...]]:
    """What everything waits for, by path."""
    return {"/".join(member.path): member.after for member in workflow.every()}


def only_task(**said: Any) -> WorkTask:
    (member,) = read_workflow(document(task(**said))).members
    assert isinstance(member, WorkTask)
    return member


class TestOrder:
    def test_each_comes_after_what_it_waits_for(self) -> None:
        read = read_workflow(document(task("c", "b"), task("b", "a"), task("a"), task("d")))
        assert [member.path for member in read.members] == [("a",), ("d",), ("b",), ("c",)]
        assert after(read) == {"a": (), "b": ("a",), "c": ("b",), "d": ()}

    def test_a_group_runs_where_a_task_has_it(self) -> None:
        inner = group("two", task())
        read = read_workflow(document(groups=[group("one", task(), {"group": "two", "depends_on": []}), inner]))
        assert list(after(read)) == ["one", "one/one-task-0", "one/two", "one/two/two-task-0"]

    def test_a_group_that_no_task_has_runs_where_it_is_declared(self) -> None:
        read = read_workflow(document(task("x"), groups=[group("a", task("y"), groups=[group("b", task("z"))])]))
        assert list(after(read)) == ["x", "a", "a/y", "a/b", "a/b/z"]

    def test_groups_wait_for_tasks_and_tasks_for_groups(self) -> None:
        read = read_workflow(document(task("x"), task("z", "a"), groups=[group("a", task("y"), depends_on=["x"])]))
        assert after(read) == {"x": (), "a": ("x",), "a/y": (), "z": ("a",)}

    def test_a_reference_may_wait_and_have_a_name(self) -> None:
        read = read_workflow(
            document(
                task("x"), {"group": "a", "name": "n", "depends_on": ["x"]}, task("z", "n"), groups=[group("a", task())]
            )
        )
        assert after(read)["a"] == ("x",)
        assert after(read)["z"] == ("a",)

    def test_what_waits_for_something_outside_its_group_has_the_group_wait(self) -> None:
        read = read_workflow(document(groups=[group("a", task("y", "x"), task("w", "y"))], tasks=[task("x")]))
        assert after(read) == {"x": (), "a": ("x",), "a/y": (), "a/w": ("y",)}

    def test_names_beside_go_before_names_around(self) -> None:
        read = read_workflow(document(task("x"), groups=[group("a", task("x"), task("y", "x"))]))
        assert after(read) == {"x": (), "a": (), "a/x": (), "a/y": ("x",)}

    def test_replicas_are_waited_for_all(self) -> None:
        read = read_workflow(document(task("a", replicas=2), task("b", "a", replicas=2)))
        assert after(read) == {"a.0": (), "a.1": (), "b.0": ("a.0", "a.1"), "b.1": ("a.0", "a.1")}

    def test_tasks_without_a_name_get_one_that_is_free(self) -> None:
        assert list(after(read_workflow(document(task("task-1"), task())))) == ["task-1", "task-1-0"]

    @given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14), st.permutations(range(8)))
    @settings(deadline=None)
    def test_an_order_is_found_exactly_when_there_is_one(self, edges: set[tuple[int, int]], order: list[int]) -> None:
        reachable = set(edges)
        for middle in range(8):
            for one, two in [(a, b) for a, m in reachable if m == middle for n, b in reachable if n == middle]:
                reachable.add((one, two))
        tasks = [task(str(each), *(str(b) for a, b in sorted(edges) if a == each)) for each in order]
        if any(a == b for a, b in reachable):
            with pytest.raises(JobspecError, match="found a cycle"):
                read_workflow(document(*tasks))
        else:
            found = [int(member.path[0]) for member in read_workflow(document(*tasks)).members]
            assert sorted(found) == list(range(8))
            assert all(found.index(b) < found.index(a) for a, b in edges)


class TestTasks:
    @pytest.mark.parametrize(
        ("command", "words"),
        [
            (["a b", "$c"], ("a b", "$c")),
            ("echo 'a b' c", ("echo", "a b", "c")),
            ("#!/bin/bash\necho $1\n", ("/bin/bash", "-c", "#!/bin/bash\necho $1\n")),
            ("#!/usr/bin/env python3\nprint(1)", ("/usr/bin/env", "python3", "-c", "#!/usr/bin/env python3\nprint(1)")),
        ],
    )
    def test_a_command_is_words_or_a_line_or_a_script(self, command: object, words: tuple[str, ...]) -> None:
        assert only_task(command=command).command == words

    def test_attributes_of_the_task_go_before_those_of_the_job(self) -> None:
        mine = {"duration": 0, "environment": {"A": "1", "B": 2}}
        theirs = {
            "duration": 9,
            "cwd": "/x",
            "environment": {"A": "0", "C": "3"},
            "system": {"environment": {"D": "4"}},
        }
        (found,) = read_workflow(document(task(attributes=mine), attributes=theirs)).members
        assert isinstance(found, WorkTask)
        assert found.environment == {"A": "1", "B": "2", "C": "3", "D": "4"}
        assert (found.seconds, found.folder) == (None, "/x")

    def test_the_attributes_of_flux_hold_where_nothing_else_is_said(self) -> None:
        (found,) = read_workflow(document(task(), attributes={"system": {"duration": 3.5}})).members
        assert isinstance(found, WorkTask)
        assert found.seconds == 3.5

    def test_a_task_that_submits_scripts_is_a_task_for_each(self) -> None:
        steps = [{"step": "set", "key": "x"}]
        steps += [{"step": "submit", "filename": "a.sh", "watch": True}, {"step": "submit", "filename": "a.sh"}]
        one = {"slot": "s", "transform": steps, "scripts": [{"name": "a.sh", "content": "#!/bin/sh\nls"}]}
        slot = {"type": "slot", "label": "s", "with": [{"type": "core"}]}
        read = read_workflow({"version": 1, "resources": [slot], "task": one})
        assert after(read) == {"a.sh": (), "a.sh-1": ("a.sh",)}


class TestRefusals:
    @pytest.mark.parametrize(
        ("found", "path", "problem"),
        [
            (document(task("a", "b"), task("b", "a")), ".depends_on", "found a cycle ('"),
            (document(task("a", "a")), "tasks[0].depends_on", "found a cycle ('a' -> 'a'), expected none"),
            (document(groups=[group("a", {"group": "a"})]), "groups[0].tasks[0].group", "group 'a' inside itself"),
            (
                document(groups=[group("a", {"group": "b"}), group("b", {"group": "a"})]),
                "groups[1].tasks[0].group",
                "inside itself",
            ),
            (document(groups=[group("a", task("x", "a"))]), "groups[0].tasks[0].depends_on[0]", "that it is in"),
            (
                document(task("x", "a"), groups=[group("a", task("y", "x"))]),
                ".depends_on",
                "found a cycle",
            ),
            (document(task("a"), task("b", "c")), "tasks[1].depends_on[0]", "unknown task or group 'c'"),
            (document(task("a"), task("b", "A")), "tasks[1].depends_on[0]", "did you mean 'a'?"),
            (document(task("a"), task("a")), "tasks[1].name", "found 'a' twice"),
            (document(task("a"), groups=[group("a", task())]), "groups[0].name", "found 'a' twice"),
            (document(groups=[group("a", task()), group("a", task())]), "groups[1].name", "found group 'a' twice"),
            (document(task("a", replicas=2), task("a.1")), "tasks[1].name", "found 'a.1' twice"),
            (document({"group": "x"}), "tasks[0].group", "unknown group 'x' (known: none)"),
            (document({"group": "a"}, {"group": "a"}, groups=[group("a", task())]), "tasks[1].group", "a second time"),
            (
                document({"group": "a", "command": ["x"]}, groups=[group("a", task())]),
                "tasks[0]",
                "unknown key 'command'",
            ),
            (document(task(resources="h")), "tasks[0].resources", "unknown resource group 'h'"),
            (document({"command": ["x"]}), "tasks[0].resources", "found nothing, expected one of g"),
            (
                document(groups=[{"name": "a", "tasks": [task()]}]),
                "groups[0].resources",
                "found nothing, expected one of g",
            ),
            (document(task(command=[])), "tasks[0].command", "found no words"),
            (document(task(command="")), "tasks[0].command", "found no words"),
            (document(task(command="  ")), "tasks[0].command", "found no words"),
            (document(task(command=[""])), "tasks[0].command[0]", "found '', expected a program"),
            (document(task(command=["--setattr=x", "y"])), "tasks[0].command[0]", "expected a program"),
            (document(task(command=["A=b", "y"])), "tasks[0].command[0]", "found 'A=b', expected a program"),
            (document(task(command="a 'b")), "tasks[0].command", "expected words that a shell would take"),
            (document(task(command="#!/bin/awk\nx")), "tasks[0].command", "expected #! and a shell or Python"),
            (document(task(command=["a", "b\0"])), "tasks[0].command[1]", "expected text without a NUL"),
            (document(task(command=["a", "\ud800"])), "tasks[0].command[1]", "expected text that UTF-8 has bytes for"),
            (document(task(command=["a", "b" * 2**17])), "tasks[0].command[1]", f"expected {MAX_WORD} at most"),
            (
                document(task(command="x " * 600_000)),
                "tasks[0].command",
                f"found 1200000 bytes, expected {MAX_COMMAND} at",
            ),
            (document(task(replicas=0)), "tasks[0].replicas", "0"),
            (document(task(replicas=1.5)), "tasks[0].replicas", "found 1.5, expected a whole number, 1 or more"),
            (document(task(replicas=10**9)), "tasks[0]", "found more than 10000 tasks and groups"),
            (document(task("a", replicas=4000), task("b", "a", replicas=4000)), "tasks[1].depends_on[0]", "more than"),
            (document(task(steps=[{"name": "stage"}])), "tasks[0].steps", "found steps"),
            (document(task(comand=["x"])), "tasks[0]", "unknown key 'comand', did you mean 'command'?"),
            (document(task(name="a\nb")), "tasks[0].name", "expected printable characters"),
            (document(), "tasks", "found no tasks"),
            (document(groups=[group("a")]), "groups[0].tasks", "found no tasks"),
            (document(task(), atributes={}), "", "unknown key 'atributes'"),
            (document(task(attributes={"duration": -1})), "tasks[0].attributes.duration", "found -1"),
            (document(task(attributes={"duration": float("nan")})), "tasks[0].attributes.duration", "found nan"),
            (document(task(attributes={"environment": {"A=": "x"}})), "tasks[0].attributes.environment", "has no ="),
            (
                document(task(attributes={"environment": {"A": True}})),
                "tasks[0].attributes.environment.A",
                'quote it: "yes"',
            ),
            (document(task(attributes={"cwd": 1})), "tasks[0].attributes.cwd", "found 1"),
            (document(task(), resources={"g": {"type": "node", "count": 0}}), "resources.g.count", "found 0"),
        ],
    )
    def test_what_cannot_be_run_is_refused_where_it_is_wrong(self, found: object, path: str, problem: str) -> None:
        with pytest.raises(JobspecError) as caught:
            read_workflow(found)
        assert caught.value.path.endswith(path)
        assert problem in caught.value.problem

    @pytest.mark.parametrize("chained", [30, 40])
    def test_groups_in_groups_are_bounded_also_by_reference(self, chained: int) -> None:
        groups = [group(f"g{each}", {"group": f"g{each + 1}"}) for each in range(chained)]
        found = document(groups=[*groups, group(f"g{chained}", task())])
        if chained <= 31:
            assert len(list(read_workflow(found).every())) == chained + 2
        else:
            with pytest.raises(JobspecError, match="found groups more than 32 deep"):
                read_workflow(found)

    @pytest.mark.parametrize(
        ("steps", "path", "problem"),
        [
            ([{"step": "submit", "filename": "b.sh"}], "task.transform[0].filename", "unknown script 'b.sh'"),
            ([{"step": "launch", "filename": "a.sh"}], "task.transform[0].step", "unknown step 'launch'"),
            ([{"step": "write", "filename": "a.sh"}], "task.transform", "found no step `submit`"),
            (["x"], "task.transform[0]", "found 'x'"),
        ],
    )
    def test_steps_of_older_tasks_are_refused_where_they_are_wrong(
        self, steps: object, path: str, problem: str
    ) -> None:
        one = {"slot": "s", "transform": steps, "scripts": [{"name": "a.sh", "content": "#!/bin/sh\nls"}]}
        slot = {"type": "slot", "label": "s", "with": [{"type": "core"}]}
        with pytest.raises(JobspecError) as caught:
            read_workflow({"version": 1, "resources": [slot], "task": one})
        assert (caught.value.path, problem in caught.value.problem) == (path, True)

    @settings(deadline=None)
    @given(st.data())
    def test_nothing_but_a_jobspec_error_is_ever_raised(self, data: st.DataObject) -> None:
        junk = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
        name = st.sampled_from(["a", "b", "g"])
        any_task = st.fixed_dictionaries(
            {},
            optional={
                "command": st.just(["x"]) | junk,
                "resources": st.just("g") | junk,
                "name": name | junk,
                "group": name | junk,
                "depends_on": st.lists(name | junk, max_size=2) | junk,
                "replicas": st.integers(0, 3) | junk,
                "local": junk,
                "steps": junk,
                "attributes": st.dictionaries(st.sampled_from(["duration", "cwd", "environment", "system"]), junk)
                | junk,
            },
        )
        tasks = st.lists(any_task | junk, max_size=3) | junk
        any_group = st.fixed_dictionaries({"tasks": tasks}, optional={"name": name | junk, "resources": st.just("g")})
        found = data.draw(
            st.fixed_dictionaries(
                {"version": st.just(1), "resources": st.just({"g": G}), "tasks": tasks},
                optional={"groups": st.lists(any_group | junk, max_size=2) | junk, "attributes": junk},
            )
        )
        with suppress(JobspecError):
            read_workflow(found)


class TestSize:
    def test_more_than_the_limit_is_refused_unread(self) -> None:
        with pytest.raises(JobspecError, match=f"expected {MAX_TEXT} at most"):
            parse_workflow(" " * (MAX_TEXT + 1))

    def test_ten_megabytes_of_tasks_are_read(self) -> None:
        tasks = [task(str(each), *([str(each - 1)] if each else []), command=["x", "y" * 1500]) for each in range(5000)]
        text = json.dumps(document(*tasks))
        padded = text + " " * (10_000_000 - len(text))
        assert len(parse_workflow(padded).members) == 5000

    def test_ten_megabytes_in_one_word_are_refused(self) -> None:
        with pytest.raises(JobspecError, match=f"expected {MAX_WORD} at most") as caught:
            parse_workflow(json.dumps(document(task(command=["x", "y" * 10_000_000]))))
        assert len(str(caught.value)) < 300


class TestPublishedSchema:
    def test_what_only_it_refuses_is_refused_with_the_place(self) -> None:
        with pytest.raises(JobspecError, match="expected what the published schema says: minItems 1") as caught:
            read_workflow(document(task(), resources={"g": {"type": "node", "with": []}}))
        assert caught.value.path == "resources.g.with"

    def test_names_that_its_pattern_hangs_on_are_held_to_it(self) -> None:
        name = "1" * 60 + "-"
        with pytest.raises(JobspecError) as caught:
            read_workflow(document(task(resources=name), resources={name: {"type": "node", "schedule": 1}}))
        assert caught.value.path == f"resources.{name}.schedule"

    def test_it_is_not_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "jobspec.schema", None)
        published._validator.cache_clear()
        try:
            read_workflow(document(task(), resources={"g": {"type": "node", "with": []}}))
        finally:
            published._validator.cache_clear()


def test_the_published_jobspecs_are_workflows() -> None:
    folder = os.environ.get("COMPAT_DATA")
    if folder is None:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    cases = json.loads(Path(folder, "jobspec", "transform_cases.json").read_text(encoding="utf-8"))
    found = {case["case"].split("/")[-1]: read_workflow(case["jobspec"]) for case in cases}
    assert {name: after(workflow) for name, workflow in found.items()} == {
        "jobspec.yaml": {"task-1": (), "task-2": ("task-1",)},
        "group-with-group.yaml": {
            "group-1": (),
            "group-1/group-1-task-0": (),
            "group-1/group-2": (),
            "group-1/group-2/group-2-task-0": (),
        },
        "hello-world-jobspec.yaml": {"task-1": (), "task-2": ()},
        "jobspec-spack.yaml": {"build": (), "ior": ("build",)},
        "hwloc-amd-jobspec.yaml": {"job.sh": ()},
    }
    assert isinstance(found["group-with-group.yaml"].members[0], WorkGroup)
