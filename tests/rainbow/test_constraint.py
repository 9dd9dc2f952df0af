"""Selection by constraint: steps over the state of each cluster, priorities, and expressions from anyone."""

import time
from operator import ge, gt, le, lt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import Reception, Submission, jobspec, refusal, serving

from pytest_compat.errors import DeclarationError
from pytest_compat.rainbow import selection
from pytest_compat.rainbow.selection import MAX_EXPRESSION, MAX_STEPS, read_priorities, select

EXAMPLE = """
- priority: 1
  steps:
  - filter: "nodes_free > 0"
  - calc: "build_cost=(cost_per_node_hour * (memory_per_node * seconds_per_gb)/60/60)"
  - sort_ascending: build_cost
  - select: first
"""


@pytest.fixture
def pets(rainbow):
    """A client with four clusters and their state; `fox` has none."""
    for name in ("ant", "bee", "cat", "fox"):
        rainbow.add(name)
    rainbow.update("ant", free=0, cost=3, kind="arm")
    rainbow.update("bee", free=5, cost=2, kind="x86")
    rainbow.update("cat", free=9, cost=2.5, kind="x86")
    return rainbow


def chosen(client, *priorities, **more):
    """Return the cluster that priorities choose, None when they leave none."""
    names = more.pop("names", ("fox", "cat", "bee", "ant"))
    more = {"priorities": priorities[0] if isinstance(priorities[0], str) else priorities, **more}
    try:
        return client.choose(*names, **more).cluster
    except Exception as error:
        if "FAILED_PRECONDITION" in str(error):
            return None
        raise


def test_a_filter_keeps_those_for_which_it_is_true(pets):
    assert chosen(pets, [{"filter": "free > 5"}]) == "cat"
    assert chosen(pets, [{"filter": "kind == 'arm'"}]) == "ant"
    assert chosen(pets, [{"filter": "free > 0 and not cost > 2"}]) == "bee"


def test_sorts_order_and_select_picks(pets):
    assert chosen(pets, [{"sort_ascending": "cost"}, {"select": "first"}]) == "bee"
    assert chosen(pets, [{"sort_ascending": "cost"}, {"select": "last"}]) == "ant"
    assert chosen(pets, [{"sort_descending": "cost"}, {"select": "first"}]) == "ant"
    assert chosen(pets, [{"sort_descending": "cost"}, {"select": "last"}]) == "bee"


def test_text_is_ordered_after_numbers(pets):
    pets.update("fox", cost="unknown")
    assert chosen(pets, [{"sort_ascending": "cost"}, {"select": "last"}]) == "fox"


def test_select_random_reaches_all_that_are_left_and_no_other(pets):
    steps = [{"filter": "free > 0"}, {"select": "random"}]
    assert {chosen(pets, steps) for _ in range(40)} == {"bee", "cat"}


def test_without_select_chance_decides(pets):
    assert {chosen(pets, [{"filter": "free > 0"}]) for _ in range(40)} == {"bee", "cat"}


def test_steps_run_in_their_order(pets):
    assert chosen(pets, [{"sort_ascending": "cost"}, {"select": "last"}, {"filter": "free > 0"}]) is None
    assert chosen(pets, [{"filter": "free > 0"}, {"sort_ascending": "cost"}, {"select": "last"}]) == "cat"


def test_calc_adds_a_variable_for_the_steps_after_it(pets):
    steps = [{"calc": "each=cost/free"}, {"sort_ascending": "each"}, {"select": "first"}]
    assert chosen(pets, steps) == "cat"
    assert chosen(pets, [{"sort_ascending": "each"}, {"calc": "each=cost/free"}]) is None


def test_calc_may_replace_a_variable(pets):
    steps = [{"calc": "cost = 0 - cost"}, {"calc": "cost=cost*2"}, {"filter": "cost == -6"}]
    assert chosen(pets, steps) == "ant"


def test_a_division_by_zero_leaves_a_cluster_out(pets):
    assert chosen(pets, [{"calc": "each=cost/free"}, {"filter": "kind == 'arm'"}]) is None


def test_a_missing_variable_leaves_a_cluster_out(pets):
    for step in ({"filter": "free >= 0"}, {"filter": "not free == 77"}, {"calc": "x=free"}, {"sort_ascending": "free"}):
        assert {chosen(pets, [step], names=("fox", "cat")) for _ in range(10)} == {"cat"}
        assert chosen(pets, [step], names=("fox",)) is None


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("min(free) == 9", "cat"),
        ("max(free) == 9", "cat"),
        ("min(free, cost) == 2.5", "cat"),
        ("max(free, cost, 4) == 4", "ant"),
        ("min(max(free, 1), 6) == 6", "cat"),
    ],
)
def test_min_and_max_take_one_argument_or_more(pets, expression, name):
    assert chosen(pets, [{"filter": expression}]) == name


def test_priorities_are_tried_in_ascending_order():
    spec = """
    - {priority: 3, steps: [{filter: "x == 1"}, {select: last}]}
    - {priority: -1, steps: [{filter: "x == 2"}]}
    - {priority: 2, steps: [{filter: "x == 1"}, {select: first}]}
    """
    assert select(read_priorities(spec), {"a": {"x": 1}, "b": {"x": 1}}, {}, lambda names: "chance") == "a"
    assert select(read_priorities(spec), {"a": {"x": 1}, "b": {"x": 2}}, {}, lambda names: "chance") == "b"


def test_when_none_is_left_the_next_priority_is_tried_with_all(pets):
    first = [{"filter": "free > 5"}, {"filter": "cost < 1"}]
    assert chosen(pets, first, [{"filter": "kind == 'arm'"}]) == "ant"


def test_when_no_priority_leaves_one_the_precondition_fails(pets):
    code, details = refusal(pets.choose, "cat", "bee", priorities=[[{"filter": "free > 99"}], [{"filter": "none"}]])
    assert code.name == "FAILED_PRECONDITION"
    assert details == "select_options.priorities: none of them leaves one of the 2 clusters"
    assert pets.receive("cat").status == pets.receive("bee").status == Reception.REQUEST_JOBS_NORESULTS


def test_calc_does_not_change_the_state(pets):
    for _ in range(3):
        assert chosen(pets, [{"calc": "cost=cost+1"}, {"filter": "cost == 4"}]) == "ant"


def test_what_one_request_calculates_is_not_there_for_the_next(pets):
    assert chosen(pets, [{"calc": "mine=1"}, {"filter": "kind == 'arm'"}]) == "ant"
    assert chosen(pets, [{"filter": "mine == 1"}]) is None


def test_what_one_priority_calculates_is_not_there_for_the_next(pets):
    assert chosen(pets, [{"calc": "mine=1"}, {"filter": "free > 99"}], [{"filter": "mine == 1"}]) is None


def test_options_are_those_of_the_request(pets):
    assert chosen(pets, [{"filter": "free > 5"}]) == "cat"
    code, details = refusal(pets.submit, "cat", "bee", select_algorithm="constraint")
    assert (code.name, details) == ("INVALID_ARGUMENT", "select_options.priorities: found nothing, expected YAML")
    assert {pets.submit("cat", "bee").cluster for _ in range(30)} == {"cat", "bee"}


def test_parameters_of_the_jobspec_are_variables(pets):
    spec = jobspec(attributes={"parameter": {"least": 6, "wanted": "x86"}})
    assert chosen(pets, [{"filter": "free >= least and kind == wanted"}], spec=spec) == "cat"


def test_the_state_of_a_cluster_wins_over_parameters(pets):
    spec = jobspec(attributes={"parameter": {"free": 1}})
    assert chosen(pets, [{"filter": "free == 1"}], spec=spec) == "fox"


@pytest.mark.parametrize("value", ["null", "[1]", "{a: 1}", ".nan", ".inf", "2020-01-01"])
def test_a_parameter_that_is_no_scalar_is_no_variable(pets, value):
    text = "{version: 1, resources: {g: {type: node}}, tasks: [{command: [x], resources: g}], "
    text += "attributes: {parameter: {cost: %s}}}" % value  # noqa: UP031, braces
    for step in ({"sort_ascending": "cost"}, {"filter": "cost == cost"}, {"calc": "x=cost"}):
        assert {chosen(pets, [step], spec=text, names=("fox", "ant")) for _ in range(3)} == {"ant"}


@pytest.mark.parametrize("parameters", ["x", [1], 4])
def test_parameters_that_are_no_object_are_refused(pets, parameters):
    spec = jobspec(attributes={"parameter": parameters})
    code, details = refusal(pets.choose, "cat", priorities=[[{"select": "first"}]], spec=spec)
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith("jobspec: attributes.parameter: ")


def test_no_parameters_are_none(pets):
    assert chosen(pets, [{"select": "first"}], spec=jobspec(attributes={"parameter": None}), names=["cat"]) == "cat"


def test_the_example_of_the_contract(pets):
    pets.update("ant", nodes_free=0, cost_per_node_hour=0.1, memory_per_node=1)
    pets.update("bee", nodes_free=4, cost_per_node_hour=2, memory_per_node=64)
    pets.update("cat", nodes_free=4, cost_per_node_hour=1, memory_per_node=96)
    spec = jobspec(attributes={"parameter": {"seconds_per_gb": 0.4}})
    assert chosen(pets, EXAMPLE, spec=spec) == "cat"


def test_one_bad_token_denies_before_any_of_this(pets):
    response = pets.choose("cat", priorities="{", tokens={"cat": "wrong"})
    assert response.status == Submission.SUBMIT_DENIED


def test_satisfy_only_selects_nothing(pets):
    response = pets.choose("cat", "bee", priorities=[[{"filter": "free > 5"}]], satisfy_only=True)
    assert list(response.clusters) == ["bee", "cat"]


def test_a_server_may_select_by_constraint_unless_told_otherwise():
    with serving(selection="constraint") as client:
        client.add("cat")
        assert refusal(client.submit, "cat")[0].name == "INVALID_ARGUMENT"
        assert client.submit("cat", select_options={"priorities": "[{steps: [select: first]}]"}).cluster == "cat"
        assert client.submit("cat", select_algorithm="random").cluster == "cat"


def test_a_seed_makes_draws_repeatable(pets):
    steps = [{"filter": "free >= 0"}, {"select": "random"}]

    def draw(seed, *names):
        return chosen(pets, steps, options={"seed": seed}, names=names)

    first = [draw(str(number), "ant", "bee", "cat") for number in range(20)]
    assert first == [draw(str(number), "cat", "ant", "bee") for number in range(20)]
    assert set(first) == {"ant", "bee", "cat"}


# What is wrong with priorities


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ": found nothing"),
        ("{", ": found no YAML"),
        ("x", ": found 'x'"),
        ("{}", ": found {}"),
        ("[]", ": found no priorities"),
        ("[x]", ": [0]: found 'x'"),
        ("[{priority: 1}]", ": [0].steps: found nothing"),
        ("[{priority: high, steps: []}]", ": [0].priority: found 'high'"),
        ("[{priority: true, steps: []}]", ": [0].priority: found True"),
        ("[{priority: 1.5, steps: []}]", ": [0].priority: found 1.5"),
        ("[{steps: {}}]", ": [0].steps: found {}"),
        ("[{steps: [x]}]", ": [0].steps[0]: found 'x'"),
        ("[{steps: []}, {steps: [{}]}]", ": [1].steps[0]: found 0 keys"),
        ("[{steps: [{filter: x, select: first}]}]", ": [0].steps[0]: found 2 keys"),
        ("[{steps: [{fliter: x}]}]", ": [0].steps[0]: unknown step 'fliter', did you mean 'filter'?"),
        ("[{steps: [{4: x}]}]", ": [0].steps[0]: unknown step '4'"),
        ("[{steps: [{filter: 4}]}]", ": [0].steps[0].filter: found 4"),
        ("[{steps: [{filter: }]}]", ": [0].steps[0].filter: found nothing"),
        ("[{steps: [{filter: ''}]}]", ": [0].steps[0].filter: found ''"),
        ("[{steps: [{calc: x}]}]", ": [0].steps[0].calc: found 'x'"),
        ("[{steps: [{calc: '=1'}]}]", ": [0].steps[0].calc: found ''"),
        ("[{steps: [{calc: 'a.b=1'}]}]", ": [0].steps[0].calc: found 'a.b'"),
        ("[{steps: [{calc: 'x=='}]}]", ": [0].steps[0].calc: found '='"),
        ("[{steps: [{sort_ascending: 'x + y'}]}]", ": [0].steps[0].sort_ascending: found 'x + y'"),
        ("[{steps: [{sort_descending: 'x=y'}]}]", ": [0].steps[0].sort_descending: found 'x=y'"),
        ("[{steps: [{select: best}]}]", ": [0].steps[0].select: unknown way to pick 'best'"),
        ("!!python/object:os.system {}", ": found no YAML"),
        ("[" * 100_000, ": found YAML nested too deeply"),
        ("x" * 2**20, ": found 'xxx"),
    ],
)
def test_bad_priorities(pets, text, path):
    code, details = refusal(pets.choose, "cat", priorities=text)
    assert code.name == "INVALID_ARGUMENT"
    assert details.startswith(f"select_options.priorities{path}")


def test_too_many_steps(pets):
    assert chosen(pets, [{"filter": "free > 5"}] * MAX_STEPS) == "cat"
    code, details = refusal(pets.choose, "cat", priorities=[[{"filter": "free > 5"}] * 60] * 2)
    assert code.name == "INVALID_ARGUMENT"
    assert details == f"select_options.priorities: found more than {MAX_STEPS} steps"


REFUSED = {
    "a power": "9**9**9",
    "a shift": "1 << 999999999",
    "a bitwise or": "free | 1",
    "an attribute": "kind.upper()",
    "a way to everything": "().__class__.__bases__[0].__subclasses__()",
    "an import": "__import__('os').system('true')",
    "a builtin": "open('x')",
    "exec": "exec('x=1')",
    "a call of what a call returns": "min(1)(2)",
    "a function in brackets": "(min if free else max)(1)",
    "no arguments": "min()",
    "keywords": "min(free, key=cost)",
    "a default": "min(1, default=2)",
    "a starred argument": "min(*kind)",
    "a lambda": "lambda: 1",
    "a comprehension": "[x for x in (1, 2)]",
    "a generator": "max(x for x in kind)",
    "a list": "[1] * 999999999",
    "a tuple": "(1, 2) == (1, 2)",
    "a set": "{1}",
    "an object": "{'a': 1}",
    "a subscript": "kind[0]",
    "a slice": "kind[::-1]",
    "a formatted text": "f'{free}'",
    "an assignment": "x = 1",
    "a walrus": "(x := 1)",
    "a statement": "import os",
    "two statements": "free > 0; import os",
    "two lines": "free > 0\nimport os",
    "a star": "*free",
    "in": "'x' in kind",
    "is": "kind is kind",
    "inversion": "~free",
    "await": "await free",
    "yield": "(yield)",
    "a NUL": "free\0> 0",
    "nothing": "   ",
    "a comment": "# free",
    "brackets": "(" * 400 + "1" + ")" * 400,
    "signs": "-" * 999 + "1",
    "a sum of many": "+".join(["x"] * 300),
    "a megabyte": "1+" * 2**19 + "1",
    "a long text": "kind == '" + "x" * MAX_EXPRESSION + "'",
}

HARMLESS = {
    "text many times": "'x' * 999999999 == kind",
    "a text variable many times": "kind * 999999999 == kind",
    "text and text": "kind + kind == kind",
    "formatting": "'%999999999d' % free",
    "a number in a text": "free < kind",
    "a huge number": "9" * 900 + " * 9 < free",
    "a huge quotient": "9" * 900 + " / 3 < free",
    "infinity": "1e999 * 0 == 0 and 1e999",
    "a complex number": "1j * 1j",
    "bytes": "b'x' == kind and b'x'",
    "the rest": "...",
    "nothing at all": "None",
    "a function": "min",
    "a dunder": "__name__",
    "nested signs": "-" * 90 + "kind",
}


@pytest.mark.parametrize("expression", REFUSED.values(), ids=REFUSED)
def test_an_expression_that_is_no_arithmetic_is_refused(pets, expression):
    for step, value in (("filter", expression), ("calc", f"x={expression}")):
        started = time.monotonic()
        code, details = refusal(pets.choose, "cat", priorities=[[], [{"select": "first"}, {step: value}]])
        assert code.name == "INVALID_ARGUMENT"
        assert details.startswith(f"select_options.priorities: [1].steps[1].{step}: found ")
        assert len(details) <= 1000
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("expression", HARMLESS.values(), ids=HARMLESS)
def test_an_expression_without_a_value_leaves_all_out(pets, expression):
    started = time.monotonic()
    assert chosen(pets, [{"filter": expression}]) is None
    assert time.monotonic() - started < 2


def test_products_of_products_do_not_grow_for_ever(pets):
    steps = [{"calc": "x=99999999"}, *[{"calc": "x=x*x"}] * (MAX_STEPS - 2)]
    started = time.monotonic()
    assert chosen(pets, [*steps, {"select": "first"}]) is None
    assert time.monotonic() - started < 2


def test_the_longest_request_ends_soon():
    expression = f"max({','.join(['x+x'] * (MAX_EXPRESSION // 4 - 2))})"
    assert len(expression) > 0.9 * MAX_EXPRESSION
    priorities = read_priorities(str([{"steps": [{"filter": expression}] * MAX_STEPS}]))
    started = time.monotonic()
    assert select(priorities, {"cat": {"x": 1}}, {}, lambda names: "chance") == "cat"
    assert time.monotonic() - started < 2


def test_too_much_work_is_refused(monkeypatch, pets):
    monkeypatch.setattr(selection, "MAX_WORK", 20)
    assert chosen(pets, [{"filter": "free == 9"}], names=("cat", "bee")) == "cat"
    code, details = refusal(pets.choose, "ant", "bee", "cat", priorities=[[{"filter": "free == 9"}]])
    assert (code.name, details.split(",")[0]) == (
        "INVALID_ARGUMENT",
        "select_options.priorities: found 27 characters of expressions times clusters",
    )


# Against a plain reference

OPERATORS = {"<": lt, "<=": le, ">": gt, ">=": ge}
NUMBERS = st.integers(-3, 3)
STATES = st.dictionaries(
    st.sampled_from("abcdef"), st.dictionaries(st.sampled_from("xyz"), NUMBERS, max_size=3), min_size=1
)
STEPS = st.one_of(
    st.tuples(st.just("filter"), st.sampled_from("xyz"), st.sampled_from(sorted(OPERATORS)), NUMBERS),
    st.tuples(st.just("calc"), st.sampled_from("xyz"), st.sampled_from("xyz"), NUMBERS),
    st.tuples(st.sampled_from(["sort_ascending", "sort_descending"]), st.sampled_from("xyz")),
    st.tuples(st.just("select"), st.sampled_from(["first", "last"])),
)


def written(step):
    """Return a step as a client writes it."""
    verb, name, *rest = step
    text = {"filter": "{0} {1} {2}", "calc": "{0}={1} * 2 + ({2})"}.get(verb, "{0}")
    return {verb: text.format(name, *rest)}


def plainly(steps, states):
    """Return the names that are left, in their order, worked out without any expression."""
    left = [(name, dict(states[name])) for name in sorted(states)]
    for verb, name, *rest in steps:
        if verb == "select":
            left = left[:1] if name == "first" else left[-1:]
            continue
        if verb == "calc":
            other, number = rest
            left = [(each, {**state, name: state[other] * 2 + number}) for each, state in left if other in state]
            continue
        left = [(each, state) for each, state in left if name in state]
        if verb == "filter":
            compare, number = rest
            left = [(each, state) for each, state in left if OPERATORS[compare](state[name], number)]
        else:
            sign = 1 if verb == "sort_ascending" else -1
            left.sort(key=lambda pair: sign * pair[1][name])
    return [name for name, _ in left]


@given(states=STATES, priorities=st.lists(st.lists(STEPS, max_size=5), min_size=1, max_size=3))
def test_steps_do_what_they_say(states, priorities):
    kept = {name: dict(state) for name, state in states.items()}
    read = read_priorities(str([{"priority": n, "steps": list(map(written, s))} for n, s in enumerate(priorities)]))
    drawn = []
    found = select(read, states, {}, lambda names: drawn.append(names) or names[-1])
    expected = next((left for steps in priorities if (left := plainly(steps, kept))), [])
    assert found == (expected[-1] if expected else None)
    assert drawn == ([expected] if len(expected) > 1 else [])
    assert states == kept


@given(text=st.text(max_size=40) | st.from_regex(r"[-+*/%().a-z0-9<>=! ]{0,40}", fullmatch=True))
def test_any_expression_is_answered(text):
    try:
        priorities = read_priorities(str([{"steps": [{"filter": text}]}]))
    except DeclarationError:
        return
    assert select(priorities, {"a": {"x": 1}}, {"y": "text"}, lambda names: "chance") in ("a", None)
