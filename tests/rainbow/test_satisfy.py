"""Satisfy: which clusters could take a job, with the semantics the matcher documents."""

import json

import pytest
from wire import Satisfaction, jgf, jobspec, machine, needs, nodes, on


def cores(count):
    return {"with": [{"type": "core", "count": count}]}


def test_counts_what_matches_and_what_does_not(rainbow):
    rainbow.add("big", machine(nodes=4))
    rainbow.add("small", machine(nodes=1))
    response = rainbow.satisfy(jobspec(nodes(2)))
    assert list(response.clusters) == ["big"]
    assert (response.total_clusters, response.total_matches, response.total_mismatches) == (2, 1, 1)


def test_no_match_is_a_success_without_clusters(rainbow):
    rainbow.add("cat")
    response = rainbow.satisfy(jobspec(nodes(5)))
    assert response.status == Satisfaction.RESULT_TYPE_SUCCESS
    assert list(response.clusters) == []
    assert (response.total_matches, response.total_mismatches) == (0, 1)


def test_no_clusters_is_a_success(rainbow):
    response = rainbow.satisfy()
    assert response.status == Satisfaction.RESULT_TYPE_SUCCESS
    assert (response.total_clusters, response.total_matches, response.total_mismatches) == (0, 0, 0)


@pytest.mark.parametrize("matcher", ["", "match"])
def test_the_matcher_is_match(rainbow, matcher):
    rainbow.add("cat")
    assert list(rainbow.satisfy(matcher=matcher).clusters) == ["cat"]


def test_a_jobspec_may_be_yaml(rainbow):
    rainbow.add("cat")
    text = """
        version: 1
        resources: {lammps: {type: node, replicas: 2, with: [{type: core, count: 2}]}}
        tasks: [{command: [lmp], resources: lammps}]
    """
    assert list(rainbow.satisfy(text).clusters) == ["cat"]


def test_clusters_are_sorted_and_each_named_once(rainbow):
    for name in ("dog", "ant", "cat", "bee"):
        rainbow.add(name)
    assert rainbow.candidates(nodes()) == ["ant", "bee", "cat", "dog"]


def test_asking_registers_nothing(rainbow):
    rainbow.add("cat")
    assert [rainbow.candidates(nodes(4)) for _ in range(3)] == [["cat"]] * 3


def test_two_requirements_on_one_subsystem_both_count(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky", release="8"))
    rocky, ubuntu = needs("os", "vendor", "rocky"), needs("os", "vendor", "ubuntu")
    eight, nine = needs("os", "release", "8"), needs("os", "release", "9")
    assert rainbow.candidates(nodes(1, rocky, eight)) == ["cat"]
    for wrong in ((ubuntu, eight), (eight, ubuntu), (rocky, nine), (nine, rocky)):
        assert rainbow.candidates(nodes(1, *wrong)) == []


def test_two_requirements_may_be_met_by_two_vertices_of_a_subsystem(rainbow):
    packages = {"a": {"type": "package", "name": "hdf5"}, "b": {"type": "package", "compiler": "gcc"}}
    rainbow.add("cat", spack=jgf(packages, "n0 a", "n0 b"))
    assert rainbow.candidates(nodes(1, needs("spack", "name", "hdf5"), needs("spack", "compiler", "gcc"))) == ["cat"]


def test_each_of_several_vertices_of_a_subsystem_is_asked(rainbow):
    versions = {f"v{number}": {"type": "package", "version": f"{number}.0"} for number in range(1, 6)}
    rainbow.add("cat", spack=jgf(versions, *(f"n0 {vertex}" for vertex in versions)))
    for number in range(1, 6):
        assert rainbow.candidates(nodes(1, needs("spack", "version", f"{number}.0"))) == ["cat"]
    two_to_three = needs("spack", "version", min="2.5", max="3.5")
    assert [rainbow.candidates(nodes(1, two_to_three)) for _ in range(20)] == [["cat"]] * 20


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (nodes(4, **cores(2)), True),
        (nodes(5, **cores(2)), False),
        (nodes(8, **cores(2)), False),
        (nodes(1, **cores(8)), False),
        ({"type": "cluster", "replicas": 1, **cores(8)}, True),
        ({"type": "rack", "replicas": 1}, False),
    ],
)
def test_counts_hold_for_each_vertex(rainbow, asked, fits):
    rainbow.add("cat", machine(nodes=4, cores=2))
    assert rainbow.candidates(asked) == (["cat"] if fits else [])


def test_one_rack_is_not_two(rainbow):
    rainbow.add("cat", jgf({"c": "cluster", "r": "rack", "n": "node"}, "c r", "r n"))
    assert rainbow.candidates({"type": "rack", "replicas": 1}) == ["cat"]
    assert rainbow.candidates({"type": "rack", "replicas": 2}) == []


def test_a_vertex_counts_for_its_size(rainbow):
    rainbow.add("cat", jgf({"n": "node", "k": {"type": "core", "size": 8}}, "n k"))
    assert rainbow.candidates(nodes(1, **cores(8))) == ["cat"]
    assert rainbow.candidates(nodes(1, **cores(9))) == []


def test_an_unknown_slot_type_matches_nothing(rainbow):
    rainbow.add("cat")
    assert rainbow.candidates({"type": "blade", "replicas": 1}) == []


def test_attributes_of_one_node_are_not_those_of_the_next(rainbow):
    rainbow.add("cat", machine(nodes=4), gpu=on("n2", model="a100"))
    gpu = needs("gpu", "model", "a100")
    assert rainbow.candidates(nodes(1, gpu)) == ["cat"]
    assert rainbow.candidates(nodes(2, gpu)) == []


def test_nodes_that_have_it_are_enough(rainbow):
    rainbow.add("cat", machine(nodes=4), gpu=on("n0 n3", model="a100"))
    gpu = needs("gpu", "model", "a100")
    assert rainbow.candidates(nodes(2, gpu)) == ["cat"]
    assert rainbow.candidates(nodes(3, gpu)) == []


def test_requirements_above_the_slot_are_checked(rainbow):
    rainbow.add("cat", jgf({"r": "rack", "n": "node"}, "r n"), cooling=jgf({"s": {"type": "x", "by": "air"}}, "r s"))

    def asked(by):
        inner = [{"type": "node", "count": 1}]
        return {"type": "rack", "replicas": 1, "requires": [needs("cooling", "by", by)], "with": inner}

    assert rainbow.candidates(asked("air")) == ["cat"]
    assert rainbow.candidates(asked("water")) == []


def test_requirements_below_the_slot_are_checked(rainbow):
    rainbow.add("cat", machine(nodes=2, cores=2), hardware=on("n0k0 n0k1 n1k0", isa="avx512"))

    def asked(replicas, count):
        inner = {"type": "core", "count": count, "requires": [needs("hardware", "isa", "avx512")]}
        return nodes(replicas, **{"with": [inner]})

    assert rainbow.candidates(asked(1, 2)) == ["cat"]
    assert rainbow.candidates(asked(2, 1)) == ["cat"]
    assert rainbow.candidates(asked(2, 2)) == []


@pytest.mark.parametrize("vendor", ["rocky", "ubuntu"])
def test_requirements_at_top_level_are_checked(rainbow, vendor):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    found = rainbow.candidates(nodes(), requires={"host": [needs("os", "vendor", vendor)]})
    assert found == (["cat"] if vendor == "rocky" else [])


@pytest.mark.parametrize("vendor", ["rocky", "ubuntu"])
def test_requirements_of_a_task_are_checked(rainbow, vendor):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    spec = jobspec(nodes(), requires={"host": [needs("os", "vendor", vendor)]})
    spec["tasks"][0]["requires"] = "host"
    assert list(rainbow.satisfy(spec).clusters) == (["cat"] if vendor == "rocky" else [])


def test_all_groups_of_resources_have_to_fit(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    fits, does_not = nodes(1, needs("os", "vendor", "rocky")), nodes(1, needs("os", "vendor", "plan9"))
    assert rainbow.candidates(fits, fits) == ["cat"]
    for _ in range(10):
        assert rainbow.candidates(fits, does_not) == rainbow.candidates(does_not, fits) == []


def test_a_group_that_no_task_refers_to_is_not_asked_for(rainbow):
    rainbow.add("cat")
    spec = jobspec(nodes())
    spec["resources"]["unused"] = nodes(99)
    assert list(rainbow.satisfy(spec).clusters) == ["cat"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(4, "4"), (1.5, "1.5"), (True, "true"), (False, "false")],
)
def test_metadata_that_is_no_string_compares_by_its_json_text(rainbow, value, text):
    rainbow.add("cat", hardware=on("n0", field=value))
    assert rainbow.candidates(nodes(1, needs("hardware", "field", text))) == ["cat"]
    assert rainbow.candidates(nodes(1, needs("hardware", "field", text + "0"))) == []


@pytest.mark.parametrize("value", [None, {}, {"a": 1}, [], ["x"]])
def test_metadata_that_is_no_scalar_matches_nothing(rainbow, value):
    rainbow.add("cat", hardware=on("n0", field=value, other="x"))
    assert rainbow.candidates(nodes(1, needs("hardware", "field", json.dumps(value)))) == []
    assert rainbow.candidates(nodes(1, needs("hardware", "other", "x"))) == ["cat"]


def test_a_missing_field_or_subsystem_does_not_match(rainbow):
    rainbow.add("cat", os=on("n0", vendor="rocky"))
    assert rainbow.candidates(nodes(1, needs("os", "release", "8"))) == []
    assert rainbow.candidates(nodes(1, needs("mpi", "vendor", "rocky"))) == []
    assert rainbow.candidates(nodes(1, needs("os", "release", ""))) == []


def test_an_attribute_on_a_vertex_of_another_type_does_not_match(rainbow):
    rainbow.add("cat", os=on("c", vendor="rocky"))
    assert rainbow.candidates(nodes(1, needs("os", "vendor", "rocky"))) == []


@pytest.mark.parametrize(
    ("version", "bounds", "fits"),
    [
        ("1.10", {"min": "1.9"}, True),
        ("1.9", {"min": "1.10"}, False),
        ("v1.2", {"min": "1.2", "max": "1.2.0"}, True),
        ("01.2.3", {"min": "1.2.3", "max": "1.2.3"}, True),
        ("0.5.3", {"min": "0.5.1", "max": "0.5.5"}, True),
        ("0.5.6", {"min": "0.5.1", "max": "0.5.5"}, False),
        ("2021.10.3", {"max": "2021"}, True),
        ("develop", {"min": "0"}, False),
        ("1.2.3.4", {"min": "0"}, False),
        ("2020a", {"min": "0"}, False),
        ("1.2", {"min": "develop"}, False),
        ("1.2", {"max": "2020a"}, False),
    ],
)
def test_versions(rainbow, version, bounds, fits):
    rainbow.add("cat", mpi=on("n0", version=version))
    assert rainbow.candidates(nodes(1, needs("mpi", "version", **bounds))) == (["cat"] if fits else [])


@pytest.mark.parametrize("version", ["develop", "1.2.3.4", "2020a", "v1.2"])
def test_odd_versions_match_by_equality(rainbow, version):
    rainbow.add("cat", mpi=on("n0", version=version))
    assert rainbow.candidates(nodes(1, needs("mpi", "version", version))) == ["cat"]


def test_text_that_means_something_elsewhere_is_only_text(rainbow):
    odd = "a'b\"c%_;--\n☃"
    rainbow.add(odd.replace("\n", ""), os=on("n0", **{odd: odd}))
    assert rainbow.candidates(nodes(1, needs("os", odd, odd))) == [odd.replace("\n", "")]
    assert rainbow.candidates(nodes(1, needs("os", odd, "%"))) == []


def test_an_answer_is_the_same_every_time(rainbow):
    """Vertices without the subsystem, several vertices on one node, and two groups are where chance could come in."""
    packages = {f"p{n}": {"type": "package", "name": f"name{n}", "version": f"0.5.{n}"} for n in range(8)}
    rainbow.add(
        "cat",
        machine(nodes=4, cores=4),
        spack=jgf(packages, *(f"n{n % 4} p{n}" for n in range(8))),
        io=on("n1k1 n3k2", match="shm"),
    )
    ranged = nodes(2, needs("spack", "version", min="0.5.1", max="0.5.5"))
    shm = {"type": "core", "count": 1, "requires": [needs("io", "match", "shm")]}
    yes = [(ranged,), (ranged, ranged), (nodes(2, **{"with": [shm]}),)]
    no = [(ranged, nodes(5)), (nodes(5), ranged), (nodes(3, **{"with": [shm]}),)]
    for asked in yes:
        assert [rainbow.candidates(*asked) for _ in range(30)] == [["cat"]] * 30
    for asked in no:
        assert [rainbow.candidates(*asked) for _ in range(30)] == [[]] * 30
