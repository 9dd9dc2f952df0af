"""Many clients at once: every registration holds, and every job arrives exactly once."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import grpc
from wire import Acceptance, Registration, Submission, Update, jobspec, needs, nodes, on, refusal

from pytest_compat.rainbow import store

THREADS = 8
ROUNDS = 12


def together(work, arguments=range(THREADS)):
    """Call a function once per argument, all at the same time, and return what the calls return."""
    arguments = list(arguments)
    barrier = Barrier(len(arguments))

    def start(argument):
        barrier.wait(timeout=30)
        return work(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(start, arguments))


def drain(client, cluster):
    """Receive and accept what a cluster has been assigned, until there is nothing left; return the jobs' names."""
    names = []
    while jobs := client.receive(cluster, 5).jobs:
        assert client.accept(*jobs, cluster=cluster).status == Acceptance.RESULT_TYPE_SUCCESS
        names += [json.loads(text)["name"] for text in jobs.values()]
    return names


def test_every_job_arrives_exactly_once(rainbow):
    rocky = jobspec(nodes(2, needs("os", "vendor", "rocky")))

    def work(thread):
        submitted, received = [], []
        for number in range(ROUNDS):
            cluster = f"cluster-{thread}-{number}"
            rainbow.add(cluster, os=on("n0 n1", vendor="rocky"))
            able = [name for name in rainbow.satisfy(rocky).clusters if name in rainbow.tokens]
            assert cluster in able
            name = f"job-{thread}-{number}"
            assert rainbow.submit(*able, spec=rocky, name=name).cluster in able
            submitted.append(name)
            received += drain(rainbow, cluster)
        return submitted, received

    done = together(work)
    received = [name for _, names in done for name in names]
    for cluster in rainbow.secrets:
        received += drain(rainbow, cluster)
    assert Counter(received) == Counter(name for names, _ in done for name in names)
    assert len(received) == THREADS * ROUNDS


def test_one_of_many_registers_a_name(rainbow):
    for number in range(ROUNDS):
        statuses = together(lambda _, name=f"cat-{number}": rainbow.register(name).status)
        assert Counter(statuses) == {
            Registration.REGISTER_SUCCESS: 1,
            Registration.REGISTER_EXISTS: THREADS - 1,
        }


def test_subsystems_registered_at_once_are_all_there(rainbow):
    rainbow.add("cat")
    together(lambda thread: rainbow.register_subsystem("cat", f"s{thread}", on("n0", value=str(thread))))
    wanted = [needs(f"s{thread}", "value", str(thread)) for thread in range(THREADS)]
    assert rainbow.candidates(nodes(1, *wanted)) == ["cat"]


def test_one_of_many_accepts_a_job(rainbow):
    rainbow.add("cat")
    for _ in range(ROUNDS):
        jobid = rainbow.submit("cat").jobid
        statuses = together(lambda _, jobid=jobid: rainbow.accept(jobid).status)
        assert Counter(statuses) == {
            Acceptance.RESULT_TYPE_SUCCESS: 1,
            Acceptance.RESULT_TYPE_PARTIAL: THREADS - 1,
        }


def test_job_ids_are_unique(rainbow):
    rainbow.add("cat")
    ids = together(lambda _: [rainbow.submit("cat").jobid for _ in range(ROUNDS)])
    assert sorted(id for each in ids for id in each) == list(range(1, THREADS * ROUNDS + 1))


def test_state_is_updated_while_clusters_are_chosen_by_it(rainbow):
    rainbow.add("cat")
    rainbow.add("dog")
    rainbow.update("cat", free=1)
    steps = [{"calc": "twice=free*2"}, {"sort_descending": "twice"}, {"filter": "twice == free * 2"}]

    def work(thread):
        for number in range(ROUNDS * 5):
            if thread % 2:
                assert (
                    rainbow.update("cat", free=number, **{f"v{number}": thread}).status == Update.UPDATE_STATE_SUCCESS
                )
            else:
                assert rainbow.choose("cat", "dog", priorities=[steps]).cluster == "cat"

    together(work)


def test_clusters_that_come_and_go_leave_the_count_of_jobs_right(rainbow, monkeypatch):
    rainbow.add("cat")

    def work(thread):
        for _ in range(ROUNDS):
            rainbow.register("cat")
            secret, tokens = rainbow.secrets["cat"], dict(rainbow.tokens)  # of whoever came last
            try:
                submitted = rainbow.submit("cat", tokens=tokens)
                rainbow.receive("cat", secret=secret)
                if thread % 2 and submitted.status == Submission.SUBMIT_SUCCESS:
                    rainbow.accept(submitted.jobid, secret=secret)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.PERMISSION_DENIED:  # another has deleted it
                    raise
            rainbow.delete("cat", secret)

    together(work)
    rainbow.delete("cat")
    monkeypatch.setattr(store, "MAX_JOBS", 3)
    rainbow.add("dog")
    assert [rainbow.submit("dog").status for _ in range(3)] == [Submission.SUBMIT_SUCCESS] * 3
    assert refusal(rainbow.submit, "dog")[0].name == "RESOURCE_EXHAUSTED"
