"""What models learn, and what stands for them where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

pandas = pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from builds_made import VERSIONS, frame, made, probability, row  # noqa: E402

from pytest_compat.errors import DeclarationError  # noqa: E402
from pytest_compat.models import KINDS, Models, read_builds, read_features, render, train  # noqa: E402
from pytest_compat.models.calibrate import FLATTEST, Calibration, calibrate  # noqa: E402
from pytest_compat.models.rates import fit_rates  # noqa: E402


def trained(rows: list[dict], kind: str = "ordered", seed: int = 0) -> Models:
    builds, left_out = read_builds(frame(rows))
    return train(builds, kind, seed, left_out)


def told(models: Models, hdf5: str) -> float:
    build = row("solver", 0, "", dependencies={"hdf5": hdf5, "cmake": "3.5", "zlib": "1.2.11"})
    build["variants"] = '{"shared": true, "build_type": "Release"}'
    return float(models.probabilities("solver", read_features(frame([build])))[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_finds_the_versions_that_break_builds(kind: str) -> None:
    models = trained(made(count=600), kind)
    for version in VERSIONS:
        assert told(models, version) == pytest.approx(probability(version), abs=0.1)


def test_an_order_of_versions_says_what_a_new_one_does_and_categories_do_not() -> None:
    rows = made(count=600, without="2.1")
    assert told(trained(rows, "ordered"), "2.1") == pytest.approx(0.05, abs=0.1)
    assert 0.2 < told(trained(rows, "bayes"), "2.1") < 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_builds_and_seed_give_the_same_bytes(kind: str) -> None:
    rows = made()
    assert render(trained(rows, kind, 3)) == render(trained(rows, kind, 3))


def test_constant_features_are_dropped_and_listed() -> None:
    found = trained(made()).packages["solver"]
    assert found.constants == {
        "compiler": "gcc",
        "compiler_version": "gcc@9.3.1",
        "dependency:zlib": "1.2.11",
        "variant:build_type": '"Release"',
    }
    assert found.model is not None
    assert sorted(found.model.tables) == ["dependency:cmake", "dependency:hdf5", "variant:shared", "version"]


def test_other_labels_train_nothing_and_are_listed() -> None:
    rows = made()
    others = [row("solver", 900 + n, label) for n, label in enumerate(["both", "other_failure", "both"])]
    models = trained([*others, *rows])
    assert models.packages == trained(rows).packages
    assert models.left_out == (
        "2 rows left out: their label is both, which trains nothing",
        "1 rows left out: their label is other_failure, which trains nothing",
    )


@pytest.mark.parametrize(
    ("labels", "changed", "why"),
    [
        (["success"] * 12, "version", "all 12 builds succeeded"),
        (["root_failure"] * 12, "version", "all 12 builds failed"),
        (["success", "root_failure"] * 2, "version", "4 builds, a model takes 5"),
        (["success", "root_failure"] * 6, "spec", "no feature varies among its 12 builds"),
    ],
)
def test_too_few_builds_get_the_base_rate_and_the_reason(labels: list[str], changed: str, why: str) -> None:
    few = [row("few", n, label, **{changed: f"1.{n}"}) for n, label in enumerate(labels)]
    models = trained([*few, *made()])
    found = models.packages["few"]
    assert (found.model, found.why) == (None, why)
    rate = labels.count("success") / len(labels)
    assert min(rate, models.rates.mean) <= models.base_rate("few") <= max(rate, models.rates.mean)
    assert models.probabilities("few", read_features(frame(few))).tolist() == [models.base_rate("few")] * len(few)


def test_a_single_failure_is_enough_for_a_model() -> None:
    rows = [row("solver", n, "success" if n else "root_failure", version=f"1.{n}") for n in range(5)]
    models = trained(rows)
    assert models.packages["solver"].model is not None
    failed, *succeeded = models.probabilities("solver", read_features(frame(rows)))
    assert failed < 0.5 < min(succeeded)


def test_an_unknown_package_gets_the_rate_of_all() -> None:
    models = trained([*made(), row("other", 1, "success")])
    assert models.base_rate("nobody") == models.rates.mean


def test_without_successes_and_root_failures_there_is_nothing_to_train_on() -> None:
    with pytest.raises(DeclarationError, match="found no rows labelled success or root_failure"):
        trained([row("solver", 1, "both")])


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(DeclarationError, match=r"unknown kind of model 'baye', did you mean 'bayes'\?"):
        trained(made(count=20), "baye")


def test_calibration_never_turns_the_order_round() -> None:
    found = calibrate(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([True, True, False, False]))
    assert found.slope == FLATTEST
    assert calibrate(np.array([1.0, 2.0]), np.array([True, True])) == Calibration()


def test_base_rates_are_drawn_towards_those_of_all_packages() -> None:
    alike = fit_rates([90, 91, 89, 90], [100] * 4)
    apart = fit_rates([100, 0, 100, 0], [100] * 4)
    assert alike.mean == pytest.approx(0.9, abs=0.01)
    assert apart.mean == pytest.approx(0.5, abs=0.01)
    assert alike.rate(0, 2) > 0.8
    assert apart.rate(0, 2) < 0.2
