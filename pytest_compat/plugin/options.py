"""Every option, its ini twin and its default in one table, read into one frozen Settings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pytest_compat.judge.gate import Gate
    from pytest_compat.run.world import RunOptions
    from pytest_compat.schedulers import SchedulerOptions
    from pytest_compat.schedulers.tls import Tls

SECRET_VARIABLE = "COMPAT_SCHEDULER_SECRET"  # noqa: S105, a name
TOKEN_VARIABLE = "COMPAT_SCHEDULER_TOKEN"  # noqa: S105, a name


@dataclass(frozen=True)
class Option:
    """A command-line option `--compat-NAME` and its ini twin `compat_name`.

    Args:
        name: NAME.
        metavar: What help calls its value.
        help: What it does, in one line.
        many: True when it can be given several times; the ini twin then has a value per line.
    """

    name: str
    metavar: str
    help: str
    many: bool = False

    @property
    def flag(self) -> str:
        """The option as people type it."""
        return f"--compat-{self.name}"

    @property
    def ini(self) -> str:
        """The name in ini files."""
        return f"compat_{self.name.replace('-', '_')}"


OPTIONS = (
    Option(
        "level",
        "SPEC",
        "Levels to run: names or +-joined subsystems, or the groups none, single, prefix, subsets, all; separated by "
        "commas. Default: all, which is what each experiment publishes.",
        many=True,
    ),
    Option(
        "scheduler",
        "NAME|HOST:PORT",
        "The scheduler to measure: rainbow (an embedded server, the default), reference (in process), the address of "
        "a rainbow that runs elsewhere, or the name of one that another plugin adds.",
    ),
    Option(
        "scheduler-secret",
        "TEXT",
        f"Registration secret of a rainbow that runs elsewhere. Better given as ${SECRET_VARIABLE}, which others "
        "cannot see in the list of processes.",
    ),
    Option(
        "scheduler-token",
        "TEXT",
        "Submit to every cluster of a rainbow that runs elsewhere with this token, in place of those that registration "
        f"returned. Better given as ${TOKEN_VARIABLE}.",
    ),
    Option(
        "scheduler-ca-cert",
        "PATH",
        "Speak TLS to a rainbow that runs elsewhere, and trust certificates signed by these authorities (PEM).",
    ),
    Option(
        "scheduler-cert",
        "PATH",
        "Speak TLS to a rainbow that runs elsewhere, and show this certificate (PEM; mutual TLS, with its key).",
    ),
    Option("scheduler-key", "PATH", "The key of that certificate (PEM, without a passphrase)."),
    Option("scheduler-timeout", "SECONDS", "What one call to a rainbow may take. Default: 20."),
    Option(
        "rainbow-binary",
        "PATH",
        "Measure a rainbow server of your own: start this file with --host, --db and --secret, and stop it in the end. "
        "In place of --compat-scheduler; in records it is called rainbow-binary.",
    ),
    Option("iterations", "N", "Submissions of each job per level; 0: exact figures only. Default: the experiment's."),
    Option("seed", "N", "What every draw derives from. Default: 0."),
    Option("report", "PATH", "Write a JSON report there."),
    Option(
        "fail-under",
        "[EXPERIMENT:]LEVEL:RATE",
        "Fail when a level's accuracy is below RATE (0 to 1), or when the level was not run. Repeatable.",
        many=True,
    ),
)


@dataclass(frozen=True)
class Settings:
    """What this session was asked for.

    Args:
        given: True when any option was given, in whichever way.
        levels: Level specs.
        scheduler: Which scheduler; None for the default.
        iterations: Submissions of each job per level; None leaves it to the experiment.
        seed: What every draw derives from.
        report: Where to write a report.
        gates: What levels have to reach.
    """

    given: bool = False
    levels: tuple[str, ...] = ("all",)
    scheduler: SchedulerOptions | None = None
    iterations: int | None = None
    seed: int = 0
    report: Path | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def run_options(self) -> RunOptions:
        """The part of the settings that running needs."""
        from pytest_compat.run.world import RunOptions

        if self.scheduler is None:
            return RunOptions(seed=self.seed, iterations=self.iterations)
        return RunOptions(self.scheduler, self.seed, self.iterations)


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and its ini twin."""
    group = parser.getgroup("compat", "matching accuracy of schedulers (pytest-compat)")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            dest=option.ini,
            metavar=option.metavar,
            action="append" if option.many else "store",
            default=None,
            help=option.help,
        )
        kind: Literal["linelist", "string"] = "linelist" if option.many else "string"
        parser.addini(option.ini, f"The same as {option.flag}, which wins over it.", type=kind, default=None)


def read_settings(config: pytest.Config) -> Settings:
    """Read the settings of a session.

    Raises:
        pytest.UsageError: A value is not what its option takes; with the flag, the rule and the remedy.
    """
    given: dict[str, Any] = {}
    for option in OPTIONS:
        value = config.getoption(option.ini)
        if value is None:
            value = config.getini(option.ini)
        if value not in (None, "", []):
            given[option.name] = value
    if not given:
        return Settings()
    return Settings(
        given=True,
        levels=tuple(given.get("level", Settings.levels)),
        scheduler=_scheduler(config, given),
        iterations=_whole(given, "iterations", least=0),
        seed=_whole(given, "seed") or 0,
        report=_report(config, given),
        gates=_gates(given.get("fail-under", ())),
    )


def _whole(given: Mapping[str, Any], name: str, *, least: int | None = None) -> int | None:
    if name not in given:
        return None
    text = str(given[name])
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or (least is not None and number < least):
        bound = "" if least is None else f", {least} or more"
        raise pytest.UsageError(f"--compat-{name}: found {text!r}, expected a whole number{bound}")
    return number


def _path(config: pytest.Config, given: Mapping[str, Any], name: str) -> Path | None:
    """Return a path, which starts where pytest was started."""
    if name not in given:
        return None
    text = str(given[name])
    try:
        return Path(config.invocation_params.dir, Path(text).expanduser())
    except RuntimeError as error:  # ~user, of whom nobody knows
        raise pytest.UsageError(f"--compat-{name}: {text}: {error}") from None


def _report(config: pytest.Config, given: Mapping[str, Any]) -> Path | None:
    path = _path(config, given, "report")
    if path is not None and path.is_dir():
        raise pytest.UsageError(f"--compat-report: {path} is a folder, expected the path of a file to write")
    return path


def _gates(texts: Iterable[str]) -> tuple[Gate, ...]:
    from pytest_compat.errors import DeclarationError
    from pytest_compat.judge.gate import parse_gate

    try:
        return tuple(parse_gate(part) for text in texts for part in text.split(","))
    except DeclarationError as error:
        raise pytest.UsageError(f"--compat-fail-under: {error}") from None


def _scheduler(config: pytest.Config, given: Mapping[str, Any]) -> SchedulerOptions:
    from pytest_compat.errors import DeclarationError
    from pytest_compat.schedulers import SchedulerOptions

    binary = _path(config, given, "rainbow-binary")
    fields: dict[str, Any] = {
        "name": given.get("scheduler", None if binary is None else "rainbow-binary"),
        "secret": given.get("scheduler-secret") or os.environ.get(SECRET_VARIABLE) or None,
        "token": given.get("scheduler-token") or os.environ.get(TOKEN_VARIABLE) or None,
        "tls": _tls(config, given),
        "binary": binary,
        "timeout": _seconds(given, "scheduler-timeout"),
        "others": {name: make for found in config.hook.pytest_compat_schedulers() for name, make in found.items()},
    }
    options = SchedulerOptions(**{name: value for name, value in fields.items() if value is not None})
    try:
        options.check()
    except DeclarationError as error:
        raise pytest.UsageError(f"--compat-{error.path}: {error.problem}") from None
    return options


def _tls(config: pytest.Config, given: Mapping[str, Any]) -> Tls | None:
    paths = {
        "ca_cert": _path(config, given, "scheduler-ca-cert"),
        "cert": _path(config, given, "scheduler-cert"),
        "key": _path(config, given, "scheduler-key"),
    }
    if not any(paths.values()):
        return None
    from pytest_compat.schedulers.tls import Tls

    return Tls(**paths)


def _seconds(given: Mapping[str, Any], name: str) -> float | None:
    if name not in given:
        return None
    text = str(given[name])
    try:
        return float(text)
    except ValueError:
        raise pytest.UsageError(f"--compat-{name}: found {text!r}, expected a number of seconds above 0") from None
