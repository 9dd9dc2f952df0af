"""Selection by constraint: priorities of steps over the state of each cluster, for one request.

    - priority: 1
      steps:
      - filter: nodes_free > 0
      - calc: build_cost=(cost_per_node_hour * (memory_per_node * seconds_per_gb)/60/60)
      - sort_ascending: build_cost
      - select: first

Priorities are tried in ascending order until one leaves a cluster. Steps run in the order they stand in; `filter` keeps
the clusters for which its expression is true, `calc` gives each a variable, the sorts order them (equal ones by name),
and `select` picks. Variables are the cluster's state and the jobspec's `attributes.parameter`; functions are min and
max. A cluster for which an expression has no value (a variable is missing, a division by zero) is left out.
"""

from __future__ import annotations

import ast
import operator
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from math import isfinite
from typing import Any, NoReturn

from simpleeval import InvalidExpression, SimpleEval

from pytest_compat.declare.reading import expect, load_yaml
from pytest_compat.errors import DeclarationError, brief, known

Scalar = str | int | float | bool
Variables = dict[str, Scalar]
Left = dict[str, Variables]
"""The clusters that are left, in their order, with the variables of each."""

_expect = partial(expect, DeclarationError)

VERBS = ("filter", "calc", "sort_ascending", "sort_descending", "select")
PICKS = ("random", "first", "last")
MAX_STEPS = 100
MAX_EXPRESSION = 1000
MAX_NESTING = 100
MAX_WORK = 10_000_000
"""Bounds on what one request may ask the server to work out, `MAX_WORK` on characters of expressions times clusters."""
MAX_WHOLE = 2**63
"""Whole numbers from here on become floats: a few products of products would fill the memory."""


def _on_numbers(operate: Callable[..., Any]) -> Callable[..., Any]:
    """Keep an operator to numbers: on text, `*` and `%` can fill the memory."""

    def operated(*values: object) -> Any:
        if not all(isinstance(value, int | float) for value in values):
            raise TypeError("not a number")
        value = operate(*values)
        return value if abs(value) < MAX_WHOLE else float(value)

    return operated


# No powers and no shifts: with them a short expression makes a number that fills the memory.
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _on_numbers(operator.add),
    ast.Sub: _on_numbers(operator.sub),
    ast.Mult: _on_numbers(operator.mul),
    ast.Div: _on_numbers(operator.truediv),
    ast.FloorDiv: _on_numbers(operator.floordiv),
    ast.Mod: _on_numbers(operator.mod),
    ast.USub: _on_numbers(operator.neg),
    ast.UAdd: _on_numbers(operator.pos),
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Not: operator.not_,
}
_FUNCTIONS = {"min": lambda *values: min(values), "max": lambda *values: max(values)}
_NODES: tuple[type[ast.AST], ...] = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Name, ast.Constant, ast.Call, ast.Load, ast.And,
    ast.Or, *_OPERATORS,
)  # fmt: skip

# One for all: making one changes, for a moment, the warning filters of the whole process.
_EVALUATOR = SimpleEval(_OPERATORS, _FUNCTIONS)
_EVALUATING = threading.Lock()


@dataclass(frozen=True)
class Step:
    """One step: its verb, the variable it sets or sorts by (or how it picks), and its expression."""

    verb: str
    name: str = ""
    expression: str = ""


def read_priorities(text: str) -> list[tuple[Step, ...]]:
    """Read the option `priorities`: the steps of each priority, in the order in which they are tried.

    Raises:
        DeclarationError: It is not what it has to be; with the path of what is wrong.
    """
    entries = _expect(load_yaml(text), list, "", "a list of priorities")
    found: list[tuple[int, tuple[Step, ...]]] = []
    for number, entry in enumerate(entries):
        at = f"[{number}]"
        _expect(entry, dict, at, "an object with `priority` and `steps`")
        priority = entry.get("priority", 0)
        if not isinstance(priority, int) or isinstance(priority, bool):
            _fail(f"{at}.priority", f"found {brief(priority)}, expected a whole number")
        steps = _expect(entry.get("steps"), list, f"{at}.steps", "a list of steps")
        found.append((priority, tuple(_step(step, f"{at}.steps[{place}]") for place, step in enumerate(steps))))
    if not found:
        _fail("", "found no priorities, expected one or more")
    if sum(len(steps) for _, steps in found) > MAX_STEPS:
        _fail("", f"found more than {MAX_STEPS} steps")
    return [steps for _, steps in sorted(found, key=lambda each: each[0])]


def _step(step: object, at: str) -> Step:
    said = _expect(step, dict, at, f"an object with one of {', '.join(VERBS)}")
    if len(said) != 1:
        _fail(at, f"found {len(said)} keys, expected one of {', '.join(VERBS)}")
    ((verb, value),) = said.items()
    if verb not in VERBS:
        _fail(at, known("step", str(verb), VERBS))
    at = f"{at}.{verb}"
    value = _expect(value, str, at, "a string").strip()
    if verb == "select":
        if value not in PICKS:
            _fail(at, known("way to pick", value, PICKS))
        return Step(verb, value)
    if verb == "filter":
        return Step(verb, expression=_checked(value, at))
    if verb != "calc":
        return Step(verb, _variable(value, at))
    name, equals, expression = value.partition("=")
    if not equals:
        _fail(at, f"found {brief(value)}, expected VARIABLE=EXPRESSION")
    return Step(verb, _variable(name.strip(), at), _checked(expression.strip(), at))


def _variable(name: str, at: str) -> str:
    if not name.isidentifier():
        _fail(at, f"found {brief(name)}, expected the name of a variable")
    return name


def _checked(expression: str, at: str) -> str:
    if len(expression) > MAX_EXPRESSION:
        _fail(at, f"found an expression of {len(expression)} characters, expected {MAX_EXPRESSION} at most")
    try:
        level, depth = [_parsed(expression)], 0
        while level:
            _check(level)
            level, depth = [inner for node in level for inner in ast.iter_child_nodes(node)], depth + 1
        if depth > MAX_NESTING:
            raise ValueError(f"{depth} levels inside one another are too many")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        _fail(at, f"found {brief(expression)}, expected arithmetic, comparisons, min and max: {error}")
    return expression


def _check(nodes: Iterable[ast.AST]) -> None:
    for node in nodes:
        known_call = not isinstance(node, ast.Call) or (
            isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS and node.args and not node.keywords
        )
        if not isinstance(node, _NODES) or not known_call:
            raise ValueError(f"{type(node).__name__} is not known here")


@lru_cache(maxsize=256)
def _parsed(expression: str) -> ast.AST:
    return ast.parse(expression, mode="eval").body


def select(
    priorities: Sequence[Sequence[Step]],
    state: Mapping[str, Mapping[str, Scalar]],
    parameters: Mapping[str, Any],
    draw: Callable[[Sequence[str]], str],
) -> str | None:
    """Pick a cluster; None when no priority leaves one.

    Args:
        priorities: As `read_priorities` returns them.
        state: The state of each contender, by name; not changed.
        parameters: Further variables; the state of a cluster wins over them, and those that are no scalars are none.
        draw: Picks one of several names at random.

    Raises:
        DeclarationError: That is too much work.
    """
    work = sum(len(step.expression) for steps in priorities for step in steps) * len(state)
    if work > MAX_WORK:
        _fail("", f"found {work} characters of expressions times clusters, expected {MAX_WORK} at most")
    shared = {name: value for name, value in parameters.items() if is_scalar(value)}
    for steps in priorities:
        # Variables of this request alone: what `calc` adds is gone with it.
        left: dict[str, Variables] = {name: {**shared, **state[name]} for name in sorted(state)}
        for step in steps:
            left = _STEPS[step.verb](step, left, draw)
        if left:
            return next(iter(left)) if len(left) == 1 else draw(list(left))
    return None


def _filter(step: Step, left: Left, _: object) -> Left:
    return {name: variables for name, variables in left.items() if _value(step.expression, variables)}


def _calc(step: Step, left: Left, _: object) -> Left:
    values = {name: _value(step.expression, variables) for name, variables in left.items()}
    return {name: {**left[name], step.name: value} for name, value in values.items() if value is not None}


def _sort(step: Step, left: Left, _: object) -> Left:
    having = {name: variables for name, variables in left.items() if step.name in variables}
    names = sorted(having, key=lambda name: _rank(having[name][step.name]), reverse=step.verb == "sort_descending")
    return {name: having[name] for name in names}


def _pick(step: Step, left: Left, draw: Callable[[Sequence[str]], str]) -> Left:
    if not left:
        return left
    names = list(left)
    name = {"first": lambda: names[0], "last": lambda: names[-1], "random": lambda: draw(names)}[step.name]()
    return {name: left[name]}


_STEPS = {"filter": _filter, "calc": _calc, "sort_ascending": _sort, "sort_descending": _sort, "select": _pick}


def _rank(value: Scalar) -> tuple[bool, Scalar]:
    """Order values of any kind: numbers before text."""
    return (isinstance(value, str), value)


def _fail(place: str, problem: str) -> NoReturn:
    raise DeclarationError(problem, path=place)


def _value(expression: str, variables: Variables) -> Scalar | None:
    """Return what an expression comes to, None when it has no value for these variables."""
    try:
        with _EVALUATING:
            _EVALUATOR.names = variables
            value = _EVALUATOR.eval(expression, _parsed(expression))
    except (InvalidExpression, ArithmeticError, TypeError, ValueError, RecursionError, KeyError):
        return None
    return value if is_scalar(value) else None


def is_scalar(value: object) -> bool:
    """Tell whether a value can be that of a variable: text, a boolean or a number that is finite."""
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))
