"""How models are judged."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

import numpy as np
from builds_made import frame, made, probability, row
from hypothesis import given
from hypothesis import strategies as st

from pytest_compat.errors import DeclarationError
from pytest_compat.models.evaluation import (
    APART,
    BASE_RATE,
    NAIVE_BAYES,
    RANDOM,
    evaluate,
    judge_stored,
    split_apart,
    split_random,
)
from pytest_compat.models.judgement import judge
from pytest_compat.models.training import Builds, read_builds, train

told = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=30)


def apart_by_two(count: int = 60) -> list[dict]:
    """Return builds in pairs of near-duplicates that differ from all other pairs in two features."""
    rows = []
    for number in range(count):
        pair = number // 2
        changed = {
            "version": f"1.{pair}",
            "compiler_version": f"9.{pair // 2}",
            "variants": {"shared": bool(number % 2)},
            "dependencies": {"zlib": f"1.{(pair + 1) // 2}"},
        }
        rows.append(row("pairs", number, "success" if pair % 3 else "root_failure", **changed))
    return rows


def labelled(rows: list[dict]) -> Builds:
    return read_builds(frame(rows))[0]


@given(told)
def test_figures_are_those_of_their_definitions(told: list[tuple[float, bool, bool]]) -> None:
    said, came, majority = (list(each) for each in zip(*told, strict=True))
    found = judge(np.array(said), np.array(came), np.array(majority))
    count = len(told)
    given_to = [min(max(p if y else 1 - p, 1e-6), 1 - 1e-6) for p, y, _ in told]
    assert found.builds == count
    assert found.brier == pytest.approx(sum((p - y) ** 2 for p, y, _ in told) / count, abs=1e-12)
    assert found.log_loss == pytest.approx(-sum(map(math.log, given_to)) / count, rel=1e-9)
    assert found.accuracy == pytest.approx(sum((p >= 0.5) == y for p, y, _ in told) / count)
    assert found.majority == pytest.approx(sum(m == y for _, y, m in told) / count)
    pairs = [(p, q) for p, y, _ in told for q, z, _ in told if y and not z]
    expected = sum((p > q) + (p == q) / 2 for p, q in pairs) / len(pairs) if pairs else None
    assert found.auc == (None if expected is None else pytest.approx(expected))
    assert sum(part.builds for part in found.curve) == count
    assert sum(part.builds * part.said for part in found.curve) == pytest.approx(sum(said), abs=1e-9)
    assert sum(part.builds * part.succeeded for part in found.curve) == pytest.approx(sum(came))


def test_near_duplicates_are_never_on_both_sides() -> None:
    builds = labelled(apart_by_two())
    fold = split_apart(builds, 5)
    assert (fold[::2] == fold[1::2]).all()
    assert np.bincount(fold).tolist() == [12] * 5


def test_a_random_split_depends_on_its_seed_alone_and_parts_near_duplicates() -> None:
    builds = labelled(apart_by_two())
    fold = split_random(builds, 5, 1)
    assert (fold == split_random(builds, 5, 1)).all()
    assert (fold != split_random(builds, 5, 2)).any()
    assert (fold[::2] != fold[1::2]).any()
    assert set(fold) == set(range(5))


def test_models_come_near_the_truth_and_beat_what_they_are_held_to() -> None:
    rows = made(count=600)
    found = evaluate(labelled([*rows, row("few", 1, "success")])).judgements[RANDOM]
    truth = [(probability(each["dep_versions"][1]), each["label"] == "success") for each in rows]
    best = sum((p - came) ** 2 for p, came in truth) / len(truth)
    assert set(found) == {BASE_RATE, NAIVE_BAYES, "bayes", "ordered"}
    for kind in ("bayes", "ordered"):
        assert found[kind].brier < min(best + 0.01, found[BASE_RATE].brier)
        assert found[kind].accuracy > found[kind].majority + 0.2
        assert found[kind].builds == 600


def test_what_cannot_be_judged_is_listed() -> None:
    chain = [
        row("chain", number, "success" if number % 2 else "root_failure", version=f"1.{number}") for number in range(20)
    ]
    found = evaluate(labelled([*chain, *apart_by_two(), row("few", 1, "success")]))
    assert found.packages == {RANDOM: ("chain", "pairs"), APART: ("pairs",)}
    assert found.remarks == (
        "1 packages not judged, as they have not 5 successes and 5 failures: few",
        f"not judged with {APART}: all builds are near-duplicates of one another: chain",
    )


def test_labels_of_the_builds_kept_apart_change_no_prediction() -> None:
    builds = labelled(made(count=100))
    fold = split_random(builds, 5, 0)
    turned = Builds(
        builds.features, {"solver": np.where(fold == 0, ~builds.succeeded["solver"], builds.succeeded["solver"])},
        builds.rows, builds.count,
    )  # fmt: skip
    apart = builds.at(fold == 0).features["solver"]
    first, second = (train(each.at(fold != 0), "ordered").probabilities("solver", apart) for each in (builds, turned))
    assert (first == second).all()


def test_stored_models_are_judged_on_the_builds_given() -> None:
    models = train(labelled(made(count=300)), "bayes")
    found = judge_stored(models, labelled([*made(count=200, seed=9), row("few", 1, "success")]))
    assert found.packages == {"given": ("few", "solver")}
    assert found.judgements["given"]["bayes"].builds == 201
    assert found.judgements["given"]["bayes"].brier < found.judgements["given"][BASE_RATE].brier
    assert found.remarks == ("1 packages without a model, judged by base rates: few",)


def test_without_any_package_to_judge_there_is_an_error() -> None:
    with pytest.raises(DeclarationError, match="found no package with 5 successes and 5 failures among 1"):
        evaluate(labelled([row("few", 1, "success")]))
