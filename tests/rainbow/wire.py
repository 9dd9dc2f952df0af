"""A few words to speak to a rainbow with: its two services by stub, graphs and jobspecs by their essentials."""

import json
from contextlib import contextmanager

import grpc

from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc
from pytest_compat.rainbow.server import MESSAGE_LIMITS, Server, ServerOptions

SECRET = "open-sesame"

Registration = rainbow_pb2.RegisterResponse
Submission = rainbow_pb2.SubmitJobResponse
Reception = rainbow_pb2.ReceiveJobsResponse
Acceptance = rainbow_pb2.AcceptJobsResponse
Deletion = rainbow_pb2.DeleteResponse
Update = rainbow_pb2.UpdateStateResponse
Satisfaction = memory_pb2.SatisfyResponse


def jgf(vertices, *contains):
    """Return a graph as JGF text.

    Args:
        vertices: The metadata of each vertex by its id, or just its type.
        contains: Edges as "container contained".
    """
    nodes = {id: {"metadata": what if isinstance(what, dict) else {"type": what}} for id, what in vertices.items()}
    edges = [dict(zip(("source", "target"), edge.split(), strict=True), relation="contains") for edge in contains]
    return json.dumps({"graph": {"nodes": nodes, "edges": edges}})


def machine(nodes=4, cores=2):
    """Return a cluster `c` of nodes `n0`, `n1`, ..., each with cores, as JGF text."""
    vertices, contains = {"c": "cluster"}, []
    for node in (f"n{number}" for number in range(nodes)):
        vertices[node] = "node"
        contains.append(f"c {node}")
        for core in (f"{node}k{number}" for number in range(cores)):
            vertices[core] = "core"
            contains.append(f"{node} {core}")
    return jgf(vertices, *contains)


def on(nodes, **attributes):
    """Return a subsystem graph with one vertex that hangs on each of some nodes (`"n0 n1"`), as JGF text."""
    return jgf({"s": {"type": "software", **attributes}}, *(f"{node} s" for node in nodes.split()))


def nodes(replicas=1, *requires, **more):
    """Return a resource that asks for nodes."""
    return {"type": "node", "replicas": replicas, "requires": list(requires), **more}


def needs(name, field, match=None, **bounds):
    """Return a requirement."""
    return {"name": name, "field": field, **({} if match is None else {"match": match}), **bounds}


def jobspec(*resources, **more):
    """Return a jobspec whose one task per resource runs `true`; without resources it asks for a node."""
    groups = {f"group{number}": resource for number, resource in enumerate(resources or (nodes(),))}
    tasks = [{"command": ["true"], "resources": group} for group in groups]
    return {"version": 1, "resources": groups, "tasks": tasks, **more}


class Client:
    """Someone who registers clusters with a server, submits to them and receives their jobs."""

    def __init__(self, channel):
        self.scheduler = rainbow_pb2_grpc.RainbowSchedulerStub(channel)
        self.graph = memory_pb2_grpc.MemoryGraphStub(channel)
        self.tokens = {}
        self.secrets = {}

    def register(self, name="cat", graph=None, secret=SECRET):
        """Register a cluster, and remember its credentials."""
        request = rainbow_pb2.RegisterRequest(name=name, secret=secret, nodes=machine() if graph is None else graph)
        response = self.scheduler.Register(request, timeout=20)
        if response.status == Registration.REGISTER_SUCCESS:
            self.tokens[name], self.secrets[name] = response.token, response.secret
        return response

    def register_subsystem(self, cluster, subsystem, graph, secret=None):
        """Hang a subsystem on a cluster."""
        request = rainbow_pb2.RegisterRequest(
            name=cluster,
            secret=self.secrets[cluster] if secret is None else secret,
            subsystem=subsystem,
            nodes=graph,
        )
        return self.scheduler.RegisterSubsystem(request, timeout=20)

    def add(self, name="cat", graph=None, **subsystems):
        """Register a cluster with its subsystems."""
        assert self.register(name, graph).status == Registration.REGISTER_SUCCESS
        for subsystem, hanging in subsystems.items():
            response = self.register_subsystem(name, subsystem, hanging)
            assert response.status == Registration.REGISTER_SUCCESS

    def satisfy(self, spec=None, matcher=""):
        """Ask which clusters could take a job."""
        text = spec if isinstance(spec, str) else json.dumps(jobspec() if spec is None else spec)
        return self.graph.Satisfy(memory_pb2.SatisfyRequest(payload=text, matcher=matcher), timeout=20)

    def candidates(self, *resources, **more):
        """Return the clusters that could take a job for these resources."""
        response = self.satisfy(jobspec(*resources, **more))
        assert response.status == Satisfaction.RESULT_TYPE_SUCCESS
        return list(response.clusters)

    def submit(self, *clusters, spec=None, name="job", tokens=None, **more):
        """Submit a job to one of some clusters, each with the token it has in `tokens` or gave at registration."""
        tokens = self.tokens if tokens is None else tokens
        pairs = [(cluster, tokens.get(cluster, "")) for cluster in clusters]
        return self.submit_with(*pairs, spec=spec, name=name, **more)

    def submit_with(self, *pairs, spec=None, name="job", **more):
        """Submit a job to one of some clusters, given as pairs of name and token."""
        contenders = [rainbow_pb2.SubmitJobRequest.Cluster(name=cluster, token=token) for cluster, token in pairs]
        text = spec if isinstance(spec, str) else json.dumps(jobspec() if spec is None else spec)
        request = rainbow_pb2.SubmitJobRequest(name=name, clusters=contenders, jobspec=text, **more)
        return self.scheduler.SubmitJob(request, timeout=20)

    def receive(self, cluster="cat", most=0, secret=None):
        """Ask for the jobs of a cluster."""
        secret = self.secrets.get(cluster, "") if secret is None else secret
        request = rainbow_pb2.ReceiveJobsRequest(cluster=cluster, secret=secret, maxJobs=most)
        return self.scheduler.ReceiveJobs(request, timeout=20)

    def accept(self, *ids, cluster="cat", secret=None):
        """Accept jobs of a cluster."""
        secret = self.secrets.get(cluster, "") if secret is None else secret
        request = rainbow_pb2.AcceptJobsRequest(cluster=cluster, secret=secret, jobids=ids)
        return self.scheduler.AcceptJobs(request, timeout=20)

    def delete(self, cluster="cat", secret=None):
        """Delete a cluster."""
        secret = self.secrets.get(cluster, "") if secret is None else secret
        return self.scheduler.Delete(rainbow_pb2.DeleteRequest(name=cluster, secret=secret), timeout=20)

    def delete_subsystem(self, subsystem, cluster="cat", secret=None):
        """Take a subsystem off a cluster."""
        secret = self.secrets.get(cluster, "") if secret is None else secret
        request = rainbow_pb2.DeleteRequest(name=cluster, secret=secret, subsytem=subsystem)
        return self.scheduler.DeleteSubsystem(request, timeout=20)

    def update(self, cluster="cat", payload=None, secret=None, **state):
        """Update the state of a cluster, with a payload as it stands or with variables."""
        secret = self.secrets.get(cluster, "") if secret is None else secret
        text = json.dumps(state) if payload is None else payload
        request = rainbow_pb2.UpdateStateRequest(cluster=cluster, secret=secret, payload=text)
        return self.scheduler.UpdateState(request, timeout=20)

    def adopt(self, name="cat", graph=None, subsystem="", secret=SECRET):
        """Register a graph with the graph database, the registration secret (or none) in the metadata."""
        request = memory_pb2.RegisterRequest(
            name=name, payload=machine() if graph is None else graph, subsystem=subsystem
        )
        metadata = () if secret is None else (("rainbow-secret", secret),)
        return self.graph.Register(request, timeout=20, metadata=metadata)

    def choose(self, *clusters, priorities, **more):
        """Submit with selection by constraint; priorities are lists of steps, or YAML as it stands."""
        text = priorities if isinstance(priorities, str) else prioritized(*priorities)
        options = {"priorities": text, **more.pop("options", {})}
        return self.submit(*clusters, select_algorithm="constraint", select_options=options, **more)


def prioritized(*priorities):
    """Return the option `priorities` for lists of steps, the first of which is tried first."""
    return json.dumps([{"priority": number, "steps": steps} for number, steps in enumerate(priorities, 1)])


@contextmanager
def serving(**options):
    """Give a client of a server that lives as long."""
    server = Server(ServerOptions(**{"secret": SECRET, **options}))
    try:
        with grpc.insecure_channel(server.address, options=MESSAGE_LIMITS) as channel:
            yield Client(channel)
    finally:
        server.stop(1)


def refusal(call, *args, **kwargs):
    """Return the status code and the details that a call ends with."""
    try:
        response = call(*args, **kwargs)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError(f"expected the call to fail, it returned {response}")
