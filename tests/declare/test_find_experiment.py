"""An experiment is found by its file, its folder, or its name in suites/."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_compat.declare.catalog import find_experiment, load_experiment
from pytest_compat.errors import DeclarationError

SHIPPED = Path(__file__).parents[2] / "suites" / "lammps" / "experiment.yaml"


def experiment(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "experiment.yaml"
    path.write_text("experiment: mine", encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["mine.yaml", "mine.yml", "folder/mine.yaml"])
def test_a_yaml_file_is_a_path_from_the_start(tmp_path: Path, name: str) -> None:
    assert find_experiment(name, tmp_path) == tmp_path / name


def test_an_absolute_path_starts_nowhere(tmp_path: Path) -> None:
    path = experiment(tmp_path / "a")
    assert find_experiment(str(path), tmp_path / "b") == path
    assert find_experiment(str(path.parent), tmp_path / "b") == path


@pytest.mark.parametrize("given", [".", "./", "../here"])
def test_a_folder_that_holds_an_experiment_will_do(tmp_path: Path, given: str) -> None:
    path = experiment(tmp_path / "here")
    assert find_experiment(given, tmp_path / "here").resolve() == path


def test_a_name_is_looked_for_in_suites_going_up(tmp_path: Path) -> None:
    far, near = experiment(tmp_path / "suites" / "climate"), experiment(tmp_path / "a" / "suites" / "climate")
    below = tmp_path / "a" / "b"
    below.mkdir()
    assert find_experiment("climate", below) == near
    assert find_experiment("climate", tmp_path) == far


def test_a_suites_folder_without_it_does_not_end_the_search(tmp_path: Path) -> None:
    far, _ = experiment(tmp_path / "suites" / "climate"), experiment(tmp_path / "a" / "suites" / "other")
    assert find_experiment("climate", tmp_path / "a") == far


def test_what_ships_is_found_from_anywhere(tmp_path: Path) -> None:
    assert load_experiment(find_experiment("lammps", tmp_path)).name == "lammps"
    assert find_experiment("lammps", tmp_path).read_bytes() == SHIPPED.read_bytes()


def test_one_of_ones_own_wins_over_one_that_ships(tmp_path: Path) -> None:
    assert find_experiment("lammps", tmp_path) != (own := experiment(tmp_path / "suites" / "lammps"))
    assert find_experiment("lammps", tmp_path) == own


def test_what_an_experiment_calls_itself_will_do_as_reports_have_it(tmp_path: Path) -> None:
    """The commands that reports print name experiments as they name themselves."""
    own = experiment(tmp_path)
    assert find_experiment("mine", tmp_path) == own
    arm = find_experiment("image-selection-arm64", tmp_path)
    assert (arm.name, load_experiment(arm).name) == ("arm64.yaml", "image-selection-arm64")


def test_a_folder_without_an_experiment_does_not_hide_a_name(tmp_path: Path) -> None:
    (tmp_path / "lammps").mkdir()
    assert find_experiment("lammps", tmp_path).parent.name == "lammps"
    assert find_experiment("lammps", tmp_path).parent != tmp_path / "lammps"


def test_an_unknown_name_lists_those_there_are_and_the_nearest(tmp_path: Path) -> None:
    experiment(tmp_path / "suites" / "climate")
    with pytest.raises(DeclarationError) as caught:
        find_experiment("climat", tmp_path)
    assert str(caught.value).startswith(
        "unknown experiment 'climat', did you mean 'climate'? (known: climate, image_selection, lammps"
    )


def test_a_suite_without_an_experiment_is_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="unknown experiment 'speed'"):
        find_experiment("speed", tmp_path)
