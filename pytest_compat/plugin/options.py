"""Every option, its ini twin and its default in one table, read into one frozen Settings."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pytest_compat.judge.gate import Gate
    from pytest_compat.run.rounds import Sampling
    from pytest_compat.run.world import RunOptions
    from pytest_compat.schedulers import SchedulerOptions
    from pytest_compat.schedulers.tls import Tls

SECRET_VARIABLE = "COMPAT_SCHEDULER_SECRET"  # noqa: S105, a name
TOKEN_VARIABLE = "COMPAT_SCHEDULER_TOKEN"  # noqa: S105, a name

SECRET_FLAGS = ("--compat-scheduler-secret", "--compat-scheduler-token")
SECRET_VALUE = re.compile(r"(compat[-_]scheduler[-_](?:secret|token)\s*)=.*", re.DOTALL)
"""A secret in a word, be it `--compat-scheduler-token=...` or `-o compat_scheduler_token=...`."""

HIDDEN = "..."
"""What stands for a secret in a report."""


@dataclass(frozen=True)
class Option:
    """A command-line option `--compat-NAME` and its ini twin `compat_name`.

    Args:
        name: NAME.
        metavar: What help calls its value.
        help: What it does, in one line.
        many: True when it can be given several times; the ini twin then has a value per line.
        switch: True when it takes no value; the ini twin is `true` or `false`.
    """

    name: str
    metavar: str
    help: str
    many: bool = False
    switch: bool = False

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
    Option(
        "iterations",
        "N|auto[:CAP]",
        "Submissions of each job per level; 0: exact figures only; auto: until every gate on accuracy is decided, but "
        "not more than CAP (default: 1000). Default: the experiment's.",
    ),
    Option("seed", "N", "What every draw derives from. Default: 0."),
    Option(
        "scale",
        "small|full",
        "How much of an experiment at scale to run: the small part of it, through the scheduler (the default), or the "
        "whole, in this process or on the workers of --compat-engine.",
    ),
    Option(
        "engine",
        "process|dask|ADDRESS",
        "What runs the whole of an experiment at scale: this process (the default), Dask on this machine, or the Dask "
        "scheduler at an address such as tcp://host:8786 (the extra `dask`).",
    ),
    Option("report", "PATH", "Write a JSON report there."),
    Option(
        "fail-under",
        "[EXPERIMENT:]LEVEL:RATE",
        "Fail when a level's accuracy is below RATE (0 to 1), or when the level was not run. Repeatable.",
        many=True,
    ),
    Option(
        "gate",
        "[[EXPERIMENT:]LEVEL:]MEASURE>=LIMIT",
        "Fail unless a measure is on that side (>= or <=) of its limit at a level, or at every level: accuracy, "
        "assigned_accuracy, exact (>=), unmatched, incorrect, missed, errors, disagreements, flags, and against a "
        "baseline flipped, drop (<=). Repeatable.",
        many=True,
    ),
    Option(
        "baseline",
        "PATH",
        "Compare with this earlier JSON report. Fails when it is missing, and then writes it. Without a gate on "
        "flipped or drop: flipped<=0 and drop<=chance.",
    ),
    Option("baseline-update", "", "Write the baseline anew if all but the comparison holds.", switch=True),
    Option("allow-new", "", "Let levels pass that the baseline does not have.", switch=True),
    Option("html", "PATH", "Write the report as one HTML page."),
    Option("markdown", "PATH", "Write the report as Markdown. In GitHub Actions the step summary has it anyway."),
    Option("records", "PATH", "Write every submission as a table: .csv, or .parquet (the extra `tables`)."),
    Option("figures", "PATH", "Write the figures of every level as a table: .csv, or .parquet (the extra `tables`)."),
    Option("junit", "", "Add the figures of each case to its properties in --junit-xml.", switch=True),
)


@dataclass(frozen=True)
class Settings:
    """What this session was asked for.

    Args:
        given: True when any option was given, in whichever way.
        levels: Level specs.
        scheduler: Which scheduler; None for the default.
        sampling: How much to submit.
        seed: What every draw derives from.
        gates: What levels have to come to.
        baseline: An earlier report to compare with.
        baseline_update: Whether to write it anew.
        allow_new: Whether levels pass that it does not have.
        outputs: Where to write reports, by form (`report`, `html`, `markdown`, `records`, `figures`).
        junit: Whether cases tell JUnit their figures.
        scale: How much of an experiment at scale to run: `small` or `full`.
        engine: What runs the whole: `process`, `dask` or an address.
    """

    given: bool = False
    levels: tuple[str, ...] = ("all",)
    scheduler: SchedulerOptions | None = None
    sampling: Sampling | None = None
    seed: int = 0
    gates: tuple[Gate, ...] = ()
    baseline: Path | None = None
    baseline_update: bool = False
    allow_new: bool = False
    outputs: Mapping[str, Path] = field(default_factory=dict)
    junit: bool = False
    scale: str = "small"
    engine: str = "process"

    @property
    def run_options(self) -> RunOptions:
        """The part of the settings that running needs."""
        from pytest_compat.run.world import RunOptions

        options = RunOptions(seed=self.seed)
        if self.scheduler is not None:
            options = replace(options, scheduler=self.scheduler)
        return options if self.sampling is None else replace(options, sampling=self.sampling)


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and its ini twin."""
    group = parser.getgroup("compat", "matching accuracy of schedulers (pytest-compat)")
    for option in OPTIONS:
        if option.switch:
            group.addoption(option.flag, dest=option.ini, action="store_true", default=None, help=option.help)
        else:
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
        if option.switch and isinstance(value, str):
            value = _switch(option, value)
        if value not in (None, "", [], False):
            given[option.name] = value
    if not given:
        return Settings()
    return Settings(
        given=True,
        levels=tuple(given.get("level", Settings.levels)),
        scheduler=_scheduler(config, given),
        sampling=_sampling(given),
        seed=_whole(given, "seed") or 0,
        gates=_gates(given),
        baseline=_path(config, given, "baseline"),
        baseline_update=_update(given),
        allow_new=given.get("allow-new", False),
        outputs=_outputs(config, given),
        junit=given.get("junit", False),
        scale=_one_of(given, "scale", ("small", "full")),
        engine=_engine(given),
    )


def _one_of(given: Mapping[str, Any], name: str, values: tuple[str, ...]) -> str:
    text = str(given.get(name, values[0]))
    if text not in values:
        raise pytest.UsageError(f"--compat-{name}: found {text!r}, expected {' or '.join(values)}")
    return text


def _engine(given: Mapping[str, Any]) -> str:
    text = str(given.get("engine", "process"))
    if "://" not in text and text not in ("process", "dask"):
        raise pytest.UsageError(
            f"--compat-engine: found {text!r}, expected process, dask, or an address such as tcp://host:8786"
        )
    if text != "process" and find_spec("distributed") is None:
        raise pytest.UsageError(f"--compat-engine: {text} takes Dask; pip install 'pytest-compat[dask]'")
    return text


def _switch(option: Option, text: str) -> bool:
    if text.lower() not in ("true", "false", ""):
        raise pytest.UsageError(f"{option.ini}: found {text!r}, expected true or false")
    return text.lower() == "true"


def command_line(config: pytest.Config) -> tuple[str, ...]:
    """Return the command line that repeats the session, without secrets."""
    words = ["pytest"]
    for word in map(str, config.invocation_params.args):
        hide = words[-1] in SECRET_FLAGS
        words.append(HIDDEN if hide else SECRET_VALUE.sub(rf"\1={HIDDEN}", word))
    return tuple(words)


def _sampling(given: Mapping[str, Any]) -> Sampling | None:
    text = str(given.get("iterations", ""))
    word, colon, cap = text.partition(":")
    if not text:
        return None
    from pytest_compat.run.rounds import AUTO_CAP, Sampling

    if word != "auto":
        return Sampling(_whole(given, "iterations", least=0))
    return Sampling(cap=_whole({"iterations": cap}, "iterations", least=1) if colon else AUTO_CAP)


def _update(given: Mapping[str, Any]) -> bool:
    if "baseline-update" in given and "baseline" not in given:
        raise pytest.UsageError("--compat-baseline-update: found no --compat-baseline to say which file that is")
    return bool(given.get("baseline-update", False))


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


def _outputs(config: pytest.Config, given: Mapping[str, Any]) -> dict[str, Path]:
    paths = {
        name: _path(config, given, name) for name in ("report", "html", "markdown", "records", "figures", "baseline")
    }
    outputs: dict[str, Path] = {}
    taken: dict[Path, str] = {}
    for name, path in paths.items():
        if path is None:
            continue
        if path.is_dir():
            raise pytest.UsageError(f"--compat-{name}: {path} is a folder, expected the path of a file to write")
        if (other := taken.setdefault(path.resolve(), name)) != name and path.resolve() != Path(os.devnull):
            raise pytest.UsageError(
                f"--compat-{name}: {path} is that of --compat-{other} as well, expected another file"
            )
        if name != "baseline":
            outputs[name] = path
    for name in {"records", "figures"} & outputs.keys():
        from pytest_compat.errors import ReportError
        from pytest_compat.report.tables import check_table

        try:
            check_table(outputs[name])
        except ReportError as error:
            raise pytest.UsageError(f"--compat-{name}: {error}") from None
    return outputs


def _gates(given: Mapping[str, Any]) -> tuple[Gate, ...]:
    from pytest_compat.errors import DeclarationError
    from pytest_compat.judge.gate import parse_gate

    gates = []
    for name in ("fail-under", "gate"):
        for text in (part for value in given.get(name, ()) for part in value.split(",")):
            try:
                gates.append(parse_gate(text.strip()))
            except DeclarationError as error:
                raise pytest.UsageError(f"--compat-{name}: {error}") from None
    return tuple(gates)


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
