"""Log-odds that add up, and the two parts that an engine multiplies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.models.additive import Additive, Table
from pytest_compat.models.features import ABSENT, tabulate

VERSIONS = ["1.0", "1.2", "1.10", "2.0"]
weights = st.dictionaries(st.sampled_from([ABSENT, *VERSIONS]), st.floats(-5, 5), min_size=1)
tables = st.builds(Table, weights, st.floats(-5, 5))
models = st.builds(
    Additive,
    st.floats(-5, 5),
    st.dictionaries(st.sampled_from(["version", "variant:x", "dependency:a", "dependency:b"]), tables),
)
jobs = st.lists(
    st.fixed_dictionaries(
        {"version": st.sampled_from(VERSIONS)},
        optional={
            name: st.sampled_from(VERSIONS) for name in ("variant:x", "dependency:a", "dependency:b", "dependency:c")
        },
    ),
    min_size=1,
    max_size=5,
)
clusters = st.lists(st.fixed_dictionaries({name: st.sampled_from(VERSIONS) for name in "abc"}), min_size=1, max_size=4)


@given(models, jobs, clusters)
def test_jobs_on_clusters_are_one_matrix_product(
    model: Additive, jobs: list[dict[str, str]], clusters: list[dict[str, str]]
) -> None:
    table = tabulate(jobs)
    versions = {name: [cluster[name] for cluster in clusters] for name in "abc"}
    found = model.job_part(table)[:, None] + model.has(table) @ model.dependency_part(versions, len(clusters))
    for row, job in enumerate(jobs):
        for column, cluster in enumerate(clusters):
            sent = {name: cluster.get(name.removeprefix("dependency:"), value) for name, value in job.items()}
            plain = sum(table.weight(sent.get(name, ABSENT)) for name, table in model.tables.items())
            assert found[row, column] == pytest.approx(model.intercept + plain, abs=1e-9)
            assert model.log_odds(tabulate([sent]))[0] == pytest.approx(found[row, column], abs=1e-9)


@pytest.mark.parametrize(
    ("value", "weight"),
    [("1.2", 9.0), ("0.1", 0.0), ("1.1", 0.0), ("1.3", 1.0), ("1.10.1", 3.0), ("develop", 3.0), ("kitware", 7.0)],
)
def test_a_version_that_was_never_seen_counts_as_the_last_before_it(value: str, weight: float) -> None:
    table = Table({"1.0": 5.0, "1.2": 9.0, "1.10": 5.0}, 7.0, {"1.0": 0.0, "1.2": 1.0, "1.10": 3.0})
    assert table.weight(value) == weight


def test_versions_of_another_compiler_say_nothing() -> None:
    table = Table({"gcc@9.1": 5.0}, 7.0, {"gcc@9.1": 1.0})
    assert [table.weight(value) for value in ("gcc@10", "clang@10", "gcc@?")] == [1.0, 7.0, 7.0]


def test_a_dependency_that_clusters_do_not_offer_counts_as_unseen() -> None:
    model = Additive(0.0, {"dependency:a": Table({"1.0": 1.0}, 0.5)})
    assert model.dependency_part({}, 3).tolist() == [[0.5, 0.5, 0.5]]
