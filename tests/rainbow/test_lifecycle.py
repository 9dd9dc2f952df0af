"""Clusters that change and go: Delete, DeleteSubsystem, UpdateState, MemoryGraph.Register, tokens and odd names."""

import json

import grpc
import pytest
from wire import (
    SECRET,
    Deletion,
    Reception,
    Registration,
    Submission,
    Update,
    machine,
    needs,
    nodes,
    on,
    refusal,
    serving,
)

from pytest_compat.rainbow import store
from pytest_compat.rainbow.proto import memory_pb2

ROCKY = needs("os", "vendor", "rocky")
ODD_NAMES = [
    "'; DROP TABLE clusters; --",
    "x', 'y', 'z'); --",
    '"quoted"',
    "it's",
    "%",
    "_",
    "c%",
    "*",
    "a\\b",
    "a/b",
    "../cat",
    " cat ",
    "☃ ünïcode 猫",
    "x" * 253,
]


@pytest.fixture
def cat(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    return rainbow


@pytest.fixture
def pets(cat):
    cat.add("dog", os=on("n0", vendor="rocky"))
    return cat


# Delete


def test_the_name_of_a_deleted_cluster_is_free_and_gets_new_credentials(cat):
    before = cat.secrets["cat"], cat.tokens["cat"]
    assert cat.delete().status == Deletion.DELETE_SUCCESS
    assert cat.register("cat").status == Registration.REGISTER_SUCCESS
    assert cat.secrets["cat"] != before[0]
    assert cat.tokens["cat"] != before[1]


def test_a_deleted_cluster_satisfies_nothing(pets):
    pets.delete("cat")
    response = pets.satisfy()
    assert (list(response.clusters), response.total_clusters) == (["dog"], 1)


def test_jobs_of_a_deleted_cluster_do_not_come_to_the_next_of_its_name(cat):
    cat.submit("cat")
    cat.delete()
    cat.register("cat")
    assert cat.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS


def test_attributes_of_a_deleted_cluster_are_not_those_of_the_next_of_its_name(cat):
    cat.delete()
    cat.register("cat")
    assert cat.candidates(nodes(1, ROCKY)) == []
    assert cat.candidates(nodes()) == ["cat"]


def test_state_of_a_deleted_cluster_is_not_that_of_the_next_of_its_name(cat):
    cat.update(x=1)
    cat.delete()
    cat.register("cat")
    assert refusal(cat.choose, "cat", priorities=[[{"filter": "x == 1"}]])[0].name == "FAILED_PRECONDITION"


def test_credentials_of_a_deleted_cluster_open_nothing(cat):
    secret, tokens = cat.secrets["cat"], dict(cat.tokens)
    cat.delete()
    for _ in range(2):
        assert cat.submit("cat", tokens=tokens).status == Submission.SUBMIT_DENIED
        assert cat.receive("cat", secret=secret).status == Reception.REQUEST_JOBS_DENIED
        assert cat.register_subsystem("cat", "mpi", on("n0"), secret).status == Registration.REGISTER_DENIED
        cat.register("cat")


@pytest.mark.parametrize("whose", ["nobody's", "the server's", "the token", "another's"])
def test_deleting_with_a_wrong_secret_is_denied_and_deletes_nothing(pets, whose):
    secret = {
        "nobody's": "",
        "the server's": SECRET,
        "the token": pets.tokens["cat"],
        "another's": pets.secrets["dog"],
    }[whose]
    assert pets.delete("cat", secret).status == Deletion.DELETE_DENIED
    assert pets.delete_subsystem("os", "cat", secret).status == Deletion.DELETE_DENIED
    assert pets.candidates(nodes(1, ROCKY)) == ["cat", "dog"]


@pytest.mark.parametrize("stranger", ["", "bat", "%", "c_t", "Cat", "cat' OR '1'='1"])
def test_deleting_an_unknown_cluster(cat, stranger):
    for secret in ("", cat.secrets["cat"]):
        assert cat.delete(stranger, secret).status == Deletion.DELETE_NO_EXISTS
    assert cat.candidates(nodes()) == ["cat"]


def test_deleting_twice(cat):
    assert cat.delete().status == Deletion.DELETE_SUCCESS
    assert cat.delete().status == Deletion.DELETE_NO_EXISTS


def test_places_of_deleted_jobs_are_free(monkeypatch, cat):
    monkeypatch.setattr(store, "MAX_JOBS", 2)
    cat.submit("cat")
    cat.submit("cat")
    assert refusal(cat.submit, "cat")[0].name == "RESOURCE_EXHAUSTED"
    cat.delete()
    cat.register("cat")
    assert [cat.submit("cat").status for _ in range(2)] == [Submission.SUBMIT_SUCCESS] * 2
    assert refusal(cat.submit, "cat")[0].name == "RESOURCE_EXHAUSTED"


def test_a_server_takes_no_more_clusters_than_it_holds(monkeypatch, cat):
    monkeypatch.setattr(store, "MAX_CLUSTERS", 1)
    assert refusal(cat.register, "dog")[0].name == "RESOURCE_EXHAUSTED"
    cat.delete()
    assert cat.register("dog").status == Registration.REGISTER_SUCCESS


# DeleteSubsystem


def test_attributes_of_a_deleted_subsystem_match_no_more(pets):
    assert pets.delete_subsystem("os").status == Deletion.DELETE_SUCCESS
    assert pets.candidates(nodes(1, ROCKY)) == ["dog"]
    assert pets.candidates(nodes()) == ["cat", "dog"]


def test_other_subsystems_stay(cat):
    cat.register_subsystem("cat", "mpi", on("n0", vendor="mpich"))
    cat.delete_subsystem("os")
    assert cat.candidates(nodes(1, needs("mpi", "vendor", "mpich"))) == ["cat"]


def test_a_deleted_subsystem_can_be_registered_anew(cat):
    cat.delete_subsystem("os")
    assert cat.register_subsystem("cat", "os", on("n0", vendor="ubuntu")).status == Registration.REGISTER_SUCCESS
    assert cat.candidates(nodes(1, ROCKY)) == []
    assert cat.candidates(nodes(1, needs("os", "vendor", "ubuntu"))) == ["cat"]


@pytest.mark.parametrize("subsystem", ["", "mpi", "%", "o_", "OS", "os' OR '1'='1"])
def test_deleting_an_unknown_subsystem(cat, subsystem):
    assert cat.delete_subsystem(subsystem).status == Deletion.DELETE_NO_EXISTS
    assert cat.candidates(nodes(1, ROCKY)) == ["cat"]


def test_deleting_a_subsystem_of_an_unknown_cluster(cat):
    assert cat.delete_subsystem("os", "bat", cat.secrets["cat"]).status == Deletion.DELETE_NO_EXISTS


# UpdateState


def holds(client, expression, cluster="cat"):
    """Tell whether an expression is true of the state of a cluster."""
    try:
        return client.choose(cluster, priorities=[[{"filter": expression}]]).cluster == cluster
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
            raise
        return False


def test_state_is_merged(cat):
    assert cat.update(x=1, y="kept").status == Update.UPDATE_STATE_SUCCESS
    assert cat.update(x=2, z=True).status == Update.UPDATE_STATE_SUCCESS
    assert holds(cat, "x == 2 and y == 'kept' and z == True")


def test_state_is_of_one_cluster(pets):
    pets.update("cat", x=1)
    assert holds(pets, "x == 1", "cat")
    assert not holds(pets, "x == 1", "dog")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("1", "x == 1"),
        ("-1.5", "x == -1.5"),
        ("1e3", "x == 1000"),
        ("true", "x"),
        ('"1"', "x == '1'"),
        ('""', "x == ''"),
    ],
)
def test_a_value_keeps_its_kind(cat, text, expression):
    cat.update(payload='{"x": %s}' % text)  # noqa: UP031, braces
    assert holds(cat, expression)


def test_a_string_that_holds_an_object_is_that_object(cat):
    assert cat.update(payload=json.dumps(json.dumps({"x": 1}))).status == Update.UPDATE_STATE_SUCCESS
    assert holds(cat, "x == 1")


def test_no_variables_change_nothing(cat):
    cat.update(x=1)
    assert cat.update(payload="{}").status == Update.UPDATE_STATE_SUCCESS
    assert holds(cat, "x == 1")


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ("", "payload: found no JSON"),
        ("x", "payload: found no JSON"),
        ("{", "payload: found no JSON"),
        ("[]", "payload: found []"),
        ("1", "payload: found 1"),
        ("null", "payload: found None"),
        ('"x"', "payload: found no JSON"),
        ('"[]"', "payload: found []"),
        ('"\\"{}\\""', "payload: found '{}'"),
        ('{"x": null}', "payload.x: found None"),
        ('{"good": 1, "bad": {"a": 1}}', "payload.bad: found "),
        ('{"x": [1]}', "payload.x: found [1]"),
        ('{"x": NaN}', "payload: found NaN"),
        ('{"x": -Infinity}', "payload: found -Infinity"),
        ('{"x": 1e999}', "payload.x: found inf"),
        ('{"x": 9223372036854775808}', "payload.x: found 9223372036854775808"),
        ('{"x": 1e19}', "payload.x: found 1e+19"),
        ('{"x": ' + "9" * 5000 + "}", "payload: found no JSON"),
        ('{"a":' * 100_000, "payload: "),
    ],
)
def test_what_is_no_object_of_scalars_is_refused_as_a_whole(cat, payload, path):
    cat.update(x=0)
    code, details = refusal(cat.update, payload=payload)
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith(path)
    assert holds(cat, "x == 0")
    assert not holds(cat, "good == 1")


def test_a_state_has_an_end(monkeypatch, cat):
    monkeypatch.setattr(store, "MAX_STATE", 3)
    assert cat.update(a=1, b=2, c=3).status == Update.UPDATE_STATE_SUCCESS
    assert cat.update(c=4).status == Update.UPDATE_STATE_SUCCESS
    assert refusal(cat.update, d=5)[0].name == "RESOURCE_EXHAUSTED"
    assert holds(cat, "c == 4")


def test_a_state_does_not_grow_by_pieces_either(monkeypatch, cat):
    monkeypatch.setattr(store, "MAX_TEXT", 1000)
    assert refusal(cat.update, a="x" * 1000)[0].name == "INVALID_ARGUMENT"
    assert cat.update(a="x" * 900).status == Update.UPDATE_STATE_SUCCESS
    assert refusal(cat.update, b="x" * 900)[0].name == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("name", ["cat", "bat", "%", "Cat", ""])
@pytest.mark.parametrize("whose", ["nobody's", "the server's", "the token", "another's"])
def test_updating_with_a_wrong_secret_is_denied(pets, name, whose):
    secret = {
        "nobody's": "",
        "the server's": SECRET,
        "the token": pets.tokens["cat"],
        "another's": pets.secrets["dog"],
    }[whose]
    assert refusal(pets.update, name, secret=secret, x=1)[0].name == "PERMISSION_DENIED"
    assert not holds(pets, "x == 1")


# MemoryGraph.Register


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x"])
@pytest.mark.parametrize("subsystem", ["", "mpi"])
def test_a_graph_is_not_registered_without_the_registration_secret(cat, secret, subsystem):
    name = "cat" if subsystem else "squatter"
    code, details = refusal(cat.adopt, name, on("n0", a="b") if subsystem else None, subsystem, secret)
    assert code.name == "PERMISSION_DENIED"
    assert details.startswith("metadata rainbow-secret: ")
    assert cat.candidates(nodes()) == ["cat"]
    assert cat.candidates(nodes(1, needs("mpi", "a", "b"))) == []


def test_the_secret_of_a_cluster_is_not_the_registration_secret(cat):
    assert refusal(cat.adopt, "dog", secret=cat.secrets["cat"])[0].name == "PERMISSION_DENIED"


def test_a_graph_is_registered_with_the_registration_secret(rainbow):
    assert rainbow.adopt("cat", machine(nodes=2)).status == memory_pb2.Response.RESULT_TYPE_SUCCESS
    assert rainbow.candidates(nodes(2)) == ["cat"]


def test_a_subsystem_is_registered_with_the_registration_secret(cat):
    assert cat.adopt("cat", on("n0", a="b"), "mpi").status == memory_pb2.Response.RESULT_TYPE_SUCCESS
    assert cat.candidates(nodes(1, needs("mpi", "a", "b"))) == ["cat"]


def test_a_graph_under_a_name_that_is_taken_changes_nothing(cat):
    assert refusal(cat.adopt, "cat", machine(nodes=9))[0].name == "ALREADY_EXISTS"
    assert refusal(cat.adopt, "cat", on("n0", vendor="ubuntu"), "os")[0].name == "ALREADY_EXISTS"
    assert cat.candidates(nodes(5)) == []
    assert cat.candidates(nodes(1, ROCKY)) == ["cat"]


def test_a_subsystem_for_nobody(rainbow):
    assert refusal(rainbow.adopt, "cat", on("n0"), "os")[0].name == "NOT_FOUND"


def test_a_bad_graph_is_registered_by_nobody(rainbow):
    code, details = refusal(rainbow.adopt, "cat", "{}")
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith("nodes: graph")
    assert rainbow.register("cat").status == Registration.REGISTER_SUCCESS


# One token for all


@pytest.fixture
def shared():
    with serving(token="one-for-all") as client:
        client.add("cat")
        client.add("dog")
        yield client


def test_one_token_submits_to_every_cluster(shared):
    assert set(shared.tokens.values()) == {"one-for-all"}
    for clusters in (["cat"], ["dog"], ["cat", "dog"]):
        assert shared.submit(*clusters).cluster in clusters


@pytest.mark.parametrize("name", ["%", "", "_at", "Cat", "c%", "cat' OR '1'='1"])
def test_one_token_does_not_submit_to_what_is_no_cluster(shared, name):
    assert shared.submit_with((name, "one-for-all")).status == Submission.SUBMIT_DENIED
    assert shared.submit_with(("cat", "one-for-all"), (name, "one-for-all")).status == Submission.SUBMIT_DENIED
    assert shared.receive("cat").status == shared.receive("dog").status == Reception.REQUEST_JOBS_NORESULTS


@pytest.mark.parametrize("token", ["", "wrong", "ONE-FOR-ALL", "one-for-all\0", "secret"])
def test_another_token_is_denied(shared, token):
    token = shared.secrets["cat"] if token == "secret" else token
    assert shared.submit_with(("cat", token)).status == Submission.SUBMIT_DENIED


def test_one_token_is_not_a_secret(shared):
    assert shared.receive("cat", secret="one-for-all").status == Reception.REQUEST_JOBS_DENIED
    assert shared.delete("cat", "one-for-all").status == Deletion.DELETE_DENIED


def test_tokens_per_cluster_are_refused_once_there_is_one_for_all(tmp_path):
    with serving(database=tmp_path / "db") as client:
        client.add("cat")
        token = client.tokens["cat"]
    with serving(database=tmp_path / "db", token="one-for-all") as client:
        assert client.submit_with(("cat", token)).status == Submission.SUBMIT_DENIED
        assert client.submit_with(("cat", "one-for-all")).cluster == "cat"
    with serving(database=tmp_path / "db") as client:
        assert client.submit_with(("cat", token)).cluster == "cat"
        assert client.submit_with(("cat", "one-for-all")).status == Submission.SUBMIT_DENIED


# Names


def lives(client, name):
    """Take a cluster through its whole life."""
    client.add(name, **{name: on("n0", **{name: name})})
    assert client.candidates(nodes(1, needs(name, name, name))) == [name]
    assert client.update(name, **{"x": name}).status == Update.UPDATE_STATE_SUCCESS
    jobid = client.submit(name, name=name).jobid
    assert json.loads(client.receive(name).jobs[jobid])["name"] == name
    assert client.accept(jobid, cluster=name)
    assert client.delete_subsystem(name, name).status == Deletion.DELETE_SUCCESS
    assert client.delete(name).status == Deletion.DELETE_SUCCESS


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_only_a_name(cat, name):
    cat.submit("cat")
    lives(cat, name)
    assert cat.candidates(nodes(1, ROCKY)) == ["cat"]
    assert len(cat.receive("cat").jobs) == 1


def test_names_are_only_names_to_a_database(tmp_path):
    with serving(database=tmp_path / "db") as client:
        for name in ODD_NAMES:
            lives(client, name)
            client.add(name)
    with serving(database=tmp_path / "db") as client:
        assert client.candidates(nodes()) == sorted(ODD_NAMES)


def test_case_twins_share_nothing(cat):
    cat.add("Cat")
    mine, theirs = cat.submit("cat").jobid, cat.submit("Cat").jobid
    assert (list(cat.receive("cat").jobs), list(cat.receive("Cat").jobs)) == ([mine], [theirs])
    assert cat.receive("Cat", secret=cat.secrets["cat"]).status == Reception.REQUEST_JOBS_DENIED
    cat.delete("Cat")
    assert cat.candidates(nodes(1, ROCKY)) == ["cat"]
    assert list(cat.receive("cat").jobs) == [mine]


def test_case_twins_are_two_to_a_database(tmp_path):
    with serving(database=tmp_path / "db") as client:
        client.add("cat", OS=on("n0", v="1"), os=on("n0", v="2"))
        client.add("Cat")
    with serving(database=tmp_path / "db") as client:
        assert client.candidates(nodes()) == ["Cat", "cat"]
        assert client.candidates(nodes(1, needs("OS", "v", "1"), needs("os", "v", "2"))) == ["cat"]


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\0b", "\x1b[31m", ""])
def test_a_name_that_could_not_be_read_in_a_log_is_refused(cat, name):
    for call in (cat.register, cat.adopt):
        assert refusal(call, name)[0].name == "INVALID_ARGUMENT"
