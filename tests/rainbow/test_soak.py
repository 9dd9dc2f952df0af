"""Many calls of every kind from many clients: each is answered as it should be, and memory stays as it is."""

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest
from loads import STRESS, connected
from wire import machine, needs, nodes, on, prioritized

from pytest_compat.rainbow.process import RainbowProcess

CLIENTS = 8
CALLS = 100_000 if STRESS else 6_000
CLUSTERS = 5
"""Clusters that one client has at most."""

FINE = {"OK", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND", "PERMISSION_DENIED", "ALREADY_EXISTS"}


class Somebody:
    """A client that makes calls of every kind, the more frequent ones more often."""

    def __init__(self, client, number, secret):
        self.client, self.number, self.secret = client, number, secret
        self.random = random.Random(number)
        self.count = 0
        self.calls = [
            *[self.submit] * 8, *[self.satisfy] * 8, *[self.receive] * 5, *[self.choose] * 3, *[self.update] * 3,
            self.register, self.subsystem, self.delete, self.delete_subsystem, self.nonsense, self.stranger,
            self.contend, self.adopt,
        ]  # fmt: skip

    def call(self):
        """Make a call and return the name of the code it ends with."""
        self.count += 1
        try:
            self.random.choice(self.calls)()
        except grpc.RpcError as error:
            return error.code().name
        return "OK"

    def mine(self):
        names = list(self.client.secrets)
        return self.random.choice(names) if names else "nobody"

    def register(self):
        name = f"cluster-{self.number}-{self.count}"
        if len(self.client.secrets) < CLUSTERS:
            self.client.register(name, machine(nodes=self.random.randint(1, 6)), self.secret)

    def adopt(self):
        self.client.adopt(self.mine(), secret=self.random.choice([None, "wrong", self.secret]))

    def subsystem(self):
        name = f"s{self.random.randint(0, 9)}"
        self.client.register_subsystem(self.mine(), name, on("n0", value=str(self.count)), self.my_secret())

    def my_secret(self):
        return self.client.secrets.get(self.mine(), "")

    def delete(self):
        name = self.mine()
        self.client.delete(name)
        self.client.secrets.pop(name, None)

    def delete_subsystem(self):
        self.client.delete_subsystem(f"s{self.random.randint(0, 9)}", self.mine())

    def update(self):
        self.client.update(self.mine(), free=self.random.randint(0, 9), cost=self.random.random())

    def satisfy(self):
        wanted = needs(f"s{self.random.randint(0, 9)}", "value", str(self.count % 100))
        self.client.candidates(nodes(self.random.randint(1, 4), *[wanted] * self.random.randint(0, 1)))

    def contend(self):
        self.client.submit(*self.client.secrets, satisfy_only=True)

    def submit(self):
        self.client.submit(*self.client.secrets, name=f"job-{self.count}")

    def choose(self):
        steps = [{"filter": f"free > {self.count % 9}"}, {"calc": "each=cost/free"}, {"sort_ascending": "each"}]
        options = {"priorities": prioritized(steps)}
        self.client.submit(*self.client.secrets, select_algorithm="constraint", select_options=options)

    def receive(self):
        name = self.mine()
        if jobs := self.client.receive(name).jobs:
            self.client.accept(*jobs, cluster=name)

    def nonsense(self):
        text = json.dumps({"nonsense": self.count})
        self.random.choice(
            [
                lambda: self.client.register("x", text, self.secret),
                lambda: self.client.satisfy(text),
                lambda: self.client.submit(self.mine(), spec=text),
                lambda: self.client.update(self.mine(), payload="["),
                lambda: self.client.choose(self.mine(), priorities=text),
                lambda: self.client.accept(cluster=self.mine()),
            ]
        )()

    def stranger(self):
        self.client.receive("%", secret="wrong")
        self.client.delete(f"cluster-{self.number ^ 1}-{self.count}", "wrong")
        self.client.submit_with((self.mine(), "wrong"))


def memory(pid):
    """Return the resident memory of a process in MiB; 0 where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize("file", [False, True], ids=["memory", "file"])
def test_mixed_calls_are_answered_and_memory_stays(tmp_path, file, capsys):
    flags = ["--db", str(tmp_path / "rainbow.db")] if file else []
    answers, sizes, started = [], [], time.monotonic()

    def work(number):
        with connected(process.address) as client:
            somebody = Somebody(client, number, process.secret)
            for _ in range(2):
                answers.append(Counter(somebody.call() for _ in range(CALLS // CLIENTS // 2)))
                if barrier.wait() == 0:
                    sizes.append(memory(process.pid))
                barrier.wait()

    barrier = threading.Barrier(CLIENTS, timeout=600)
    with RainbowProcess(*flags) as process:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    codes = sum(answers, Counter())
    if STRESS:
        with capsys.disabled():
            print(f"\n{dict(codes)}; MiB after each half {sizes}; {time.monotonic() - started:.0f} s")
    assert set(codes) <= FINE
    assert codes["OK"] > CALLS / 2
    assert sum(codes.values()) == CALLS
    if STRESS:
        assert sizes[1] <= 1.05 * sizes[0]
