"""The index answers as the semantics say, and as a plain matcher does."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import plain
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pytest_compat.errors import GraphError, JobspecError
from pytest_compat.matching import Index
from pytest_compat.model import Cluster, Graph, Jobspec, Requirement, Resource, Vertex
from pytest_compat.strategies import jobspecs, pools, resources

thorough = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GPU = Requirement("gpu", "available", match="yes")
ROCKY = Requirement("os", "os.full", match="rocky8")

Below = list[tuple[str, "Below"]]
T = TypeVar("T")


def tree(*roots: tuple[str, Below], name: str = "cluster") -> Cluster:
    """Build a cluster from nested (text, below) pairs: `core*4` has size 4, `node+gpu` has a GPU, `+rocky` an OS."""
    vertices: dict[str, Vertex] = {}
    contains: list[tuple[str, str]] = []
    hosts: dict[str, list[str]] = {"gpu": [], "rocky": []}

    def add(text: str, below: Below) -> str:
        what, *words = text.split("+")
        type, _, size = what.partition("*")
        id = str(len(vertices))
        vertices[id] = Vertex(type, int(size or 1))
        for word in words:
            hosts[word].append(id)
        contains.extend((id, add(*each)) for each in below)
        return id

    for root in roots:
        add(*root)
    subsystems = {
        "gpu": hung(hosts["gpu"], {"available": "yes"}),
        "os": hung(hosts["rocky"], {"os.full": "rocky8"}),
    }
    return Cluster(name, Graph(vertices, tuple(contains)), subsystems)


def hung(hosts: Sequence[str], *attributes: Mapping[str, str]) -> Graph:
    vertices = {f"s{number}": Vertex("s", 1, tuple(sorted(each.items()))) for number, each in enumerate(attributes)}
    return Graph(vertices, tuple((host, vertex) for host in hosts for vertex in vertices))


def slots(type: str, count: int = 1, *requires: Requirement, within: Sequence[Resource] = ()) -> Resource:
    return Resource(type, count, True, requires, tuple(within))


def amount(type: str, count: int = 1, *requires: Requirement, within: Sequence[Resource] = ()) -> Resource:
    return Resource(type, count, False, requires, tuple(within))


def takes(cluster: Cluster, *groups: Resource) -> bool:
    job = Jobspec("job", {f"group{number}": group for number, group in enumerate(groups)})
    answer = Index([cluster]).candidates(job) == (cluster.name,)
    assert plain.matches(cluster, job) == answer
    return answer


class TestAgainstThePlainMatcher:
    @thorough
    @given(pools(), jobspecs())
    def test_the_candidates_are_those_of_the_plain_matcher(self, pool: tuple[Cluster, ...], job: Jobspec) -> None:
        wanted = plain.candidates(list(pool), job)
        event(f"{'some' if wanted else 'no'} candidates")
        assert list(Index(pool).candidates(job)) == wanted

    @thorough
    @given(st.data())
    def test_siblings_of_one_type_share_what_there_is_as_in_the_plain_matcher(self, data: st.DataObject) -> None:
        cluster = data.draw(crowded(), "cluster")
        group = slots("cluster", 1, within=data.draw(siblings(), "siblings"))
        job = Jobspec("job", {"group": group})
        wanted = plain.matches(cluster, job)
        event(f"{'served' if wanted else 'not served'}")
        assert bool(Index([cluster]).candidates(job)) == wanted

    @quick
    @given(pools(), jobspecs(), st.randoms(use_true_random=False))
    def test_no_order_changes_an_answer(self, pool: tuple[Cluster, ...], job: Jobspec, chance: random.Random) -> None:
        assert Index(mixed([shuffle(each, chance) for each in pool], chance)).candidates(job) == Index(pool).candidates(
            job
        )

    @quick
    @given(pools(), st.lists(jobspecs(), min_size=2, max_size=3))
    def test_asking_again_gives_the_same(self, pool: tuple[Cluster, ...], jobs: list[Jobspec]) -> None:
        index = Index(pool)
        first = [index.candidates(job) for job in jobs]
        assert [index.candidates(job) for job in jobs] == first == [Index(pool).candidates(job) for job in jobs]

    @quick
    @given(pools(), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4) | st.none()), max_size=8), jobspecs())
    def test_clusters_that_come_and_go_leave_no_trace(
        self, pool: tuple[Cluster, ...], steps: list[tuple[int, int | None]], job: Jobspec
    ) -> None:
        index = Index()
        there: dict[str, Cluster] = {}
        for name, which in steps:
            if which is None:
                index.remove(str(name))
                there.pop(str(name), None)
            else:
                cluster = replace(pool[which % len(pool)], name=str(name))
                index.add(cluster)
                there[str(name)] = cluster
            assert index.candidates(job) == Index(there.values()).candidates(job)
            assert len(index) == len(there)

    @quick
    @given(pools(), resources(), resources())
    def test_more_groups_never_add_a_candidate(self, pool: tuple[Cluster, ...], one: Resource, other: Resource) -> None:
        index = Index(pool)
        both = index.candidates(Jobspec("both", {"one": one, "other": other}))
        assert set(both) == {*index.candidates(Jobspec("one", {"one": one}))} & {
            *index.candidates(Jobspec("other", {"other": other}))
        }


@st.composite
def crowded(draw: st.DrawFn) -> Cluster:
    """Draw a cluster of racks inside one another, with any of three things hung on them."""
    vertices = {"0": Vertex("cluster")}
    contains = []
    for number in range(1, draw(st.sampled_from(range(2, 8)))):
        vertices[str(number)] = Vertex("rack", draw(st.sampled_from((1, 1, 2, 3))))
        contains.append((draw(st.sampled_from(sorted(vertices)[:-1])), str(number)))
    racks = st.lists(st.sampled_from(sorted(vertices)), unique=True)
    return Cluster(
        "cluster", Graph(vertices, tuple(contains)), {each: hung(draw(racks), {"has": "yes"}) for each in "abc"}
    )


def siblings() -> st.SearchStrategy[list[Resource]]:
    needs = st.sets(st.sampled_from("abc"), max_size=1).map(
        lambda names: tuple(Requirement(name, "has", match="yes") for name in sorted(names))
    )
    return st.lists(
        st.builds(Resource, st.just("rack"), st.sampled_from((1, 1, 2, 3)), st.booleans(), needs),
        min_size=2,
        max_size=4,
    )


def shuffle(cluster: Cluster, chance: random.Random) -> Cluster:
    def mix(graph: Graph) -> Graph:
        return Graph(dict(mixed(graph.vertices.items(), chance)), tuple(mixed(graph.contains, chance)))

    subsystems = {name: mix(graph) for name, graph in mixed(cluster.subsystems.items(), chance)}
    return Cluster(cluster.name, mix(cluster.containment), subsystems)


def mixed(things: Iterable[T], chance: random.Random) -> list[T]:
    each = list(things)
    return chance.sample(each, len(each))


FOUR_NODES = tree(
    ("cluster", [("node+gpu", [("core*2", [])]), ("node", []), ("node+gpu", [("core*4", [])]), ("node", [])])
)


class TestSlots:
    @pytest.mark.parametrize(("replicas", "candidate"), [(1, True), (2, True), (3, False)])
    def test_two_of_four_nodes_with_gpu_are_two_and_not_three(self, replicas: int, candidate: bool) -> None:
        assert takes(FOUR_NODES, slots("node", replicas, GPU)) == candidate

    def test_nodes_without_requirement_are_all_four(self) -> None:
        assert takes(FOUR_NODES, slots("node", 4))
        assert not takes(FOUR_NODES, slots("node", 5))

    def test_each_slot_holds_its_counts_in_its_own_subtree(self) -> None:
        assert takes(FOUR_NODES, slots("node", 1, within=[amount("core", 4)]))
        assert takes(FOUR_NODES, slots("node", 2, within=[amount("core", 2)]))
        assert not takes(FOUR_NODES, slots("node", 2, within=[amount("core", 3)]))

    def test_a_slot_is_a_vertex_whatever_its_size(self) -> None:
        many, none = tree(("node*5", [])), tree(("node*0", []))
        assert not takes(many, slots("node", 2))
        assert takes(none, slots("node"))

    def test_slots_inside_one_another_count_once(self) -> None:
        nested = tree(("rack", [("rack", []), ("rack", [("rack", [])])]))
        assert takes(nested, slots("rack", 2))
        assert not takes(nested, slots("rack", 3))

    def test_an_outer_slot_counts_when_none_inside_it_suits(self) -> None:
        nested = tree(("rack+gpu", [("rack", [])]), ("rack", [("rack+gpu", [])]))
        assert takes(nested, slots("rack", 2, GPU))

    def test_slots_may_lie_below_several_roots(self) -> None:
        assert takes(tree(("cluster", [("node", [])]), ("node", [])), slots("node", 2))

    def test_a_type_that_is_not_there_is_no_candidate(self) -> None:
        assert not takes(FOUR_NODES, slots("socket"))

    def test_the_type_may_come_with_a_later_cluster(self) -> None:
        index = Index([FOUR_NODES])
        job = Jobspec("job", {"group": slots("socket")})
        assert index.candidates(job) == ()
        index.add(tree(("socket", []), name="late"))
        assert index.candidates(job) == ("late",)


class TestWithin:
    def test_a_count_sums_sizes_at_any_depth(self) -> None:
        node = tree(("node", [("core*2", []), ("socket", [("core*3", [("core*4", [])])])]))
        assert takes(node, slots("node", 1, within=[amount("core", 9)]))
        assert not takes(node, slots("node", 1, within=[amount("core", 10)]))

    def test_nested_replicas_count_disjoint_vertices(self) -> None:
        node = tree(("node", [("core*9", [("core", []), ("core", [])])]))
        assert takes(node, slots("node", 1, within=[slots("core", 2)]))
        assert not takes(node, slots("node", 1, within=[slots("core", 3)]))

    def test_a_vertex_does_not_hold_itself(self) -> None:
        assert not takes(tree(("rack", [])), slots("rack", 1, within=[slots("rack")]))

    def test_requirements_below_the_slot_are_checked(self) -> None:
        assert takes(FOUR_NODES, slots("cluster", 1, within=[slots("node", 2, GPU)]))
        assert not takes(FOUR_NODES, slots("cluster", 1, within=[slots("node", 3, GPU)]))

    def test_siblings_of_one_type_share_no_vertex(self) -> None:
        one, two = (tree(("cluster", [("node+gpu+rocky", [])] * number)) for number in (1, 2))
        asked = slots("cluster", 1, within=[slots("node", 1, GPU), slots("node", 1, ROCKY)])
        assert not takes(one, asked)
        assert takes(two, asked)

    def test_siblings_leave_each_other_what_only_they_can_use(self) -> None:
        nodes = tree(("cluster", [("node+gpu+rocky", []), ("node+gpu", [])]))
        assert takes(nodes, slots("cluster", 1, within=[slots("node", 1, GPU), slots("node", 1, ROCKY)]))

    def test_equal_siblings_ask_for_the_sum(self) -> None:
        asked = slots("cluster", 1, within=[slots("node", 2), slots("node", 2)])
        assert takes(FOUR_NODES, asked)
        assert not takes(FOUR_NODES, replace(asked, within=(*asked.within, slots("node", 1))))

    def test_an_amount_is_split_among_siblings(self) -> None:
        node = tree(("node", [("core*3+gpu+rocky", [])]))
        assert takes(node, slots("node", 1, within=[amount("core", 2, GPU), amount("core", 1, ROCKY)]))
        assert not takes(node, slots("node", 1, within=[amount("core", 2, GPU), amount("core", 2, ROCKY)]))

    def test_slots_of_siblings_do_not_lie_inside_one_another(self) -> None:
        rack = ("rack+gpu", [("rack+rocky", [])])
        asked = slots("cluster", 1, within=[slots("rack", 1, GPU), slots("rack", 1, ROCKY)])
        assert not takes(tree(("cluster", [rack])), asked)
        assert takes(tree(("cluster", [rack, rack])), asked)

    def test_fifty_different_siblings_are_decided_at_once(self) -> None:
        cores = [f"core{number}" for number in range(50)]
        cluster = Cluster(
            "cluster",
            Graph({"n": Vertex("node"), **dict.fromkeys(cores, Vertex("core"))}, tuple(("n", core) for core in cores)),
            {"id": Graph({f"i{core}": Vertex("id", 1, (("is", core),)) for core in cores},
                         tuple((core, f"i{core}") for core in cores))},
        )  # fmt: skip
        each = [slots("core", 1, Requirement("id", "is", match=core)) for core in cores]
        index = Index([cluster])
        assert index.candidates(Jobspec("job", {"group": slots("node", 1, within=each)})) == ("cluster",)
        each[0] = each[1]
        assert index.candidates(Jobspec("job", {"group": slots("node", 1, within=each)})) == ()

    def test_more_siblings_than_can_be_weighed_are_refused(self) -> None:
        within = [slots("core", 1, Requirement("os", "version", min=str(number))) for number in range(101)]
        with pytest.raises(JobspecError, match="more than 100 different requests for 'core'"):
            Index([FOUR_NODES]).candidates(Jobspec("job", {"group": slots("node", 1, within=within)}))

    def test_what_would_take_forever_is_refused(self) -> None:
        rack: tuple[str, Below] = ("rack+gpu", [("rack+rocky", []), ("rack", [])])
        for _ in range(3):
            rack = ("rack", [rack, rack, ("rack+gpu+rocky", [])])
        needs = [(GPU,), (ROCKY,), (GPU, ROCKY), ()]
        cluster = tree(("cluster", [rack] * 40))
        within = [slots("rack", 150, *each) for each in needs]
        with pytest.raises(JobspecError, match="side by side"):
            Index([cluster]).candidates(Jobspec("job", {"group": slots("cluster", 1, within=within)}))


class TestRequires:
    def test_two_requirements_on_one_subsystem_are_met_by_two_vertices(self) -> None:
        cluster = offering({"version": "1.2"}, {"name": "zlib"})
        asked = (Requirement("spack", "version", min="1"), Requirement("spack", "name", match="zlib"))
        assert takes(cluster, slots("node", 1, *asked))

    def test_two_nodes_do_not_make_up_for_one_another(self) -> None:
        nodes = tree(("cluster", [("node+gpu", []), ("node+rocky", [])]))
        assert not takes(nodes, slots("node", 1, GPU, ROCKY))

    def test_groups_are_independent_of_each_other(self) -> None:
        node = tree(("node+gpu+rocky", []))
        assert takes(node, slots("node", 1, GPU), slots("node", 1, ROCKY))

    def test_every_group_has_to_be_satisfied(self) -> None:
        assert not takes(FOUR_NODES, slots("node", 1, GPU), slots("node", 1, ROCKY))

    def test_only_a_direct_edge_hangs_a_vertex_on_another(self) -> None:
        inner = Graph(
            {"root": Vertex("s"), "leaf": Vertex("s", 1, (("available", "yes"),))}, (("0", "root"), ("root", "leaf"))
        )
        assert not takes(Cluster("cluster", Graph({"0": Vertex("node")}), {"gpu": inner}), slots("node", 1, GPU))

    def test_what_hangs_on_a_rack_does_not_hang_on_its_nodes(self) -> None:
        cluster = tree(("rack+gpu", [("node", [])]))
        assert takes(cluster, slots("rack", 1, GPU))
        assert not takes(cluster, slots("node", 1, GPU))

    def test_an_id_of_the_subsystem_wins_over_one_of_the_containment_graph(self) -> None:
        graph = Graph({"0": Vertex("s"), "1": Vertex("s", 1, (("available", "yes"),))}, (("0", "1"),))
        assert not takes(Cluster("cluster", Graph({"0": Vertex("node")}), {"gpu": graph}), slots("node", 1, GPU))

    @pytest.mark.parametrize(
        ("requirement", "met"),
        [
            (Requirement("spack", "version", match="develop"), True),
            (Requirement("spack", "version", match="Develop"), False),
            (Requirement("spack", "version", min="0"), False),
            (Requirement("spack", "release", match="1.10"), False),
            (Requirement("other", "version", match="develop"), False),
            (Requirement("spack", "empty", match=""), True),
        ],
        ids=str,
    )
    def test_a_value_is_met_by_its_very_text(self, requirement: Requirement, met: bool) -> None:
        assert takes(offering({"version": "develop", "empty": ""}), slots("node", 1, requirement)) == met


def offering(*attributes: Mapping[str, str]) -> Cluster:
    return Cluster("cluster", Graph({"0": Vertex("node")}), {"spack": hung(["0"], *attributes)})


class TestClusters:
    def test_a_job_without_groups_suits_every_cluster(self) -> None:
        assert Index([tree(("node", []), name=name) for name in "ba"]).candidates(Jobspec("job", {})) == ("a", "b")

    def test_no_clusters_no_candidates(self) -> None:
        assert Index().candidates(Jobspec("job", {"group": slots("node")})) == ()

    def test_the_later_of_one_name_replaces_the_earlier(self) -> None:
        index = Index([tree(("node+gpu", [])), tree(("node", []))])
        assert len(index) == 1
        assert index.candidates(Jobspec("job", {"group": slots("node", 1, GPU)})) == ()

    def test_a_replacement_that_is_no_tree_leaves_what_was_there(self) -> None:
        index = Index([tree(("node", []))])
        with pytest.raises(GraphError):
            index.add(Cluster("cluster", Graph({"a": Vertex("node")}, (("a", "a"),))))
        assert index.candidates(Jobspec("job", {"group": slots("node")})) == ("cluster",)

    def test_removing_what_is_not_there_is_no_error(self) -> None:
        Index().remove("nobody")

    def test_clusters_that_are_gone_leave_no_attributes_behind(self) -> None:
        index = Index()
        for number in range(20):
            index.add(offering({f"field{number}": "x"}))
            index.candidates(Jobspec("job", {}))
            index.remove("cluster")
        assert sum(len(table._values) + len(table._totals) for table in index._tables.values()) == 0
