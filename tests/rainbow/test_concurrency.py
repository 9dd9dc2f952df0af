"""Many clients at once: every registration holds, and every job arrives exactly once."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from wire import Acceptance, Registration, jobspec, needs, nodes, on

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
