"""Whatever a client sends is answered: what is wrong with INVALID_ARGUMENT and a path, what is not there as such."""

import json
from itertools import count, pairwise

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import SECRET, Client, Registration, jgf, jobspec, machine, needs, nodes, on, refusal

from pytest_compat.rainbow.proto import rainbow_pb2
from pytest_compat.rainbow.server import MAX_MESSAGE, MESSAGE_LIMITS, Server, ServerOptions

NODE = {"metadata": {"type": "node"}}
MEGABYTE = "x" * 2**20


def graph(nodes=None, edges=()):
    return json.dumps({"graph": {"nodes": {"n": NODE} if nodes is None else nodes, "edges": edges}})


def edge(source, target, relation="contains"):
    return {"source": source, "target": target, "relation": relation}


def ring(length):
    ids = [f"v{number}" for number in range(length)]
    return graph(dict.fromkeys(ids, NODE), [edge(a, b) for a, b in zip(ids, ids[1:] + ids[:1], strict=True)])


def chain(length):
    ids = [f"v{number}" for number in range(length)]
    return graph(dict.fromkeys(ids, NODE), [edge(a, b) for a, b in pairwise(ids)])


def spec(**changed):
    return json.dumps(jobspec() | changed)


def resource(**changed):
    return spec(resources={"group0": nodes() | changed})


def bomb(place):
    """Return a YAML jobspec of nine levels of aliases, nine each, at some place."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    parts = {"version": "1", "resources": "{g: {type: node}}", "tasks": "[{command: [x], resources: g}]"}
    return "\n".join([*levels, *(f"{key}: {value}" for key, value in (parts | {place: "*a8"}).items())])


GRAPHS = {
    "nothing": ("", "nodes"),
    "no JSON": ("{", "nodes"),
    "a number": ("1", "nodes"),
    "a list": ("[]", "nodes"),
    "null": ("null", "nodes"),
    "NaN": ('{"graph": NaN}', "nodes"),
    "no graph": ("{}", "nodes: graph"),
    "a graph of text": ('{"graph": "x"}', "nodes: graph"),
    "no nodes": ('{"graph": {}}', "nodes: graph.nodes"),
    "an empty graph": (graph({}), "nodes: graph.nodes"),
    "an empty list of nodes": (graph([]), "nodes: graph.nodes"),
    "nodes of text": (graph("x"), "nodes: graph.nodes"),
    "a node of text": (graph({"n": "x"}), "nodes: graph.nodes.n"),
    "a node without metadata": (graph({"n": {}}), "nodes: graph.nodes.n.metadata"),
    "a node without type": (graph({"n": {"metadata": {}}}), "nodes: graph.nodes.n.metadata.type"),
    "a type that is a number": (graph({"n": {"metadata": {"type": 4}}}), "nodes: graph.nodes.n.metadata.type"),
    "a listed node without id": (graph([NODE]), "nodes: graph.nodes[0].id"),
    "a node listed twice": (graph([NODE | {"id": "n"}] * 2), "nodes: graph.nodes[1].id"),
    "edges of text": (graph(edges="x"), "nodes: graph.edges"),
    "an edge of text": (graph(edges=["x"]), "nodes: graph.edges[0]"),
    "an edge without target": (graph(edges=[{"source": "n"}]), "nodes: graph.edges[0].target"),
    "an edge of another relation": (graph(edges=[edge("n", "n", "likes")]), "nodes: graph.edges[0].relation"),
    "an edge to nowhere": (graph(edges=[edge("n", "x")]), "nodes: graph.edges[0].target"),
    "an edge from nowhere": (graph(edges=[edge("x", "n")]), "nodes: graph.edges[0].source"),
    "a loop": (ring(1), "nodes: graph.edges"),
    "a cycle": (ring(3), "nodes: graph.edges"),
    "a long cycle": (ring(5000), "nodes: graph.edges"),
    "two containers": (
        graph(dict.fromkeys("abc", NODE), [edge("a", "c"), edge("b", "c")]),
        "nodes: graph.edges",
    ),
    "a deep graph": (chain(5000), "nodes: graph.edges"),
    "deep JSON": ("[" * 100_000, "nodes"),
    "deep metadata": ('{"graph": {"nodes": {"n": ' + '{"metadata": ' * 50_000, "nodes"),
    "a size of text": (graph({"n": {"metadata": {"type": "node", "size": "4"}}}), "nodes: graph.nodes.n.metadata.size"),
    "a size below 0": (graph({"n": {"metadata": {"type": "node", "size": -1}}}), "nodes: graph.nodes.n.metadata.size"),
    "half a node": (graph({"n": {"metadata": {"type": "node", "size": 0.5}}}), "nodes: graph.nodes.n.metadata.size"),
    "a truth for a size": (
        graph({"n": {"metadata": {"type": "node", "size": True}}}),
        "nodes: graph.nodes.n.metadata.size",
    ),
    "a size of 5000 digits": (graph({"n": {"metadata": {"type": "node", "size": 1}}})[:-20] + "9" * 5000, "nodes"),
    "half a character": (graph({"\ud800": {}}), "nodes: graph.nodes.\\ud800.metadata"),
    "a NUL": (graph({"\0": {}}), "nodes: graph.nodes.\0.metadata"),
    "a long id": (graph({MEGABYTE: {}}), "nodes: graph.nodes.xxx"),
    "a megabyte of nothing": (MEGABYTE, "nodes"),
}

ONLY_OF_CLUSTERS = {"two containers", "a deep graph"}
SUBSYSTEMS = {what: graph for what, graph in GRAPHS.items() if what not in ONLY_OF_CLUSTERS}

JOBSPECS = {
    "nothing": ("", ""),
    "no YAML": ("{", ""),
    "a word": ("x", ""),
    "a list": ("[]", ""),
    "an unknown tag": ("!!python/object:os.system {}", ""),
    "a tab": ("\t{", ""),
    "a NUL": ("\0", ""),
    "an undefined alias": ("version: *x", ""),
    "an alias to itself": ("&a [*a]", ""),
    "deep JSON": ('{"a":' * 100_000, ""),
    "deep YAML": ("[" * 100_000, ""),
    "deep YAML blocks": ("- " * 100_000, ""),
    "a version of 5000 digits": ('{"version": ' + "9" * 5000 + "}", ""),
    "no version": ("{}", "version"),
    "another version": (spec(version=2), "version"),
    "a version of text": (spec(version="1"), "version"),
    "a true version": (spec(version=True), "version"),
    "an older dialect": (spec(resources=[]), "resources"),
    "resources of text": (spec(resources="x"), "resources"),
    "a resource of text": (spec(resources={"a": "x"}), "resources.a"),
    "a name that is a number": ("{version: 1, resources: {1: {type: node}}, tasks: []}", "resources"),
    "no type": (spec(resources={"a": {}}), "resources.a.type"),
    "a type that is a number": (resource(type=4), "resources.group0.type"),
    "no replicas": (resource(replicas=0), "resources.group0.replicas"),
    "fewer than no replicas": (resource(replicas=-1), "resources.group0.replicas"),
    "replicas of text": (resource(replicas="x"), "resources.group0.replicas"),
    "true replicas": (resource(replicas=True), "resources.group0.replicas"),
    "half a replica": (resource(replicas=0.5), "resources.group0.replicas"),
    "a count below 0": (resource(**{"with": [{"type": "core", "count": -5}]}), "resources.group0.with[0].count"),
    "a huge count": (resource(**{"with": [{"type": "core", "count": 10**30}]}), "resources.group0.with[0].count"),
    "a count of infinity": ("{version: 1, resources: {a: {type: x, count: .inf}}, tasks: []}", "resources.a.count"),
    "with of text": (resource(**{"with": "x"}), "resources.group0.with"),
    "requires of text": (resource(requires="x"), "resources.group0.requires"),
    "a requirement of text": (resource(requires=["x"]), "resources.group0.requires[0]"),
    "no field": (resource(requires=[{"name": "os", "match": "x"}]), "resources.group0.requires[0].field"),
    "no subsystem": (resource(requires=[{"field": "os", "match": "x"}]), "resources.group0.requires[0].name"),
    "no verb": (resource(requires=[{"name": "os", "field": "x"}]), "resources.group0.requires[0]"),
    "an unknown verb": (resource(requires=[needs("os", "x", like="y")]), "resources.group0.requires[0]"),
    "value and range": (resource(requires=[needs("os", "x", "1", min="1")]), "resources.group0.requires[0]"),
    "a value that is a number": (resource(requires=[needs("os", "x", 1.1)]), "resources.group0.requires[0].match"),
    "a bound that is a number": (resource(requires=[needs("os", "x", min=1)]), "resources.group0.requires[0].min"),
    "tasks of text": (spec(tasks="x"), "tasks"),
    "a task of text": (spec(tasks=["x"]), "tasks[0]"),
    "a task without command": (spec(tasks=[{"resources": "group0"}]), "tasks[0].command"),
    "a command of numbers": (spec(tasks=[{"command": [1], "resources": "group0"}]), "tasks[0].command[0]"),
    "an unknown group": (spec(tasks=[{"command": ["x"], "resources": "other"}]), "tasks[0].resources"),
    "no group": (spec(tasks=[{"command": ["x"]}]), "tasks[0].resources"),
    "top-level requires of text": (spec(requires="x"), "requires"),
    "half a character": (spec(resources={"\ud800": {}}), "resources.\\ud800.type"),
    "a long name": (spec(resources={MEGABYTE: {}}), "resources.xxx"),
    "a bomb for a version": (bomb("version"), ""),
    "a bomb for resources": (bomb("resources"), ""),
    "a bomb for tasks": (bomb("tasks"), ""),
}

NAMES = {
    "empty": "",
    "long": "x" * 254,
    "very long": MEGABYTE,
    "NUL": "a\0b",
    "newline": "a\nb",
    "escape": "\x1b[31m",
    "left to right": "a\u202eb",
}


@pytest.fixture
def cat(rainbow):
    rainbow.add("cat")
    return rainbow


def invalid(call, *args, **kwargs):
    """Return the details of an INVALID_ARGUMENT."""
    code, details = refusal(call, *args, **kwargs)
    assert code.name == "INVALID_ARGUMENT", details
    return details


@pytest.mark.parametrize(("text", "path"), GRAPHS.values(), ids=GRAPHS)
def test_a_bad_graph_of_a_cluster(rainbow, text, path):
    assert invalid(rainbow.register, "cat", text).startswith(path)


@pytest.mark.parametrize(("text", "path"), SUBSYSTEMS.values(), ids=SUBSYSTEMS)
def test_a_bad_graph_of_a_subsystem(cat, text, path):
    assert invalid(cat.register_subsystem, "cat", "os", text).startswith(path)


def test_a_subsystem_may_be_deep(cat):
    length = 5000
    vertices = {f"v{n}": {"type": "x", "depth": n} for n in range(length)}
    text = jgf(vertices, "n0 v0", *(f"v{n} v{n + 1}" for n in range(length - 1)))
    assert cat.register_subsystem("cat", "os", text).status == Registration.REGISTER_SUCCESS
    assert cat.candidates(nodes(1, needs("os", "depth", "0"))) == ["cat"]


def test_a_subsystem_may_have_more_paths_than_can_be_walked(cat):
    length = 100
    vertices = {f"{side}{n}": {"type": "x", "depth": n} for n in range(length) for side in "ab"}
    rungs = [f"{a}{n} {b}{n + 1}" for n in range(length - 1) for a in "ab" for b in "ab"]
    text = jgf(vertices, "n0 a0", "n0 b0", *rungs)
    assert cat.register_subsystem("cat", "os", text).status == Registration.REGISTER_SUCCESS
    assert cat.candidates(nodes(1, needs("os", "depth", "0"))) == ["cat"]


def test_an_edge_of_a_subsystem_back_into_the_cluster(cat):
    text = jgf({"s": "software"}, "s n0")
    assert invalid(cat.register_subsystem, "cat", "os", text).startswith("nodes: graph.edges[0].target")


@pytest.mark.parametrize(("text", "path"), JOBSPECS.values(), ids=JOBSPECS)
def test_a_bad_jobspec_to_satisfy(cat, text, path):
    assert invalid(cat.satisfy, text).startswith(f"payload: {path}")


@pytest.mark.parametrize(("text", "path"), JOBSPECS.values(), ids=JOBSPECS)
def test_a_bad_jobspec_to_submit(cat, text, path):
    assert invalid(cat.submit, "cat", spec=text).startswith(f"jobspec: {path}")
    assert list(cat.receive("cat").jobs) == []


def test_a_bad_jobspec_is_no_contention(cat):
    assert invalid(cat.submit, "cat", spec="{}", satisfy_only=True).startswith("jobspec: version")


def test_who_has_no_token_is_denied_before_the_jobspec_is_read(cat):
    denied = cat.submit("cat", spec="{", tokens={})
    assert denied.status == rainbow_pb2.SubmitJobResponse.SUBMIT_DENIED


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_bad_name_of_a_cluster(rainbow, name):
    assert invalid(rainbow.register, name).startswith("name: found ")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_bad_name_of_a_subsystem(cat, name):
    assert invalid(cat.register_subsystem, "cat", name, on("n0")).startswith("subsystem: found ")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_bad_name_of_a_job(cat, name):
    assert invalid(cat.submit, "cat", name=name).startswith("name: found ")


def test_an_unknown_matcher(cat):
    assert invalid(cat.satisfy, matcher="best").startswith("matcher: unknown matcher 'best'")


def test_an_unknown_selection(cat):
    assert invalid(cat.submit, "cat", select_algorithm="fair").startswith("select_algorithm: unknown selection 'fair'")


def test_an_error_is_short_whatever_was_sent(cat):
    assert len(invalid(cat.satisfy, matcher=MEGABYTE)) < 1000
    assert len(invalid(cat.submit, "cat", select_algorithm=MEGABYTE)) < 1000


def test_megabytes_of_what_is_right_are_right(cat):
    long = "☃" * 2**20
    assert cat.register_subsystem("cat", "os", on("n0", field=long)).status == Registration.REGISTER_SUCCESS
    assert cat.candidates(nodes(1, needs("os", "field", long))) == ["cat"]
    assert cat.submit("cat", spec=jobspec(attributes={"x": long})).cluster == "cat"
    assert len(cat.receive("cat").jobs) == 1


def test_half_a_character_in_a_value_is_a_value(cat):
    assert cat.register_subsystem("cat", "os", on("n0", version="\ud800")).status == Registration.REGISTER_SUCCESS
    assert cat.candidates(nodes(1, needs("os", "version", "\ud800"))) == ["cat"]
    assert cat.submit("cat", spec=json.dumps(jobspec() | {"attributes": {"x": "\udfff"}})).cluster == "cat"
    assert len(cat.receive("cat").jobs) == 1


def test_a_graph_of_many_vertices_is_read(rainbow):
    rainbow.add("cat", machine(nodes=2000, cores=4))
    assert rainbow.candidates(nodes(2000)) == ["cat"]
    assert rainbow.candidates(nodes(2001)) == []


def test_huge_numbers_are_numbers(rainbow):
    rainbow.add("cat", jgf({"n": "node", "k": {"type": "core", "size": 10**100}}, "n k"))
    assert rainbow.candidates(nodes(1, **{"with": [{"type": "core", "count": 2**63 - 1}]})) == ["cat"]
    assert rainbow.candidates(nodes(2**63 - 1)) == []


def test_many_requests_side_by_side_are_answered(cat):
    kinds = [{"type": "core", "count": 1, "requires": [needs("os", "x", str(number))]} for number in range(60)]
    assert cat.candidates(nodes(1, **{"with": kinds})) == []


def test_a_message_beyond_the_limit_is_refused_by_name(cat):
    code, _ = refusal(cat.satisfy, "x" * (MAX_MESSAGE + 1))
    assert code.name == "RESOURCE_EXHAUSTED"


def test_what_is_no_message_at_all_is_refused(address):
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/service.MemoryGraph/Satisfy")
        code, _ = refusal(call, b"\xff\xff\xff", timeout=20)
    assert code.name == "INTERNAL"  # gRPC itself says so, before there is a request


@pytest.fixture(scope="module")
def shared():
    """A client of a server that all examples share."""
    server = Server(ServerOptions(secret=SECRET))
    address = server.address
    with grpc.insecure_channel(address, options=MESSAGE_LIMITS) as channel:
        client = Client(channel)
        client.add("cat", os=on("n0", vendor="rocky"))
        yield client
    server.stop(1)


TEXT = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(["node", "core", "group0", "os", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=8
)
VALID_GRAPH = json.loads(graph({"n": NODE, "m": NODE}, [edge("n", "m")]))
VALID_JOBSPEC = jobspec(
    nodes(1, needs("os", "vendor", "rocky"), **{"with": [{"type": "core", "count": 1}]}),
    requires={"host": [needs("os", "version", min="1")]},
    groups=[{"name": "inner", "resources": "group0", "tasks": [{"command": ["x"]}]}],
)


@st.composite
def changed(draw, document):
    """Return a document with something else at one place in it."""
    document = json.loads(json.dumps(document))
    at = document
    while True:
        key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
        else:
            break
    change = draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "remove":
        del at[key]
    elif change == "add" and isinstance(at, dict):
        at[draw(TEXT)] = draw(VALUES)
    else:
        at[key] = draw(VALUES)
    return json.dumps(document)


def outcome(call, *args):
    """Return `OK`, or the name of the status code that a call ends with."""
    try:
        call(*args)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


ANSWERS = {"OK", "INVALID_ARGUMENT"}
NUMBERS = count()
EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANYTHING = VALUES.map(json.dumps) | st.text(max_size=30)


@EXAMPLES
@given(text=changed(VALID_GRAPH) | ANYTHING)
def test_any_graph_is_answered(shared, text):
    assert outcome(shared.register, f"cluster-{next(NUMBERS)}", text) in ANSWERS
    assert outcome(shared.register_subsystem, "cat", "mpi", text) in ANSWERS


@EXAMPLES
@given(text=changed(VALID_JOBSPEC) | ANYTHING)
def test_any_jobspec_is_answered(shared, text):
    assert outcome(shared.satisfy, text) in ANSWERS
    assert outcome(lambda: shared.submit("cat", spec=text)) in ANSWERS
