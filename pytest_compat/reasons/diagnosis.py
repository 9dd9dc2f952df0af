"""Why a run failed, from the whole of its output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pytest_compat.reasons.rules import Rule, Rules, load_rules
from pytest_compat.reasons.scan import MAX_SHOWN, Hit, Scan

NOT_STARTED = (126, 127)
"""Exit statuses that say that a program was not found or could not be executed."""


@dataclass(frozen=True)
class Complaint:
    """The first line of a log that a rule speaks of.

    Args:
        reason: What it would mean if it decided.
        rule: The name of the rule.
        line: The line, cut after 500 characters.
        number: Its number, from 1.
    """

    reason: str
    rule: str
    line: str
    number: int


@dataclass(frozen=True)
class Diagnosis:
    """Why a run ended as it did.

    Args:
        reason: One of REASONS.
        line: The line that decided; of a log that says nothing, its last one.
        number: Its number, from 1; 0 for an empty log and for an exit status that the caller gave.
        missing: What the run lacked, sorted: symbol versions such as GLIBC_2.33, symbols, libraries.
        rule: The name of the rule that decided.
        others: What else was complained of, and did not decide, in the order of the log.
    """

    reason: str
    line: str
    number: int
    missing: tuple[str, ...]
    rule: str
    others: tuple[Complaint, ...]


@dataclass
class _Finding:
    """All that one program complained of by one rule.

    Args:
        rule: The rule.
        who: The program that complained, or what it calls itself, and who called it; none where the line has none.
        first: The first such line.
        late: Whether the run had that stage behind it by then, so that something else must have come before.
        missing: What was missing, over all such lines.
    """

    rule: Rule
    who: frozenset[str]
    first: Complaint
    late: bool
    missing: set[str]


class _Course:
    """What is known of a run, line by line."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.named: set[str] = set()
        self.live: dict[tuple[Rule, frozenset[str]], _Finding] = {}
        self.seen: dict[Rule, Complaint] = {}
        self.passed: frozenset[str] = frozenset()
        """The stages that the run has behind it."""
        self.end: tuple[int, Complaint] | None = None
        """The last exit status, and the line that gave it."""
        self.finish: Complaint | None = None
        """The line that shows that the work of the last run was done."""
        self.finished = False
        """Whether that came after every exit status other than 0."""

    def hear(self, hit: Hit) -> None:
        """Take in a line."""
        if any(rule.kind == "noise" and rule.match(hit.line) is not None for rule in hit.rules):
            return
        told = False
        for rule in hit.rules:
            # What a rule has understood is no symptom of something else.
            groups = None if told and rule.symptom else rule.match(hit.line)
            if groups is None:
                continue
            where = Complaint(rule.reason, rule.name, hit.line[:MAX_SHOWN], hit.number)
            match rule.kind:
                case "commands":
                    self._command(groups.get("command", ""))
                case "milestones":
                    self._milestone(rule, where)
                case "ends":
                    self._ended(rule, groups, where)
                case "causes":
                    told = True
                    self._complain(rule, groups, where)

    def _command(self, command: str) -> None:
        words = (word.strip("'\"`;,()") for word in command.split())
        self.named.update(PurePosixPath(word).name for word in words if word and not word.startswith("-"))

    def _milestone(self, rule: Rule, where: Complaint) -> None:
        self.live = {key: finding for key, finding in self.live.items() if finding.rule.stage not in rule.passed}
        self.passed |= frozenset(rule.passed)
        if rule.begins:
            self.passed = frozenset(rule.passed)
            self.end, self.finish, self.finished = None, None, False
        if rule.finishes:
            # What a run has survived did not end it.
            self.finish, self.finished = where, True
            self.live.clear()
            self.passed = frozenset()

    def _ended(self, rule: Rule, groups: dict[str, str], where: Complaint) -> None:
        status = rule.status
        if status is None:
            given = {name: int(value) for name, value in groups.items() if len(value) <= 3}
            if not given:  # no system has a status as long as that
                return
            status = given.get("status", 128 + given.get("signal", 0))
        self.end_by(status, Complaint("", "exit status", where.line, where.number))

    def end_by(self, status: int, where: Complaint) -> None:
        """Take in an exit status of the run, from 0."""
        self.end = status, where
        if status:
            self.finished = False
        for cause in self.rules.causes_of(status):
            self._complain(cause, {}, replace(where, reason=cause.reason, rule=cause.name))

    def _complain(self, rule: Rule, groups: dict[str, str], where: Complaint) -> None:
        self.seen.setdefault(rule, where)
        who = frozenset(PurePosixPath(groups[key]).name for key in ("who", "caller") if key in groups)
        finding = self.live.setdefault((rule, who), _Finding(rule, who, where, rule.stage in self.passed, set()))
        if "missing" in groups:
            finding.missing.add(groups["missing"])

    def decide(self, status: int | None) -> _Finding | None:
        """Return what ended the run, or None when nothing known did."""
        own = [finding for finding in self.live.values() if self._own(finding)]
        if not own and status in NOT_STARTED:
            own = [finding for finding in self.live.values() if finding.rule.stage == "launch"]
        return min(own, key=lambda finding: (finding.late, finding.rule.rank, finding.first.number), default=None)

    def _own(self, finding: _Finding) -> bool:
        """Tell whether it was a part of the run that complained, as far as the log says what the run was."""
        if not finding.who:
            return True
        if any(name in self.named or _like(name, self.rules.programs) for name in finding.who):
            return True
        return not self.named and not finding.who & self.rules.bystanders


def classify(
    log: str | bytes | Iterable[str | bytes], *, rules: Rules | None = None, status: int | None = None
) -> Diagnosis:
    """Say why a run ended as it did.

    A run succeeded when it ended with exit status 0, or when its last line that says anything of the end shows that its
    work was done. Otherwise complaints that it survived, and those of programs that are no part of it, are set aside,
    and the first rule that is left decides.

    Args:
        log: The output of the run: text, bytes (UTF-8; what is not is replaced), or the pieces of it in order, such as
            an open file or lines with their ends.
        rules: What lines mean; the shipped rules unless given.
        status: The exit status of the run, 0 to 255, where it is known; it outweighs what the log says.

    Returns:
        The reason, the line that decided, and what else was complained of.
    """
    course = _Course(rules or load_rules())
    scan = Scan(_chunks(log), course.rules)
    for hit in scan:
        course.hear(hit)
    given = status is not None
    if status is not None:
        course.end_by(status, Complaint("", "exit status", f"exit status {status}", 0))
    elif course.end is not None and not course.finished:
        status = course.end[0]
    cause = course.decide(status)
    succeeded = status == 0 if given else course.finished
    if not given and status == 0 and not course.finished:
        # A script may end well though the program in it did not; what is only a symptom is no sign of that.
        succeeded = cause is None or cause.rule.symptom or cause.late
    if succeeded:
        end = course.end[1] if course.end else Complaint("", "exit status", scan.last, scan.last_number)
        return _diagnosis("success", course.finish or end, (), course)
    if cause is not None:
        return _diagnosis(cause.rule.reason, cause.first, _missing(course, cause), course)
    if course.end is not None and status:
        return _diagnosis("unknown", course.end[1], (), course)
    last = Complaint("", "last line" if scan.last_number else "empty log", scan.last, scan.last_number)
    return _diagnosis("unknown", last, (), course)


def _diagnosis(reason: str, decided: Complaint, missing: tuple[str, ...], course: _Course) -> Diagnosis:
    others = [other for other in course.seen.values() if (other.rule, other.number) != (decided.rule, decided.number)]
    others.sort(key=lambda other: other.number)
    return Diagnosis(reason, decided.line, decided.number, missing, decided.rule, tuple(others))


def _missing(course: _Course, cause: _Finding) -> tuple[str, ...]:
    """Return what was missing by all that is left for the same reason: several programs may lack several things."""
    found: set[str] = set()
    for finding in course.live.values():
        if finding.rule.reason == cause.rule.reason and (finding is cause or course._own(finding)):
            found |= finding.missing
    return tuple(sorted(found))


def _like(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _chunks(log: str | bytes | Iterable[str | bytes]) -> Iterable[bytes]:
    pieces = (log,) if isinstance(log, str | bytes) else log
    return (piece.encode("utf-8", "replace") if isinstance(piece, str) else piece for piece in pieces)
