"""Node files: what was found on one node, carried to where the cluster is put together."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.extraction.assemble import read_nodes
from pytest_compat.hosts.extraction.node import SCHEMA, Fact, Node, parse_node, read_node, render_node

FACTS = st.lists(st.builds(Fact, st.text(max_size=3), st.text(max_size=3), st.text(max_size=3)), max_size=3).map(tuple)
NODES = st.builds(
    Node,
    host=st.text(min_size=1, max_size=5),
    sockets=st.lists(st.integers(0, 64), max_size=3).map(tuple),
    memory=st.none() | st.integers(0, 2**40),
    gpus=st.integers(0, 16),
    resources=FACTS,
    subsystems=st.dictionaries(st.sampled_from(["os", "io.archspec", "mpi"]), st.lists(FACTS, max_size=3).map(tuple)),
    notes=st.lists(st.text(max_size=5), max_size=2).map(tuple),
)


def document(**changes: Any) -> dict[str, Any]:
    return {
        **json.loads(render_node(Node("a", (2,), 1024, 0, (), {"os": ((Fact("os.vendor", "x", "y"),),)}))),
        **changes,
    }


@given(NODES)
def test_what_is_written_is_read(node: Node) -> None:
    assert parse_node(render_node(node)) == node


@given(st.recursive(st.none() | st.integers() | st.text(max_size=2), lambda inner: st.lists(inner, max_size=2)))
def test_nothing_but_a_declaration_error_is_raised(junk: object) -> None:
    for key in document():
        with suppress(DeclarationError):
            parse_node(json.dumps(document(**{key: junk})))


@pytest.mark.parametrize(
    ("changes", "path", "problem"),
    [
        ({"schema": "other/1"}, "schema", f"found 'other/1', expected '{SCHEMA}'"),
        ({"host": ""}, "host", "found nothing, expected the name of the host"),
        ({"host": None}, "host", "found nothing"),
        ({"sockets": [-1]}, "sockets[0]", "found -1, expected a whole number from 0"),
        ({"sockets": [True]}, "sockets[0]", "found True"),
        ({"sockets": [60_000, 60_000]}, "sockets", "found 120000 cores"),
        ({"memory": "8G"}, "memory", "found '8G'"),
        ({"gpus": None}, "gpus", "found None"),
        ({"gpus": 10**9}, "gpus", "from 0 to 1000"),
        ({"subsystems": []}, "subsystems", "an object of lists of vertices"),
        ({"subsystems": {"../os": []}}, "subsystems", "found '../os', expected the name of a subsystem"),
        ({"subsystems": {"os": [[{"field": "a", "value": 1, "origin": ""}]]}}, "subsystems.os[0][0].value", "found 1"),
        ({"resources": [1]}, "resources[0]", "found 1"),
        ({"notes": None}, "notes", "found nothing"),
    ],
)
def test_what_is_no_node_is_refused(tmp_path: Path, changes: dict[str, Any], path: str, problem: str) -> None:
    file = tmp_path / "node.json"
    file.write_text(json.dumps(document(**changes)))
    with pytest.raises(DeclarationError) as caught:
        read_node(file)
    assert (caught.value.source, caught.value.path) == (str(file), path)
    assert problem in caught.value.problem


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": NaN}'])
def test_what_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "node.json"
    file.write_text(text)
    with pytest.raises(DeclarationError, match=r"node\.json: found"):
        read_node(file)


def write(folder: Path, *hosts: str) -> list[Path]:
    paths = [folder / f"node-{number}.json" for number in range(len(hosts))]
    for path, host in zip(paths, hosts, strict=True):
        path.write_text(render_node(Node(host, (1,), None, 0, (), {})), encoding="utf-8")
    return paths


def test_four_files_of_two_hosts_are_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, "blue-0", "blue-1", "blue-0", "blue-1")
    with pytest.raises(DeclarationError) as caught:
        read_nodes(paths)
    assert str(caught.value).startswith(f"{paths[2]}: found the host 'blue-0' a second time (the first: {paths[0]})")


def test_four_files_of_two_hosts_are_four_nodes_when_told_so(tmp_path: Path) -> None:
    paths = write(tmp_path, "blue-0", "blue-1", "blue-0", "blue-1")
    assert [node.host for node in read_nodes(paths, same_host=True)] == ["blue-0", "blue-0", "blue-1", "blue-1"]


def test_one_file_given_twice_is_refused(tmp_path: Path) -> None:
    (path,) = write(tmp_path, "blue-0")
    with pytest.raises(DeclarationError, match="a second time"):
        read_nodes([path, path])


def test_the_order_of_files_says_nothing(tmp_path: Path) -> None:
    paths = write(tmp_path, "b", "c", "a")
    assert read_nodes(paths) == read_nodes(paths[::-1])
    assert [node.host for node in read_nodes(paths)] == ["a", "b", "c"]
