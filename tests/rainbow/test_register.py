"""Register and RegisterSubsystem."""

import pytest
from wire import SECRET, Registration, jgf, machine, needs, nodes, on


def test_a_cluster_gets_a_token_and_a_secret(rainbow):
    response = rainbow.register("cat")
    assert response.status == Registration.REGISTER_SUCCESS
    assert len({response.token, response.secret, response.request_id, ""}) == 4


def test_no_two_clusters_share_credentials(rainbow):
    both = rainbow.register("cat"), rainbow.register("dog")
    assert len({text for each in both for text in (each.token, each.secret, each.request_id)}) == 6


def test_a_name_that_is_taken_exists_and_gets_no_credentials(rainbow):
    rainbow.register("cat")
    response = rainbow.register("cat")
    assert response.status == Registration.REGISTER_EXISTS
    assert (response.token, response.secret) == ("", "")


def test_a_second_registration_leaves_the_first_as_it_was(rainbow):
    rainbow.add("cat", machine(nodes=1))
    rainbow.register("cat", machine(nodes=9))
    assert rainbow.candidates(nodes(2)) == []
    assert list(rainbow.submit("cat", satisfy_only=True).clusters) == ["cat"]


def test_names_that_differ_in_case_are_two_clusters(rainbow):
    rainbow.add("cat")
    rainbow.add("Cat")
    assert rainbow.candidates(nodes()) == ["Cat", "cat"]


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], SECRET.upper(), SECRET + "\0", "ü"])
def test_a_wrong_registration_secret_is_denied(rainbow, secret):
    response = rainbow.register("cat", secret=secret)
    assert response.status == Registration.REGISTER_DENIED
    assert (response.token, response.secret) == ("", "")
    assert rainbow.candidates(nodes()) == []


def test_a_wrong_secret_does_not_tell_whether_a_name_is_taken(rainbow):
    rainbow.register("cat")
    assert rainbow.register("cat", secret="wrong").status == Registration.REGISTER_DENIED


def test_a_graph_that_is_refused_leaves_the_name_free(rainbow):
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        rainbow.register("cat", "{}")
    assert rainbow.register("cat").status == Registration.REGISTER_SUCCESS


def test_a_graph_may_list_its_vertices(rainbow):
    graph = (
        '{"graph": {"nodes": [{"id": "c", "metadata": {"type": "cluster"}}, {"id": "n", "metadata": {"type": "node"}}],'
        ' "edges": [{"source": "c", "target": "n", "relation": "contains"},'
        ' {"source": "n", "target": "c", "relation": "in"}]}}'
    )
    rainbow.add("cat", graph)
    assert rainbow.candidates(nodes()) == ["cat"]


def test_a_subsystem_is_registered_with_the_secret_of_its_cluster(rainbow):
    rainbow.register("cat")
    assert rainbow.register_subsystem("cat", "os", on("n0")).status == Registration.REGISTER_SUCCESS


@pytest.mark.parametrize("whose", ["nobody's", "the server's", "the token", "another's"])
def test_a_subsystem_with_a_wrong_secret_is_denied(rainbow, whose):
    rainbow.register("cat")
    rainbow.register("dog")
    secret = {
        "nobody's": "",
        "the server's": SECRET,
        "the token": rainbow.tokens["cat"],
        "another's": rainbow.secrets["dog"],
    }[whose]
    response = rainbow.register_subsystem("cat", "os", on("n0", vendor="rocky"), secret)
    assert response.status == Registration.REGISTER_DENIED
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "rocky"))) == []


@pytest.mark.parametrize("secret", ["", "x"])
def test_a_subsystem_of_an_unknown_cluster_is_denied(rainbow, secret):
    assert rainbow.register_subsystem("cat", "os", on("n0"), secret).status == Registration.REGISTER_DENIED


def test_a_subsystem_a_second_time_exists_and_changes_nothing(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    response = rainbow.register_subsystem("cat", "os", on("n0", vendor="ubuntu"))
    assert response.status == Registration.REGISTER_EXISTS
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "rocky"))) == ["cat"]
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "ubuntu"))) == []


def test_a_subsystem_that_is_refused_leaves_nothing_behind(rainbow):
    rainbow.register("cat")
    halfway = jgf({"a": {"type": "os", "vendor": "rocky"}}, "n0 a", "n0 nowhere")
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        rainbow.register_subsystem("cat", "os", halfway)
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "rocky"))) == []
    assert rainbow.register_subsystem("cat", "os", on("n0")).status == Registration.REGISTER_SUCCESS


def test_clusters_may_have_subsystems_of_one_name(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    rainbow.add("dog", os=on("n0", vendor="ubuntu"))
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "ubuntu"))) == ["dog"]


def test_a_version_without_an_order_is_warned_of(rainbow, caplog):
    rainbow.add("cat", mpi=on("n0", version="develop"), os=on("n0", version="8.9"))
    (record,) = caplog.records
    assert "cluster 'cat', subsystem 'mpi': version = 'develop' is no version that has an order" in record.getMessage()
