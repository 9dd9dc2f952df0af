"""What the shipped rules make of what programs print."""

from __future__ import annotations

import pytest
from reasons_printed import BANNER, COMMAND, FINISHED, HARMLESS, PRINTED, SUCCESS

from pytest_compat.reasons import REASONS, classify, load_rules

EVERY = [pytest.param(reason, text, id=text.splitlines()[0][:60]) for reason in PRINTED for text in PRINTED[reason]]
COMMANDS = ["", COMMAND, "$ mpirun -np 4 lmp_gpu -in in.lj\n", "flux submit -n4 singularity exec x.sif lmp\n"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("reason", "text"), EVERY)
class TestEveryLine:
    def test_is_known_alone(self, reason: str, text: str, command: str) -> None:
        found = classify(f"{command}{text}\n")
        assert found.reason == reason
        assert found.line in text.splitlines()
        assert f"{command}{text}".splitlines()[found.number - 1] == found.line

    def test_is_known_among_harmless_lines(self, reason: str, text: str, command: str) -> None:
        noise = "\n".join(HARMLESS)
        assert classify(f"{command}{noise}\n{text}\n{noise}\n").reason == reason

    def test_did_not_end_a_run_that_finished_later(self, reason: str, text: str, command: str) -> None:
        found = classify(f"{command}{text}\n{SUCCESS}")
        assert (found.reason, found.line) == ("success", FINISHED.strip())


@pytest.mark.parametrize("line", HARMLESS)
def test_a_harmless_line_decides_nothing(line: str) -> None:
    found = classify(f"{COMMAND}{line}\n{BANNER}")
    assert (found.reason, found.rule) == ("unknown", "last line")


class TestRoot:
    """Of several complaints the one that brought about the others."""

    @pytest.mark.parametrize(
        ("reason", "lines"),
        [
            ("os abi issue", [PRINTED["os abi issue"][2], "mpirun was unable to start", "  Exit code:    127"]),
            ("os abi issue", [PRINTED["os abi issue"][0], "ORTE has lost communication with a remote daemon."]),
            ("missing gpu", [PRINTED["missing gpu"][0], "flux-job: task(s) exited with exit code 127"]),
            ("missing gpu", [BANNER, PRINTED["missing gpu"][5], "MPI_ABORT was invoked on rank 0", "Killed"]),
            ("mpi error", [PRINTED["mpi error"][0], "job.exception: type=exec MPI_Abort: aborted", "Killed"]),
            ("out of memory", [BANNER, PRINTED["out of memory"][0], "ORTE has lost communication with a daemon."]),
            ("time limit", [BANNER, PRINTED["time limit"][0], "task 0: Killed", "[a] PMIX ERROR: timeout in file x"]),
            ("time limit", [BANNER, PRINTED["time limit"][1], "rc2.0: flux submit lmp Exited (rc=142) 0.8s"]),
            ("wrong architecture", [PRINTED["wrong architecture"][0], "  Exit code:    126"]),
            ("missing executable", ["flux-job: task(s) exited with exit code 127"]),
            ("out of memory", [BANNER, "=   EXIT CODE: 9", PRINTED["out of memory"][10]]),
        ],
    )  # fmt: skip
    def test_comes_before_what_follows(self, reason: str, lines: list[str]) -> None:
        assert classify(COMMAND + "\n".join(lines)).reason == reason

    def test_is_not_what_the_run_had_behind_it(self) -> None:
        text = "\n".join([COMMAND, PRINTED["mpi error"][8], BANNER, PRINTED["out of memory"][0]])
        assert classify(text).reason == "out of memory"

    def test_is_an_error_of_lammps_before_what_mpi_makes_of_it(self) -> None:
        error = "ERROR: Unknown command: foo (src/input.cpp:314)"
        text = (
            f"{COMMAND}{BANNER}{error}\nPrimary job  terminated normally, but 1 process returned\n  Exit code:    1\n"
        )
        assert (classify(text).reason, classify(text).line) == ("unknown", error)

    def test_is_not_what_a_tool_complains_of_that_is_no_part_of_the_run(self) -> None:
        foreign = "git-lfs: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by git-lfs)"
        found = classify(f"{COMMAND}{foreign}\n{PRINTED['mpi error'][0]}\n")
        assert found.reason == "mpi error"
        assert [other.line for other in found.others if other.reason == "os abi issue"] == [foreign]

    def test_is_what_a_tool_complains_of_that_a_command_line_names(self) -> None:
        line = "curl: /lib64/libc.so.6: version `GLIBC_2.34' not found (required by curl)"
        assert classify(f"srun -n 2 curl\n{line}").reason == "os abi issue"
        assert classify(f"srun -n 2 lmp\n{line}").reason == "unknown"

    def test_is_what_a_stranger_complains_of_where_the_status_says_so(self) -> None:
        text = f"{COMMAND}./setup.sh: line 3: helper: command not found\n"
        assert classify(text).reason == "unknown"
        assert classify(text, status=127).reason == "missing executable"


class TestMissing:
    def test_versions_are_listed_once_and_sorted(self) -> None:
        assert classify("\n".join(PRINTED["os abi issue"][:5] * 2)).missing == (
            "CXXABI_1.3.13", "GLIBCXX_3.4.30", "GLIBC_2.29", "GLIBC_2.34", "GLIBC_2.38",
        )  # fmt: skip

    def test_versions_that_others_lack_are_left_out(self) -> None:
        foreign = "curl: /lib64/libc.so.6: version `GLIBC_2.99' not found (required by curl)"
        assert classify(f"{COMMAND}{foreign}\n{PRINTED['os abi issue'][0]}").missing == ("GLIBC_2.34",)

    def test_nothing_is_missing_in_a_run_that_succeeded(self) -> None:
        found = classify(f"{PRINTED['os abi issue'][0]}\n{SUCCESS}")
        assert found.missing == ()
        assert [other.rule for other in found.others] == ["symbol version"]


class TestEnd:
    def test_a_run_that_is_ended_after_its_work_was_done_succeeded(self) -> None:
        assert classify(SUCCESS + PRINTED["time limit"][0]).reason == "success"

    def test_an_exit_status_outweighs_work_that_was_done(self) -> None:
        text = f"{SUCCESS}{PRINTED['time limit'][0]}\nrc2.0: flux submit lmp Exited (rc=142) 9s\n"
        assert classify(text).reason == "time limit"
        assert classify(SUCCESS, status=1).reason == "unknown"

    def test_a_second_run_in_the_log_decides(self) -> None:
        failed = f"{BANNER}{PRINTED['out of memory'][0]}\n"
        assert classify(SUCCESS + failed).reason == "out of memory"
        assert classify(failed + SUCCESS).reason == "success"

    def test_the_status_of_a_run_before_the_last_one_is_not_its_own(self) -> None:
        found = classify(f"rc2.0: lmp Exited (rc=1) 3s\n{BANNER}  2432 atoms\n")
        assert (found.rule, found.line) == ("last line", "  2432 atoms")

    def test_status_0_is_success_without_a_sign_of_the_work(self) -> None:
        assert classify("done\nrc2.0: osu_latency Exited (rc=0) 3s\nSegmentation fault\n").reason == "success"
        assert classify("whatever", status=0).reason == "success"

    def test_status_0_of_a_script_hides_no_cause(self) -> None:
        text = f"{PRINTED['os abi issue'][2]}\nrc2.0: bash job.sh Exited (rc=0) 3s\n"
        assert classify(text).reason == "os abi issue"
        assert classify(text, status=0).reason == "success"

    @pytest.mark.parametrize(
        ("status", "reason"), [(124, "time limit"), (127, "missing executable"), (137, "out of memory"), (3, "unknown")]
    )
    def test_a_given_status_is_a_reason_where_the_log_has_none(self, status: int, reason: str) -> None:
        found = classify("working\n", status=status)
        assert (found.reason, found.line, found.number) == (reason, f"exit status {status}", 0)


class TestUnknown:
    def test_of_an_empty_log_says_so(self) -> None:
        for text in ("", "\n \n\n"):
            found = classify(text)
            assert (found.reason, found.rule, found.line, found.number) == ("unknown", "empty log", "", 0)

    def test_of_a_log_that_ends_too_early_shows_its_last_line(self) -> None:
        found = classify(f"{BANNER}  2432 atoms\n\n")
        assert (found.reason, found.line, found.number) == ("unknown", "  2432 atoms", 3)

    def test_shows_the_line_that_speaks_of_an_error(self) -> None:
        assert classify("one\nsome error: 17 things\ntwo\n").line == "some error: 17 things"


def test_every_reason_but_success_has_a_rule() -> None:
    assert {rule.reason for rule in load_rules().rules if rule.kind == "causes"} == set(REASONS) - {"success"}


def test_every_cause_says_what_it_means_and_who_prints_it_and_is_called_by_a_name_of_its_own() -> None:
    causes = [rule for rule in load_rules().rules if rule.kind == "causes"]
    assert all(rule.means and rule.source for rule in causes)
    assert len({rule.name for rule in causes}) == len(causes)


def test_symptoms_stand_behind_all_other_causes() -> None:
    kinds = [rule.symptom for rule in load_rules().rules if rule.kind == "causes" and rule.texts]
    assert kinds == sorted(kinds)
