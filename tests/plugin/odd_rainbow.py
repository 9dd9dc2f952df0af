"""A rainbow that misbehaves on request, as the Go server does unasked; a program of its own, for it can crash.

It takes the flags of the Go server, and `--odd WHAT[=JOB]`, repeatable. A job is known by the first word of its
command.

    crash          ends when a requirement has a number for its value
    toss=JOB       leaves out the first candidate of a job every other time
    lose           heeds only the last requirement on a subsystem
    stranger=JOB   assigns a job to a cluster that was never registered
    hang=JOB       never answers which clusters satisfy a job
    hang           answers nothing but registrations and the first question
    garbage=JOB    delivers a job as something that is no JSON
    misdeliver=JOB delivers a job to a cluster that it was not assigned to
    echo           ends every submission with an error that repeats secrets and tokens
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc

from pytest_compat.rainbow.proto import memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc


class Cluster:
    def __init__(self, name):
        self.name, self.token, self.secret = name, f"token-of-{name}", f"secret-of-{name}"
        self.offers, self.jobs = {}, {}


class OddRainbow(rainbow_pb2_grpc.RainbowSchedulerServicer, memory_pb2_grpc.MemoryGraphServicer):
    def __init__(self, secret, odd):
        self.secret = secret
        self.odd = {(what, job) for what, _, job in (each.partition("=") for each in odd)}
        self.clusters, self.asked = {}, Counter()

    def is_odd(self, what, job=""):
        return (what, job) in self.odd

    def Register(self, request, context):
        reply = rainbow_pb2.RegisterResponse
        if request.secret != self.secret:
            return reply(status=reply.REGISTER_DENIED)
        cluster = self.clusters[request.name] = Cluster(request.name)
        return reply(token=cluster.token, secret=cluster.secret, status=reply.REGISTER_SUCCESS)

    def RegisterSubsystem(self, request, context):
        reply = rainbow_pb2.RegisterResponse
        nodes = json.loads(request.nodes)["graph"]["nodes"].values()
        self.clusters[request.name].offers[request.subsystem] = [node["metadata"] for node in nodes]
        return reply(status=reply.REGISTER_SUCCESS)

    def Satisfy(self, request, context):
        reply = memory_pb2.SatisfyResponse
        document = json.loads(request.payload)
        job = document["tasks"][0]["command"][0]
        self.asked[job] += 1
        if self.is_odd("hang", job) or (self.is_odd("hang") and self.asked.total() > 1):
            time.sleep(60)
        names = [each.name for each in self.clusters.values() if self.satisfies(each, document)]
        if self.is_odd("toss", job) and self.asked[job] % 2 == 0:
            del names[0]
        return reply(status=reply.RESULT_TYPE_SUCCESS, clusters=names)

    def satisfies(self, cluster, document):
        requires = [each for group in document["resources"].values() for each in group.get("requires", [])]
        if self.is_odd("crash") and any(each["match"].isdecimal() for each in requires):
            print("panic: interface conversion: interface {} is float64, not string\n\ngoroutine 1:", file=sys.stderr)
            os._exit(2)
        if self.is_odd("lose"):
            requires = {each["name"]: each for each in requires}.values()
        return all(
            any(offer.get(each["field"]) == each["match"] for offer in cluster.offers.get(each["name"], []))
            for each in requires
        )

    def SubmitJob(self, request, context):
        reply = rainbow_pb2.SubmitJobResponse
        names = [each.name for each in request.clusters]
        if self.is_odd("echo"):
            tokens = ", ".join(each.token for each in request.clusters)
            context.abort(grpc.StatusCode.UNKNOWN, f"no row where secret = {self.secret} and token in {tokens}")
        if request.satisfy_only:
            return reply(status=reply.SUBMIT_SUCCESS, clusters=names)
        job = json.loads(request.jobspec)["tasks"][0]["command"][0]
        chosen = names[self.asked[job] % len(names)]
        if self.is_odd("stranger", job):
            return reply(status=reply.SUBMIT_SUCCESS, cluster="atlantis")
        keeper = next(name for name in self.clusters if name != chosen) if self.is_odd("misdeliver", job) else chosen
        text = "{{{" if self.is_odd("garbage", job) else json.dumps({"name": request.name})
        jobs = self.clusters[keeper].jobs
        jobs[len(jobs) + 1] = text
        return reply(status=reply.SUBMIT_SUCCESS, cluster=chosen)

    def ReceiveJobs(self, request, context):
        reply = rainbow_pb2.ReceiveJobsResponse
        if self.is_odd("hang") and self.asked:
            time.sleep(60)
        if request.cluster not in self.clusters:
            return reply(status=reply.REQUEST_JOBS_DENIED)
        jobs = self.clusters[request.cluster].jobs
        return reply(status=reply.REQUEST_JOBS_SUCCESS if jobs else reply.REQUEST_JOBS_NORESULTS, jobs=jobs)

    def AcceptJobs(self, request, context):
        self.clusters[request.cluster].jobs.clear()
        reply = rainbow_pb2.AcceptJobsResponse
        return reply(status=reply.RESULT_TYPE_SUCCESS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1:0")
    parser.add_argument("--db")
    parser.add_argument("--secret", default="open-sesame")
    parser.add_argument("--odd", action="append", default=[])
    arguments = parser.parse_args()
    rainbow = OddRainbow(arguments.secret, arguments.odd)
    server = grpc.server(ThreadPoolExecutor(16))
    rainbow_pb2_grpc.add_RainbowSchedulerServicer_to_server(rainbow, server)
    memory_pb2_grpc.add_MemoryGraphServicer_to_server(rainbow, server)
    port = server.add_insecure_port(arguments.host)
    server.start()
    print(f"127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
