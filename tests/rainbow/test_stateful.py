"""A server with a file does what a plain model does, whatever is called in whatever order, restarts included."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from wire import (
    Acceptance,
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

NAMES = st.sampled_from(["cat", "Cat", "c%", "'; --"])
SUBSYSTEMS = st.sampled_from(["os", "mpi"])
VALUES = st.integers(1, 3)


class Rainbow(RuleBasedStateMachine):
    """The model: what each cluster has, by name."""

    @initialize()
    def start(self):
        self.stack = ExitStack()
        self.path = Path(self.stack.enter_context(tempfile.TemporaryDirectory())) / "rainbow.db"
        self.clusters, self.stale, self.last, self.tokens, self.secrets = {}, [], 0, {}, {}
        self.connect()

    def connect(self):
        self.server = self.stack.enter_context(ExitStack())
        self.client = self.server.enter_context(serving(database=self.path))
        self.client.tokens, self.client.secrets = self.tokens, self.secrets

    @rule()
    def restart(self):
        self.server.close()
        self.connect()

    @rule(name=NAMES, size=VALUES)
    def register(self, name, size):
        status = self.client.register(name, machine(nodes=size)).status
        if name in self.clusters:
            assert status == Registration.REGISTER_EXISTS
        else:
            assert status == Registration.REGISTER_SUCCESS
            self.clusters[name] = {"size": size, "subsystems": {}, "state": {}, "jobs": set()}

    @rule(name=NAMES, size=VALUES)
    def register_nonsense(self, name, size):
        nonsense = machine(nodes=size)[:-1]
        if name in self.clusters:
            assert self.client.register(name, nonsense).status == Registration.REGISTER_EXISTS
        else:
            assert refusal(self.client.register, name, nonsense)[0].name == "INVALID_ARGUMENT"

    @rule(name=NAMES, subsystem=SUBSYSTEMS, value=VALUES)
    def register_subsystem(self, name, subsystem, value):
        status = self.client.register_subsystem(
            name, subsystem, on("n0", value=str(value)), self.secrets.get(name, "")
        ).status
        if name not in self.clusters:
            assert status == Registration.REGISTER_DENIED
        elif subsystem in self.clusters[name]["subsystems"]:
            assert status == Registration.REGISTER_EXISTS
        else:
            assert status == Registration.REGISTER_SUCCESS
            self.clusters[name]["subsystems"][subsystem] = value

    @rule(name=NAMES)
    def delete(self, name):
        status = self.client.delete(name).status
        if self.clusters.pop(name, None) is None:
            assert status == Deletion.DELETE_NO_EXISTS
        else:
            assert status == Deletion.DELETE_SUCCESS
            self.stale.append((name, self.secrets[name], self.tokens[name]))

    @rule(name=NAMES, subsystem=SUBSYSTEMS)
    def delete_subsystem(self, name, subsystem):
        status = self.client.delete_subsystem(subsystem, name).status
        there = name in self.clusters and self.clusters[name]["subsystems"].pop(subsystem, None)
        assert status == (Deletion.DELETE_SUCCESS if there else Deletion.DELETE_NO_EXISTS)

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def use_credentials_of_the_deleted(self, data):
        name, secret, token = data.draw(st.sampled_from(self.stale))
        assert self.client.receive(name, secret=secret).status == Reception.REQUEST_JOBS_DENIED
        assert self.client.submit_with((name, token)).status == Submission.SUBMIT_DENIED
        assert self.client.delete(name, secret).status in (Deletion.DELETE_NO_EXISTS, Deletion.DELETE_DENIED)
        assert refusal(self.client.update, name, secret=secret, x=1)[0].name == "PERMISSION_DENIED"

    @rule(name=NAMES, state=st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2))
    def update(self, name, state):
        if name in self.clusters:
            assert self.client.update(name, **state).status == Update.UPDATE_STATE_SUCCESS
            self.clusters[name]["state"].update(state)
        else:
            assert refusal(self.client.update, name, **state)[0].name == "PERMISSION_DENIED"

    @rule(names=st.lists(NAMES, min_size=1, max_size=3))
    def submit(self, names):
        response = self.client.submit(*names)
        if not set(names) <= set(self.clusters):
            assert response.status == Submission.SUBMIT_DENIED
        else:
            assert response.cluster in names
            self.assigned(response)

    @rule(names=st.lists(NAMES, min_size=1, max_size=3), least=VALUES)
    def choose(self, names, least):
        steps = [{"filter": f"x >= {least}"}, {"sort_descending": "x"}, {"select": "first"}]

        def submit():
            return self.client.choose(*names, priorities=[steps])

        if not set(names) <= set(self.clusters):
            assert submit().status == Submission.SUBMIT_DENIED
            return
        left = {name: self.clusters[name]["state"].get("x", 0) for name in names}
        left = {name: x for name, x in left.items() if x >= least}
        if not left:
            assert refusal(submit)[0].name == "FAILED_PRECONDITION"
            return
        response = submit()
        assert response.cluster == min(left, key=lambda name: (-left[name], name))
        self.assigned(response)

    def assigned(self, response):
        assert response.status == Submission.SUBMIT_SUCCESS
        assert response.jobid > self.last
        self.last = response.jobid
        self.clusters[response.cluster]["jobs"].add(response.jobid)

    @rule(name=NAMES, most=st.integers(-1, 3))
    def receive(self, name, most):
        response = self.client.receive(name, most)
        if name not in self.clusters:
            assert response.status == Reception.REQUEST_JOBS_DENIED
            return
        jobs = sorted(self.clusters[name]["jobs"])
        assert sorted(response.jobs) == (jobs[:most] if most > 0 else jobs)

    @precondition(lambda self: self.last)
    @rule(name=NAMES, data=st.data())
    def accept(self, name, data):
        ids = data.draw(st.lists(st.integers(1, self.last), min_size=1, max_size=4))
        if name not in self.clusters:
            assert refusal(self.client.accept, *ids, cluster=name)[0].name == "PERMISSION_DENIED"
            return
        jobs = self.clusters[name]["jobs"]
        whole = len(set(ids)) == len(ids) and set(ids) <= jobs
        status = self.client.accept(*ids, cluster=name).status
        assert status == (Acceptance.RESULT_TYPE_SUCCESS if whole else Acceptance.RESULT_TYPE_PARTIAL)
        jobs.difference_update(ids)

    @rule(size=VALUES, subsystem=SUBSYSTEMS, value=VALUES)
    def satisfy(self, size, subsystem, value):
        able = [name for name, cluster in self.clusters.items() if cluster["size"] >= size]
        assert self.client.candidates(nodes(size)) == sorted(able)
        able = [name for name, cluster in self.clusters.items() if cluster["subsystems"].get(subsystem) == value]
        assert self.client.candidates(nodes(1, needs(subsystem, "value", str(value)))) == sorted(able)

    @invariant()
    def every_job_is_where_it_should_be(self):
        for name, cluster in self.clusters.items():
            assert set(self.client.receive(name).jobs) == cluster["jobs"]

    def teardown(self):
        self.stack.close()


Rainbow.TestCase.settings = settings(
    max_examples=50, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRainbow = Rainbow.TestCase
