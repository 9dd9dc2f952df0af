"""How figures and gates read in every form of the report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_compat.judge.gate import EVERY, MEASURES


def capitalised(text: str) -> str:
    """Return a phrase as the beginning of a sentence, its names as they are."""
    return text[:1].upper() + text[1:]


def rate(value: float | None) -> str:
    """Return a rate with four digits, and `-` for none."""
    return "-" if value is None else f"{value:.4f}"


def short(value: float) -> str:
    """Return a number without needless digits."""
    return f"{value:g}"


def moved(drop: float | None) -> str:
    """Return a drop as the change it is: -0.1000 for a drop of 0.1."""
    return "-" if drop is None else f"{-drop:+.4f}" if drop else "0"


def p_value(value: float | None) -> str:
    """Return a p-value with three digits, and `-` for none."""
    return "-" if value is None else f"{value:.3g}"


def listed(names: Sequence[str], most: int) -> str:
    """Return the first names, so many, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


PUBLISHED_P = "how likely a figure at least that far from the exact one is by chance, two-sided"


def chance(value: float) -> str:
    """Return a probability with two decimals, of a small one the first digit: 0.20, 0.03, 4e-05."""
    return f"{value:.2f}" if value >= 0.095 else f"{value:.1g}"


def published(figure: Mapping[str, Any]) -> str:
    """Return what others found, and how likely something at least that far off is: `2/25 (p 0.20)`."""
    p = "" if figure["p"] is None else f" (p {chance(figure['p'])})"
    return f"{short(figure['points'])}/{figure['of']}{p}"


def published_cells(figures: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> list[str]:
    """Return what each source found; `-` where it found nothing."""
    return [" ".join(published(each) for each in figures if each["source"] == source) or "-" for source in sources]


def sources_of(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return where published figures come from, each once."""
    return list(dict.fromkeys(each["source"] for run in runs for each in run["published"]))


def published_headers(sources: Sequence[str]) -> list[str]:
    """Return what the columns of published figures are called, by number where there are several."""
    return ["published"] if len(sources) == 1 else [f"published {number}" for number in range(1, len(sources) + 1)]


def published_line(sources: Sequence[str]) -> str:
    """Return where the columns of published figures come from, and what p is; empty without any."""
    named = "; ".join(": ".join(pair) for pair in zip(published_headers(sources), sources, strict=True))
    return f"{named}; p: {PUBLISHED_P}" if sources else ""


def submitted(document: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many submissions a report is about, and at how many levels."""
    gradients = document.get("gradients", ())
    counts = [run["submissions"] for run in document["runs"]]
    counts += [gradient["jobs"] for gradient in gradients for _ in gradient["levels"]]
    return sum(counts), len(counts)


def seconds(value: float | None) -> str:
    """Return a time in seconds, milliseconds or microseconds, with three digits; `-` for none."""
    if value is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size or not value:
            return f"{value / size:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"
    return f"{value / 1e-6:.3g} \N{MICRO SIGN}s"


def times_of(design: Mapping[str, Any]) -> str:
    """Return whether the times of an experiment are measured or modelled, and of which machine they are."""
    times = design["times"]
    return f"times {times['kind']} {'on' if times['kind'] == 'measured' else 'for'} {times['machine']}"


REASONS_TITLE = "how many submissions score 1, and why others score less"

LOST = "mean time beyond the best choice, of submissions that run"


def lost_headers(design: Mapping[str, Any]) -> list[str]:
    """Return what the columns of the time lost are called; each says whether its times are measured or modelled."""
    kind = design["times"]["kind"]
    return [f"sampled ({kind})", "ran", f"exact ({kind})", "share that runs"]


def ran(run: Mapping[str, Any]) -> str:
    """Return how many submissions of a level run where they were sent: `20/25`."""
    return f"{run['regret']['ran']}/{run['submissions']}"


def extent(design: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """Return how many clusters and jobs there are, and how often these are submitted or drawn."""
    each = [run for run in runs if run["drawn"] is None]
    drawn = [run for run in runs if run["drawn"] is not None]
    jobs = len(design["jobs"])
    parts = []
    if each:
        taking_part = _span(run["jobs"] for run in each)
        whole = f"{jobs} jobs" if taking_part == str(jobs) else f"{taking_part} of {jobs} jobs"
        parts.append(f"{whole} x {_span(run['iterations'] for run in each)}{_at(each) if drawn else ''}")
    else:
        parts.append(f"{jobs} jobs")
    if drawn:
        # Where nothing can be drawn, nothing was, however often it was tried.
        draws = _span(run["iterations"] for run in [run for run in drawn if run["drawn"]] or drawn)
        parts.append(f"{draws} draws{_at(drawn) if each else ' per level'}")
    return f"{len(design['clusters'])} clusters, {', '.join(parts)}"


def _span(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    return str(found[0]) if len(found) == 1 else f"{found[0]}-{found[-1]}"


def _at(runs: Sequence[Mapping[str, Any]]) -> str:
    return " at 1 level" if len(runs) == 1 else f" at each of {len(runs)} levels"


def outside(run: Mapping[str, Any]) -> bool:
    """Tell whether the sample of a level lies outside its interval."""
    interval, accuracy = run["interval"], run["accuracy"]
    tested = interval is not None and accuracy is not None and not run["outcomes"]["error"]
    return tested and not interval[0] <= accuracy <= interval[1]


def level_names(keys: Sequence[Mapping[str, str]]) -> list[str]:
    """Return levels behind their experiments."""
    return [f"{key['experiment']}:{key['level']}" for key in keys]


ALWAYS_SHOWN = ("correct", "compatible", "incorrect")
"""Outcomes that have a column even when no submission had them."""

COMPARED = (
    "lost, won: submissions that score less or more than before; p: how likely such a fall is by chance, one-sided, "
    "over all levels"
)


def compared_names(found: Mapping[str, Any]) -> list[str]:
    """Return the compared levels by name, behind their experiments where there are several."""
    several = len({level["experiment"] for level in found["levels"]}) > 1
    return level_names(found["levels"]) if several else [level["level"] for level in found["levels"]]


def remarks(found: Mapping[str, Any]) -> list[str]:
    """Return what bears on a comparison, each with the levels it is about."""
    about: dict[str, list[str]] = {}
    for name, level in zip(compared_names(found), found["levels"], strict=True):
        for text in (level["changed"], level["differs"]):
            if text:
                about.setdefault(text, []).append(name)
    return [f"{', '.join(names)}: {text}" for text, names in about.items()]


def too_many_too_few(run: Mapping[str, Any]) -> str:
    """Return how many clusters a scheduler wrongly calls candidates, what those do not meet, and how many it misses."""
    unmet = ", ".join(f"{name} by {count}" for name, count in run["unmet"].items())
    which = f" (not met: {unmet})" if unmet else ""
    return f"{run['differing']['many']} candidates too many{which}, {run['differing']['few']} too few"


def explain_command(experiment: str, level: str, job: str, cluster: str) -> str:
    """Return the command that says why a cluster is a candidate of a job, or is not."""
    words = ["--experiment", experiment, "--job", job, "--cluster", cluster, "--level", level]
    return f"python -m pytest_compat explain {shlex.join(words)}"


def timing_line(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return what a call took, by phase: the medians of the levels, and their largest 99th percentile; may be empty."""
    told = []
    for phase in ("match", "submit"):
        found = [run["timings"][phase] for run in runs if phase in run["timings"]]
        if found:
            medians = sorted(each["median"] for each in found)
            spread = dict.fromkeys(_milliseconds(each) for each in (medians[0], medians[-1]))
            told.append(f"{phase} {'-'.join(spread)} ms (99 % within {_milliseconds(max(e['p99'] for e in found))})")
    return ", ".join(told)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g}"


def flip_lines(flips: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """Return what became of candidates, a line per job and score, and whether it is for the worse."""
    alike: dict[tuple[str, bool, float, bool], list[str]] = {}
    for flip in flips:
        key = (flip["job"], flip["now"], flip["score"], flip["worse"])
        alike.setdefault(key, []).append(flip["cluster"])
    return [
        (
            f"{job} {'gained' if now else 'lost'} {len(clusters)} "
            f"{'candidate' if len(clusters) == 1 else 'candidates'} of score {short(score)}: {listed(clusters, 4)}",
            worse,
        )
        for (job, now, score, worse), clusters in alike.items()
    ]


def gate_value(gate: Mapping[str, Any]) -> str:
    """Return what a gate found, as a rate or a count."""
    if gate["value"] is None:
        return "-"
    unit = MEASURES[gate["measure"]].unit
    return rate(gate["value"]) if unit == "rate" else short(gate["value"])


def gate_limit(gate: Mapping[str, Any]) -> str:
    """Return what a gate asks for."""
    return "chance" if gate["limit"] is None else short(gate["limit"])


def rules_that_hold(gates: Sequence[Mapping[str, Any]]) -> str:
    """Return how many rules hold, at every level they speak of: `2 of 3 gates hold`."""
    rules = {gate["rule"] for gate in gates}
    failing = {gate["rule"] for gate in gates if not gate["passed"]}
    return f"{len(rules) - len(failing)} of {len(rules)} gates hold"


def holding(gates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the gates that hold, in a line per rule."""
    by_rule: dict[str, list[Mapping[str, Any]]] = {}
    for gate in gates:
        by_rule.setdefault(gate["rule"], []).append(gate)
    return [_holding(rule, judged) for rule, judged in by_rule.items() if all(gate["passed"] for gate in judged)]


def _holding(rule: str, judged: Sequence[Mapping[str, Any]]) -> str:
    if len(judged) > 1:
        return f"gate {rule}: holds at {sum(gate['level'] != EVERY for gate in judged)} levels"
    (gate,) = judged
    note = f" ({gate['note']})" if gate["note"] else ""
    if gate["value"] is None:
        return f"gate {rule}: holds{note}"
    verb = "reaches" if gate["sign"] == ">=" else "is within"
    return f"gate {rule}: {gate_value(gate)} {verb} {gate_limit(gate)}{note}"
