"""Logs as they come: in colour, with the names of ranks, damaged, cut, huge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reasons_printed import BANNER, COMMAND, HARMLESS, PRINTED, SUCCESS

from pytest_compat.reasons import classify
from pytest_compat.reasons.find import Finder
from pytest_compat.reasons.scan import BLOCK, LONGEST_LINE, MAX_SHOWN

STARTED = [(reason, text) for reason in PRINTED if reason != "unknown" for text in PRINTED[reason] if "\n" not in text]
unhurried = settings(deadline=None)
failures = st.sampled_from(STARTED)
noise = st.lists(st.sampled_from(HARMLESS), max_size=8)
prefixes = st.sampled_from(
    ["", "0: ", "12: ", "[1,0]<stderr>:", "[1,3]<stderr>: ", "[0] ", "2024-02-07T03:33:13Z ", "node7: "]
)


@unhurried
@given(failures, noise, noise, prefixes)
def test_the_name_of_a_rank_before_each_line_changes_nothing(
    failure: tuple[str, str], before: list[str], after: list[str], prefix: str
) -> None:
    reason, text = failure
    lines = [*before, text, *after]
    assert classify(COMMAND + "\n".join(prefix + line for line in lines)).reason == reason


@unhurried
@given(
    failures,
    noise,
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\x1b[31m", "\x1b[1;38;5;9m", "\x1b]0;title\x07"]),
)
def test_line_ends_and_colours_change_nothing(
    failure: tuple[str, str], before: list[str], end: str, colour: str
) -> None:
    reason, text = failure
    words = [f"{colour}{word}\x1b[0m" if colour else word for word in text.split(" ")]
    found = classify(COMMAND + end.join([*before, " ".join(words), ""]))
    assert (found.reason, found.line, found.number) == (reason, text, len(before) + 2)


@unhurried
@given(failures, st.integers(1, 6), st.permutations(HARMLESS))
def test_the_order_of_noise_and_of_ranks_that_say_the_same_changes_nothing(
    failure: tuple[str, str], ranks: int, order: list[str]
) -> None:
    reason, text = failure
    lines = [*order]
    for rank in range(ranks):
        lines.insert(rank * 3, text)
    assert classify(COMMAND + "\n".join(lines)).reason == reason


@unhurried
@given(failures, st.binary(max_size=64))
def test_what_is_no_utf8_changes_nothing(failure: tuple[str, str], garbage: bytes) -> None:
    reason, text = failure
    quiet = garbage.replace(b"\x1b", b"")
    assert classify(COMMAND.encode() + quiet + b"\xff\xfe\n" + text.encode() + b"\n\xc3\n").reason == reason


@unhurried
@given(st.binary(max_size=2000))
def test_anything_is_classified(garbage: bytes) -> None:
    found = classify(garbage)
    assert len(found.line) <= MAX_SHOWN
    assert found.line.isprintable() or "\t" in found.line or not found.line.isascii()


@unhurried
@given(st.integers(0, len(SUCCESS)))
def test_a_log_cut_short_is_a_success_only_where_the_work_was_done(cut: int) -> None:
    done = cut >= SUCCESS.index("Total wall time: 0:00:07") + len("Total wall time: 0:00:07")
    assert classify(SUCCESS[:cut]).reason == ("success" if done else "unknown")


@unhurried
@given(st.lists(st.integers(0, 2000), max_size=6), failures)
def test_pieces_of_any_size_say_what_the_whole_says(cuts: list[int], failure: tuple[str, str]) -> None:
    log = (COMMAND + "\n".join(HARMLESS) + f"\n{failure[1]}\n").encode()
    edges = [0, *sorted(min(cut, len(log)) for cut in cuts), len(log)]
    pieces = [log[start:end] for start, end in pairwise(edges)]
    assert (
        classify(pieces) == classify(log) == classify(log.decode()) == classify(log.decode().splitlines(keepends=True))
    )


def test_a_log_is_read_as_it_comes_and_its_lines_are_counted() -> None:
    row = b"      70    292.19998   -113.25435    5533.6324   -111.55514   -1.6992157    27418.867 \n"
    rows = 4 * BLOCK // len(row)
    asked = 0

    def log() -> Iterator[bytes]:
        nonlocal asked
        yield (COMMAND + BANNER).encode()
        for _ in range(rows):
            asked += 1
            yield row
        yield PRINTED["out of memory"][0].encode()

    found = classify(log())
    assert (found.reason, found.number, asked) == ("out of memory", 3 + rows + 1, rows)


def test_a_line_without_an_end_is_cut() -> None:
    found = classify([b"x" * (LONGEST_LINE // 2)] * 7 + [b"\n", PRINTED["mpi error"][5].encode()])
    assert (found.reason, found.number) == ("mpi error", 2)
    assert len(classify(b"error " * LONGEST_LINE).line) == MAX_SHOWN


def test_what_stands_deep_in_a_long_line_is_found() -> None:
    found = classify(f"{COMMAND}{' 50%' * 9000}\r{PRINTED['missing gpu'][5]}{'.' * 9000}\n")
    assert (found.reason, found.number) == ("missing gpu", 2)
    assert PRINTED["missing gpu"][5] in found.line


def test_digits_without_end_are_no_exit_status() -> None:
    assert classify(f"{SUCCESS}rc2.0: lmp Exited (rc={'9' * 5000}) 3s\n").reason == "success"


def test_each_block_keeps_the_line_it_cuts() -> None:
    text = PRINTED["mpi error"][5]
    for left in range(BLOCK - len(text) - 2, BLOCK + 2, 7):
        assert classify([b"." * left + b"\n", text.encode(), b"\nmore\n"]).line == text


texts = st.lists(st.text("abE_ :", min_size=4, max_size=9).map(str.encode), min_size=1, max_size=6, unique=True)


@unhurried
@given(texts, st.text("abE_ :\n", max_size=80).map(str.encode))
def test_texts_are_found_wherever_they_stand(wanted: list[bytes], block: bytes) -> None:
    expected = {(place, text) for text in wanted for place in range(len(block)) if block.startswith(text, place)}
    found = list(Finder(wanted).find(block))
    assert len(found) == len(set(found))
    assert set(found) == expected


@pytest.mark.parametrize("width", range(5))
def test_blocks_shorter_than_any_text_have_none(width: int) -> None:
    assert list(Finder([b"abcde"]).find(b"abcde"[:width])) == []
