"""What the tests of a server under load have in common."""

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager

import grpc
from wire import Client, jobspec, machine

from pytest_compat.rainbow.process import RainbowProcess
from pytest_compat.rainbow.server import MESSAGE_LIMITS

STRESS = bool(os.environ.get("COMPAT_STRESS"))
"""Whether tests that have a long version run that one."""


@contextmanager
def connected(address):
    """Give a client with a channel of its own."""
    with grpc.insecure_channel(address, options=(*MESSAGE_LIMITS, ("grpc.use_local_subchannel_pool", 1))) as channel:
        yield Client(channel)


def kill(process):
    """End a server as `kill -9` does, and wait until it has gone."""
    os.kill(process.pid, signal.SIGKILL)
    process.stop()


def check(path):
    """Assert that a database is whole."""
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


class Load:
    """Clients that submit until they have so many answers, whatever happens to the server meanwhile.

    Args:
        credentials: A client that knows the tokens.
        clusters: The names submitted to, one after the other.
        clients: How many submit at the same time.
        submissions: How many answers they want, all together.
    """

    def __init__(self, credentials, clusters, clients, submissions):
        self.acknowledged = {}
        self.failures = Counter()
        self._credentials, self._clusters = credentials, clusters
        self._clients, self._each = clients, submissions // clients
        self._address = None

    def run(self, address):
        """Submit what is left to submit; return the threads that do."""
        self._address = address
        threads = [threading.Thread(target=self._submit, args=(number,)) for number in range(self._clients)]
        for thread in threads:
            thread.start()
        return threads

    def _submit(self, number):
        done = sum(name.startswith(f"{number}-") for name in list(self.acknowledged))
        spec = json.dumps(jobspec())
        with connected(self._address) as client:
            client.tokens = self._credentials.tokens
            while done < self._each:
                cluster = self._clusters[done % len(self._clusters)]
                name = f"{number}-{done}-{time.monotonic_ns()}"
                try:
                    response = client.submit(cluster, spec=spec, name=name)
                except grpc.RpcError as error:
                    self.failures[error.code().name] += 1
                    return
                self.acknowledged[name] = response.jobid, response.cluster
                done += 1


def killed_in_mid_load(path, *, submissions, clients=4, clusters=4):
    """Kill a server while clients submit, start another on its file, and let them go on.

    Returns:
        Acknowledged jobs that are missing, jobs that are there twice, jobs that nobody was told of, and how many had
        been acknowledged when it was killed.
    """
    names = [f"cluster-{number}" for number in range(clusters)]
    with RainbowProcess("--db", str(path)) as process, connected(process.address) as owner:
        for name in names:
            assert owner.register(name, machine(nodes=2), process.secret).token
        load = Load(owner, names, clients, submissions)
        threads = load.run(process.address)
        enough = random.uniform(0.1, 0.9) * submissions
        while len(load.acknowledged) < enough and any(thread.is_alive() for thread in threads):
            time.sleep(random.uniform(0.001, 0.01))
        kill(process)
        for thread in threads:
            thread.join()
        before = len(load.acknowledged)
    check(path)
    with RainbowProcess("--db", str(path)) as process, connected(process.address) as client:
        client.secrets = owner.secrets
        for thread in load.run(process.address):
            thread.join()
        assert len(load.acknowledged) == submissions
        held = [json.loads(text) for name in names for text in client.receive(name).jobs.values()]
    check(path)
    found = {job["name"]: (job["id"], job["cluster"]) for job in held}
    assert set(load.failures) <= {"UNAVAILABLE"}
    missing = [name for name, job in load.acknowledged.items() if found.get(name) != job]
    ids, told = Counter(job["id"] for job in held), set(load.acknowledged)
    twice = len(held) - len(found) + sum(count - 1 for count in ids.values())
    return len(missing), twice, len(set(found) - told), before
