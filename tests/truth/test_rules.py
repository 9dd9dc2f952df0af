"""Ground truth: rules, of which the first that holds gives the score."""

from __future__ import annotations

import csv
import json
import os
from fractions import Fraction
from pathlib import Path

import pytest

from pytest_compat.declare.catalog import load_experiment
from pytest_compat.declare.rules import Rule
from pytest_compat.declare.truthtable import Entry, TruthTable
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Vertex
from pytest_compat.truth import GroundTruth

OS = Requirement("os", "os.full", match="rocky8")
GPU = Requirement("gpu", "available", match="yes")


def cluster(name: str, *nodes: dict[str, dict[str, str]]) -> Cluster:
    """Build a cluster with one node for each mapping of attributes by subsystem."""
    containment = Graph({str(number): Vertex("node") for number in range(len(nodes))})
    subsystems: dict[str, Graph] = {}
    for subsystem in sorted({each for node in nodes for each in node}):
        having = {str(number): node[subsystem] for number, node in enumerate(nodes) if subsystem in node}
        vertices = {f"v{host}": Vertex(subsystem, 1, tuple(attributes.items())) for host, attributes in having.items()}
        subsystems[subsystem] = Graph(vertices, tuple((host, f"v{host}") for host in having))
    return Cluster(name, containment, subsystems)


ROCKY, GPUS = {"os": {"os.full": "rocky8"}}, {"gpu": {"available": "yes"}}
CLUSTERS = (
    cluster("both", {**ROCKY, **GPUS}, {}),
    cluster("apart", ROCKY, GPUS),
    cluster("rocky", ROCKY, {"gpu": {"available": "no"}}),
    cluster("gpu", GPUS, GPUS),
    cluster("neither", {}, {}),
    cluster("small", {**ROCKY, **GPUS}),
)


def job(*requires: Requirement, nodes: int = 1) -> Jobspec:
    within = (Resource("node", nodes, True),) if nodes > 1 else ()
    groups = {"g": Resource("node", 1, True, requires)}
    return Jobspec("job", groups if not within else {**groups, "h": within[0]})


def best(*rules: Rule, asked: Jobspec) -> set[str]:
    scores = GroundTruth(CLUSTERS, rules).scores(asked)
    assert list(scores) == [each.name for each in CLUSTERS]
    return {name for name, score in scores.items() if score == 1}


@pytest.mark.parametrize(
    ("unmet", "names"),
    [
        ([], {"both", "small"}),
        (["gpu"], {"rocky"}),
        (["os"], {"gpu"}),
        (["gpu", "os"], {"neither"}),
        (["combination"], {"apart"}),
        (["resources"], set()),
    ],
)
def test_what_is_unmet_is_exactly_what_the_rule_says(unmet: list[str], names: set[str]) -> None:
    assert best(Rule("1", frozenset(unmet)), asked=job(OS, GPU)) == names


def test_without_the_resources_nothing_else_is_said() -> None:
    assert best(Rule("1", frozenset({"resources"})), asked=job(OS, GPU, nodes=2)) == {"small"}
    assert best(Rule("1", frozenset()), asked=job(OS, GPU, nodes=2)) == {"both"}


def test_the_first_rule_that_holds_decides() -> None:
    rules = (Rule("0.25", frozenset({"gpu"})), Rule("0.5"), Rule("1"))
    scores = GroundTruth(CLUSTERS, rules).scores(job(OS, GPU))
    assert (scores["rocky"], scores["both"]) == (Fraction(1, 4), Fraction(1, 2))


def test_a_pair_no_rule_speaks_of_scores_nothing() -> None:
    assert set(GroundTruth(CLUSTERS, ()).scores(job(OS)).values()) == {Fraction(0)}


def test_scores_are_the_fractions_written() -> None:
    assert set(GroundTruth(CLUSTERS, [Rule("0.1")]).scores(job()).values()) == {Fraction(1, 10)}


def test_what_is_lacking_may_be_one_of_several_that_are_unmet() -> None:
    rules = (
        Rule("0", lacks=frozenset({"gpu"}), reason="no gpu"),
        Rule("0.5", lacks=frozenset({"os"}), reason="another os"),
        Rule("1"),
    )
    found = GroundTruth(CLUSTERS, rules).judgements(job(OS, GPU))
    assert {name: (each.score, each.reason) for name, each in found.items()} == {
        "both": (1, ""),
        "small": (1, ""),
        "apart": (1, ""),  # each need is met there, by another node: what is lacking is `combination`
        "rocky": (0, "no gpu"),
        "gpu": (Fraction(1, 2), "another os"),
        "neither": (0, "no gpu"),
    }


def test_a_table_decides_about_the_pairs_it_has() -> None:
    table = TruthTable({"job": {"both": Entry(Fraction(3, 4)), "gpu": Entry(Fraction(0), "crashed")}})
    rules = (Rule("0", lacks=frozenset({"gpu"}), reason="no gpu"), Rule(table=table, reason="slow"), Rule("0.5"))
    found = GroundTruth(CLUSTERS, rules).judgements(job(GPU))
    assert (found["both"].score, found["both"].reason) == (Fraction(3, 4), "slow")
    assert (found["gpu"].score, found["gpu"].reason) == (0, "crashed")
    assert (found["small"].score, found["small"].reason) == (Fraction(1, 2), "")
    assert (found["neither"].score, found["neither"].reason) == (0, "no gpu")


def test_times_score_beside_the_best_that_can_be_chosen() -> None:
    """Neither what no cluster is, nor what a rule before has ruled out, is a choice."""
    entries = {"nowhere": 1.0, "rocky": 2.0, "both": 4.0, "gpu": 16.0}
    table = TruthTable({"job": {name: Entry(None, "", seconds) for name, seconds in entries.items()}}, "measured", "m")
    rules = (Rule("0", lacks=frozenset({"gpu"}), reason="no gpu"), Rule(table=table, reason="slow"))
    found = GroundTruth(CLUSTERS, rules).judgements(job(GPU))
    assert {name: (each.score, each.reason) for name, each in found.items() if each.seconds} == {
        "both": (1, ""),
        "gpu": (Fraction("0.25"), "slow"),
    }
    assert found["rocky"].reason == "no gpu"


def test_a_rule_may_speak_of_what_the_job_requires() -> None:
    rule = Rule("1", job={"os.full": "rocky8"})
    assert best(rule, asked=job(OS)) == {each.name for each in CLUSTERS}
    assert best(rule, asked=job(GPU)) == set()


def test_a_rule_may_speak_of_what_the_cluster_has() -> None:
    assert best(Rule("1", cluster={"available": "no"}), asked=job()) == {"rocky"}


def test_a_job_without_needs_suits_every_cluster() -> None:
    assert best(Rule("1", frozenset()), asked=job()) == {each.name for each in CLUSTERS}


def test_the_rules_of_lammps_give_the_published_table() -> None:
    data = os.environ.get("COMPAT_DATA")
    if not data:
        pytest.skip("COMPAT_DATA does not name the folder of published data")
    folder = Path(data, "simulation-lammps")
    colours = {
        frozenset(attributes.items()): colour
        for colour, attributes in json.loads((folder / "clusters.json").read_text()).items()
    }
    experiment = load_experiment(Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml")
    truth = GroundTruth(experiment.clusters, experiment.truth)
    ours = {
        (colours[attributes_of(each)], asked.name): truth.scores(asked)[each.name]
        for asked in experiment.jobs
        for each in experiment.clusters
    }
    with (folder / "matches.csv").open(newline="") as file:
        published = {
            (row["cluster"], name): Fraction(score)
            for row in csv.DictReader(file)
            for name, score in row.items()
            if name in {asked.name for asked in experiment.jobs}
        }
    assert len(published) == 48 * 18
    assert ours == published


def attributes_of(each: Cluster) -> frozenset[tuple[str, str]]:
    return frozenset(
        pair for graph in each.subsystems.values() for vertex in graph.vertices.values() for pair in vertex.attributes
    )
