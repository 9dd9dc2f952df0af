"""SubmitJob, ReceiveJobs and AcceptJobs."""

import json

import pytest
from wire import SECRET, Acceptance, Reception, Submission, jobspec, nodes, refusal


@pytest.fixture
def cat(rainbow):
    """A client whose one cluster is `cat`."""
    rainbow.add("cat")
    return rainbow


@pytest.fixture
def pets(rainbow):
    """A client with three clusters."""
    for name in ("cat", "dog", "emu"):
        rainbow.add(name)
    return rainbow


def test_a_job_is_assigned_to_one_of_the_clusters_given(pets):
    response = pets.submit("cat", "dog")
    assert response.status == Submission.SUBMIT_SUCCESS
    assert response.cluster in ("cat", "dog")
    assert response.jobid >= 1
    assert list(response.clusters) == []


def test_jobs_have_ids_of_their_own(pets):
    ids = [pets.submit("cat", "dog", "emu").jobid for _ in range(20)]
    assert sorted(set(ids)) == ids


def test_a_job_comes_as_it_was_submitted(cat):
    spec = json.dumps(jobspec(nodes(2)) | {"attributes": {"parameter": {"text": 'it\'s "ü"\n'}}})
    jobid = cat.submit("cat", spec=spec, name='it\'s "ü" ☃').jobid
    response = cat.receive("cat")
    assert response.status == Reception.REQUEST_JOBS_SUCCESS
    job = json.loads(response.jobs[jobid])
    assert job == {"id": jobid, "cluster": "cat", "name": 'it\'s "ü" ☃', "jobspec": spec, "command": ["true"]}


def test_chance_reaches_every_cluster(pets):
    assert {pets.submit("cat", "dog", "emu").cluster for _ in range(60)} == {"cat", "dog", "emu"}


@pytest.mark.parametrize("algorithm", ["", "random"])
def test_selection_is_random(pets, algorithm):
    assert pets.submit("cat", select_algorithm=algorithm).cluster == "cat"


def test_a_seed_decides_whatever_the_order(pets):
    def draw(*clusters, seed):
        return pets.submit(*clusters, select_options={"seed": seed}).cluster

    first = [draw("cat", "dog", "emu", seed=str(number)) for number in range(30)]
    assert first == [draw("emu", "cat", "dog", seed=str(number)) for number in range(30)]
    assert set(first) == {"cat", "dog", "emu"}


def test_a_cluster_named_twice_has_one_chance(pets):
    def draw(*clusters, seed):
        return pets.submit(*clusters, select_options={"seed": seed}).cluster

    for number in range(30):
        assert draw("cat", "dog", "dog", "dog", seed=str(number)) == draw("cat", "dog", seed=str(number))


def test_satisfy_only_returns_all_contenders_and_stores_nothing(pets):
    response = pets.submit("emu", "cat", satisfy_only=True)
    assert response.status == Submission.SUBMIT_SUCCESS
    assert list(response.clusters) == ["cat", "emu"]
    assert (response.cluster, response.jobid) == ("", 0)
    assert pets.receive("cat").status == pets.receive("emu").status == Reception.REQUEST_JOBS_NORESULTS


@pytest.mark.parametrize("satisfy_only", [False, True])
@pytest.mark.parametrize("which", ["cat", "dog", "emu"])
@pytest.mark.parametrize("token", ["", "wrong", "another's", "longer", "secret", "\0"])
def test_one_bad_token_denies_the_whole_request(pets, which, token, satisfy_only):
    others = {"cat": "dog", "dog": "emu", "emu": "cat"}
    bad = {
        "another's": pets.tokens[others[which]],
        "longer": pets.tokens[which] + "\0",
        "secret": pets.secrets[which],
    }.get(token, token)
    tokens = pets.tokens | {which: bad}
    response = pets.submit("cat", "dog", "emu", tokens=tokens, satisfy_only=satisfy_only)
    assert response.status == Submission.SUBMIT_DENIED
    assert (response.cluster, list(response.clusters), response.jobid) == ("", [], 0)
    assert all(pets.receive(name).status == Reception.REQUEST_JOBS_NORESULTS for name in others)


def test_tokens_that_are_right_only_when_put_together_are_denied(pets):
    together = f"{pets.tokens['cat']}\0{pets.tokens['dog']}"
    for tokens in (
        {"cat": together, "dog": ""},
        {"cat": "", "dog": together},
        {"cat": pets.tokens["cat"] + pets.tokens["dog"][:1], "dog": pets.tokens["dog"][1:]},
        {"cat": pets.tokens["dog"], "dog": pets.tokens["cat"]},
    ):
        assert pets.submit("cat", "dog", tokens=tokens).status == Submission.SUBMIT_DENIED


def test_a_wrong_token_is_denied_beside_a_right_one_for_the_same_cluster(cat):
    right, wrong = ("cat", cat.tokens["cat"]), ("cat", "wrong")
    assert cat.submit_with(right, right).status == Submission.SUBMIT_SUCCESS
    assert cat.submit_with(right, wrong).status == Submission.SUBMIT_DENIED
    assert cat.submit_with(wrong, right).status == Submission.SUBMIT_DENIED


@pytest.mark.parametrize("stranger", ["bat", "", "%", "CAT", "cat ", "cat'; --", "cat\0"])
def test_one_unknown_cluster_denies_the_whole_request(cat, stranger):
    tokens = {"cat": cat.tokens["cat"], stranger: cat.tokens["cat"]}
    assert cat.submit("cat", stranger, tokens=tokens).status == Submission.SUBMIT_DENIED
    assert cat.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS


def test_the_registration_secret_is_no_token(cat):
    assert cat.submit("cat", tokens={"cat": SECRET}).status == Submission.SUBMIT_DENIED


def test_no_clusters_is_an_error(cat):
    code, details = refusal(cat.submit)
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith("clusters: ")


def test_nothing_to_receive(cat):
    response = cat.receive("cat")
    assert response.status == Reception.REQUEST_JOBS_NORESULTS
    assert dict(response.jobs) == {}


def test_jobs_stay_until_they_are_accepted(cat):
    ids = [cat.submit("cat").jobid for _ in range(3)]
    assert sorted(cat.receive("cat").jobs) == sorted(cat.receive("cat").jobs) == ids
    assert cat.accept(ids[1]).status == Acceptance.RESULT_TYPE_SUCCESS
    assert sorted(cat.receive("cat").jobs) == [ids[0], ids[2]]
    assert cat.accept(ids[2], ids[0]).status == Acceptance.RESULT_TYPE_SUCCESS
    assert cat.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS


@pytest.mark.parametrize(("most", "received"), [(1, 1), (2, 2), (3, 3), (4, 3), (0, 3), (-1, 3), (2**31 - 1, 3)])
def test_the_lowest_ids_come_first(cat, most, received):
    ids = [cat.submit("cat").jobid for _ in range(3)]
    assert sorted(cat.receive("cat", most).jobs) == ids[:received]


def test_a_cluster_receives_only_its_own(pets):
    mine = {pets.submit("cat").jobid for _ in range(3)}
    assert set(pets.receive("cat").jobs) == mine
    assert pets.receive("dog").status == Reception.REQUEST_JOBS_NORESULTS


@pytest.mark.parametrize("secret", ["", "wrong", "token", "another's"])
def test_a_wrong_secret_receives_nothing(pets, secret):
    pets.submit("cat")
    given = {"token": pets.tokens["cat"], "another's": pets.secrets["dog"]}.get(secret, secret)
    response = pets.receive("cat", secret=given)
    assert response.status == Reception.REQUEST_JOBS_DENIED
    assert dict(response.jobs) == {}


@pytest.mark.parametrize("stranger", ["", "bat", "%", "Cat"])
def test_an_unknown_cluster_receives_nothing(cat, stranger):
    for secret in ("", cat.secrets["cat"]):
        assert cat.receive(stranger, secret=secret).status == Reception.REQUEST_JOBS_DENIED


def test_accepting_an_unknown_job_is_partial(cat):
    jobid = cat.submit("cat").jobid
    assert cat.accept(jobid, jobid + 1).status == Acceptance.RESULT_TYPE_PARTIAL
    assert cat.receive("cat").status == Reception.REQUEST_JOBS_NORESULTS


def test_accepting_a_job_twice_in_one_call_is_partial(cat):
    jobid = cat.submit("cat").jobid
    assert cat.accept(jobid, jobid).status == Acceptance.RESULT_TYPE_PARTIAL


def test_accepting_a_job_a_second_time_is_partial(cat):
    jobid = cat.submit("cat").jobid
    assert cat.accept(jobid).status == Acceptance.RESULT_TYPE_SUCCESS
    assert cat.accept(jobid).status == Acceptance.RESULT_TYPE_PARTIAL


def test_accepting_anothers_job_is_partial_and_leaves_it(pets):
    jobid = pets.submit("dog").jobid
    assert pets.accept(jobid, cluster="cat").status == Acceptance.RESULT_TYPE_PARTIAL
    assert list(pets.receive("dog").jobs) == [jobid]


@pytest.mark.parametrize("odd", [0, -1, 2**31 - 1, -(2**31)])
def test_accepting_an_odd_id_is_partial(cat, odd):
    assert cat.accept(odd).status == Acceptance.RESULT_TYPE_PARTIAL


def test_accepting_nothing_is_an_error(cat):
    code, details = refusal(cat.accept)
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith("jobids: ")


@pytest.mark.parametrize("secret", ["", "wrong", "token", "another's"])
def test_accepting_with_a_wrong_secret_is_denied(pets, secret):
    jobid = pets.submit("cat").jobid
    given = {"token": pets.tokens["cat"], "another's": pets.secrets["dog"]}.get(secret, secret)
    code, _ = refusal(pets.accept, jobid, secret=given)
    assert code.name == "PERMISSION_DENIED"
    assert list(pets.receive("cat").jobs) == [jobid]
