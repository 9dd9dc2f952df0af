"""Probabilities for specs without labels."""

from __future__ import annotations

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from builds_made import frame, made, row

from pytest_compat.models import Models, predict, read_builds, train


@pytest.fixture(scope="module")
def models() -> Models:
    builds, _ = read_builds(frame([*made(), *made("tool", seed=2), row("few", 1, "success")]))
    return train(builds, "ordered")


def test_every_spec_has_a_probability_in_the_order_given(models: Models) -> None:
    mixed = [*made("tool", 40, 3), *made("solver", 40, 4), row("few", 1, ""), row("nobody", 1, "")]
    mixed = mixed[::3] + mixed[1::3] + mixed[2::3]
    specs = frame(mixed).drop(columns=["label", "error_cluster"])
    found = predict(models, specs).frame
    assert found["spec"].tolist() == specs["spec"].tolist()
    assert found["package"].tolist() == specs["package"].tolist()
    for index in range(len(specs)):
        alone = predict(models, specs.iloc[[index]]).frame
        assert alone["probability"][0] == pytest.approx(found["probability"][index], abs=1e-12)
    assert found["probability"].between(0, 1).all()
    bases = {"tool": "model", "solver": "model", "few": "base rate", "nobody": "unknown package"}
    assert found["basis"].tolist() == [bases[package] for package in found["package"]]


def test_labels_are_not_read(models: Models) -> None:
    specs = frame(made("solver", 20, 5))
    turned = specs.assign(label=["root_failure" if label == "success" else "success" for label in specs["label"]])
    assert predict(models, specs).frame.equals(predict(models, turned).frame)


def test_what_no_model_has_seen_is_listed_with_the_spec(models: Models) -> None:
    known = made("solver", 1, 6)[0]
    dependencies = dict(zip(known["dep_names"], known["dep_versions"], strict=True))
    odd = row(
        "solver", 7, "", version="?", compiler="oneapi", variants={"shared": True, "build_type": "Debug", "new": 1},
        dependencies={"cmake": dependencies["cmake"], "hdf5": "2.0.5", "mpich": "3.4"},
    )  # fmt: skip
    found = predict(models, frame([known, odd, row("few", 1, ""), row("nobody", 1, "")]))
    always = "always {} in training, so it makes no difference"
    never = "never there in training, so it makes no difference"
    assert found.remarks == (
        "few: 1 spec: its base rate stands for it (all 1 builds succeeded)",
        "nobody: 1 spec: unknown, so the rate of all packages stands for it",
        f"solver: 1 spec: compiler is 'oneapi': {always.format(repr('gcc'))}",
        f"solver: 1 spec: compiler_version is 'oneapi@9.3.1': {always.format(repr('gcc@9.3.1'))}",
        "solver: 1 spec: dependency:hdf5 is '2.0.5': never seen, so it counts by its place among the versions seen",
        f"solver: 1 spec: dependency:mpich is '3.4': {never}",
        f"solver: 1 spec: dependency:zlib is absent: {always.format(repr('1.2.11'))}",
        f"""solver: 1 spec: variant:build_type is '"Debug"': {always.format(repr('"Release"'))}""",
        f"solver: 1 spec: variant:new is '1': {never}",
        "solver: 1 spec: version is '?': never seen and no version that has an order, "
        "so it counts as the mean of those seen",
    )
    assert found.frame["unseen"].tolist() == [
        "",
        "compiler=oneapi; compiler_version=oneapi@9.3.1; dependency:hdf5=2.0.5; dependency:mpich=3.4; "
        'dependency:zlib=; variant:build_type="Debug"; variant:new=1; version=?',
        "",
        "",
    ]


def test_a_dependency_that_every_build_had_may_be_missing(models: Models) -> None:
    found = predict(models, frame([row("solver", 1, "", dependencies={})]))
    assert "solver: 1 spec: dependency:hdf5 is absent: never seen, so it says nothing" in found.remarks
