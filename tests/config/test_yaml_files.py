"""YAML files: what a scalar means, what is written is read back, and hostile files end at once."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from isolet_nn import load_experiment, load_sweep
from isolet_nn.config import yaml_files
from isolet_nn.config.yaml_files import MOST_ALIASED, MOST_VALUES, dump_yaml, parse_yaml
from isolet_nn.errors import ConfigError
from isolet_nn.runs.folder import Run
from isolet_nn.system.files import parse_json


class Anything(BaseModel):
    value: Any


def read(text: str) -> Any:
    return parse_yaml(text, "test")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10), ("-007", -7), ("+08", 8), ("0", 0), ("00", 0), ("016", 16), ("-0", 0),
        ("005.50", 5.5), ("01e2", 100.0), ("1.", 1.0), (".5", 0.5), ("-.5E-1", -0.05),
        ("+.inf", math.inf), ("-.INF", -math.inf), ("9" * 40, int("9" * 40)),
        ("!!int 010", 10), ("!!float 1", 1.0), ("!!float 1e2", 100.0), ("!!str 010", "010"),
    ],
)  # fmt: skip
def test_a_number_is_decimal_whatever_it_begins_with(text: str, value: object) -> None:
    assert (read(text), type(read(text))) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["1:30", "190:20:30", "1:30.5", "0x1F", "0b11", "0o17", "1_000", "1_0.5", "_1", "0x", "1e", "=",
     "2024-01-01", "2024-01-01T10:00:00Z", "2024-13-45", "1,5", "y", "n", "١٢"],
)  # fmt: skip
def test_what_only_yaml_1_1_takes_for_a_number_or_a_date_is_text(text: str) -> None:
    assert read(text) == text
    assert read(f"key: [{text}]" if "," not in text else f"key: ['{text}']") == {"key": [text]}


@pytest.mark.parametrize("text", ["yes", "on", "True", "ON"])
def test_truth_values_are_those_of_yaml(text: str) -> None:
    assert read(text) is True


@pytest.mark.parametrize(
    "text",
    ["!!int 0x10", "!!int 1:30", "!!int x", "!!float 1:30", "!!float x", "!!int 1.5", "!!int [1]"],
)
def test_a_tag_makes_no_number_of_what_is_none(text: str) -> None:
    assert "not valid YAML" in refusal(text)


def test_a_number_that_is_far_too_long_is_told_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(f"dataset: iris\nseed: {'9' * 5000}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="found a number of 5000 digits; at most 300 are read"):
        load_experiment(path)
    with pytest.raises(ValueError, match="found a number of 5000 digits; at most 300 are read"):
        parse_json(f'{{"seed": {"9" * 5000}}}')


@pytest.mark.parametrize("tag", ["timestamp 2024-01-01", "binary aGk=", "set {a}", "omap [a: 1]"])
def test_types_that_no_setting_has_are_refused(tag: str) -> None:
    assert "could not determine a constructor" in refusal(f"!!{tag}")


# Where text or a number is wanted.

IRIS = "dataset: {name: iris}\n"


def problems_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "found"),
    [("on", "true"), ("off", "false"), ("no", "false"), ("1e3", "1000.0"), ("007", "7"),
     ("null", "null"), ("~", "null")],
)  # fmt: skip
def test_a_message_says_to_quote_what_is_meant_as_text(
    written: str, found: str, tmp_path: Path
) -> None:
    problem = problems_of(tmp_path, f"{IRIS}name: {written}\n")
    assert (
        f"name: found {found}; it should be a valid string, which is written in quotes" in problem
    )
    assert 'name: "..."' in problem
    path = tmp_path / "a.yaml"
    path.write_text(f'{IRIS}name: "a{written}"\n'.replace("~", ""), encoding="utf-8")
    assert load_experiment(path).name == f"a{written}".replace("~", "")


@pytest.mark.parametrize("written", ["1:30", "0x10", "1_000", "'5'", "2024-01-01"])
def test_a_message_says_to_write_a_number_in_decimal(written: str, tmp_path: Path) -> None:
    for key in ("training: {batch_size", "optimizer: {name: sgd, learning_rate"):
        problem = problems_of(tmp_path, f"{IRIS}{key}: {written}}}\n")
        assert "written in decimal digits, without quotes" in problem


def test_a_date_can_be_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"{IRIS}name: 2024-01-01\n", encoding="utf-8")
    assert load_experiment(path).name == "2024-01-01"


def test_every_kind_of_file_and_setting_reads_numbers_alike(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "experiment: {dataset: {name: iris}, training: {batch_size: 016}}\n"
        "grid: {training.epochs: [010, 08]}\nset: {ensemble: 02}\nseeds: [005, 010]\n",
        encoding="utf-8",
    )
    sweep = load_sweep(path, {})
    assert sweep.seeds == [5, 10]
    assert sweep.grid == {"training.epochs": [10, 8]}
    assert sweep.experiment["training"]["batch_size"] == 16
    assert sweep.experiment["ensemble"] == 2


# Round trips.

text = st.text(max_size=8) | st.from_regex(r"[-+]?[0-9][0-9_:.xobeE+-]{0,6}", fullmatch=True)
words = st.sampled_from(
    ["on", "off", "yes", "no", "y", "n", "true", "null", "~", "", "=", "<<", "1e3", "010", "0x1F",
     "1:30", "2024-01-01", "1_000", ".inf", ".nan", "- a", "a: b", "#", "!!int 3", "&a", "*a",
     "? a", "1.", "+1", "-.5", "\x85", "\u2028", "\ufeff", "a\nb", "\t", " a "]
)  # fmt: skip
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | words
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text | words, inner, max_size=3),
    max_leaves=8,
)


def typed(value: Any) -> Any:
    """A value in which 1, 1.0 and true differ, and 0.0 and -0.0."""
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    return type(value).__name__, repr(value)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(value=values)
@example(value=1e16)
@example(value=-0.0)
@example(value={"<<": {"a": 1}})
def test_what_is_written_is_read_back_with_value_and_type(value: Any) -> None:
    # JSON, through which sections pass, has no lone surrogates.
    try:
        written = dump_yaml(Anything(value=value))
    except UnicodeEncodeError:
        return
    assert typed(read(written)) == typed({"value": value})


@settings(max_examples=100)
@given(value=text | words | st.integers() | st.booleans())
def test_other_readers_of_yaml_take_what_is_written_for_the_same(value: Any) -> None:
    try:
        written = dump_yaml(Anything(value=value))
    except UnicodeEncodeError:
        return
    assert typed(yaml.safe_load(written)) == typed({"value": value})


# What would never end.


def lines(*texts: str) -> str:
    return "\n".join(texts)


def bomb(first: str, level: str, last: str, levels: int = 20) -> str:
    steps = [level.format(name=f"a{n + 1}", of=f"a{n}") for n in range(levels)]
    return lines(first, *steps, last.format(of=f"a{levels}"))


BOMBS = {
    "aliases": bomb("x: &a0 [lol]", "{name}: &{name} [*{of}, *{of}, *{of}]", "dataset: *{of}"),
    "merges": bomb("a0: &a0 {k: 1}", "{name}: &{name} {{<<: [*{of}, *{of}]}}", "dataset: *{of}"),
    "values": bomb("a0: &a0 {k: 1}", "{name}: &{name} {{a: *{of}, b: *{of}}}", "seed: *{of}"),
    "long": "x: &a [" + "1, " * 1000 + "1]\ny: [" + "*a, " * 1000 + "*a]",
    "keys": bomb("x: &a0 [lol]", "{name}: &{name} [*{of}, *{of}]", "? *{of}\n: 1"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_aliases_that_stand_for_very_much_are_refused_before_they_are_followed(name: str) -> None:
    assert f"its aliases stand for more than {MOST_ALIASED} values" in refusal(BOMBS[name])


@pytest.mark.parametrize(
    ("first", "value"), [("[", "1,"), ("", "- {a: 1}\n"), ("{", "? [a],"), ("[", "[],")]
)
def test_more_values_than_any_config_has_are_refused_while_they_are_read(
    first: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_files, "MOST_VALUES", 100)
    message = refusal(first + value * 102)
    assert message.endswith(f"more than {MOST_VALUES} keys and values in one file")


def test_more_seeds_than_are_read_are_told_with_their_short_form() -> None:
    message = refusal("experiment: iris\nseeds: [" + "1," * MOST_VALUES)
    assert "test:2:" in message
    assert message.endswith("in one file; seeds: N stands for N seeds from 0 on")


def test_as_many_values_are_read_as_are_written_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yaml_files, "MOST_VALUES", 100)
    content: dict[str, Any] = {"a": [*range(95)]}  # in two mappings, two keys and a list
    assert read(dump_yaml(Anything(value=content))) == {"value": content}
    with pytest.raises(ConfigError, match=f"more than {MOST_VALUES} keys and values in one file"):
        dump_yaml(Anything(value={**content, "b": None}))


@pytest.mark.parametrize(
    "content", ["&a [*a]", "&a {b: *a}", "&a {<<: *a}", "x: &a {b: &b [*a]}", "&a {? *a : 1}"]
)
def test_a_value_inside_itself_is_refused(content: str) -> None:
    assert "an alias inside the very value that it stands for" in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        lines(*(f"{'  ' * n}a:" for n in range(200))),
        lines("- &a0 [1]", *(f"- &a{n + 1} [*a{n}]" for n in range(200))),
        "- " * 2000,
        "? " * 2000,
    ],
)
def test_what_is_nested_too_deep_is_refused(content: str) -> None:
    assert "more than 50 sections or lists inside each other" in refusal(content)


def test_ordinary_aliases_and_merges_are_followed() -> None:
    content = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {d: {<<: *b, z: 4}}\ne: [*a, *b]"
    assert read(content) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"d": {"x": 1, "y": 3, "z": 4}},
        "e": [{"x": 1, "y": 2}, {"x": 1, "y": 3}],
    }


def test_a_mapping_that_is_merged_before_it_is_built_has_no_key_twice() -> None:
    content = "a: &a {k: 1}\np: {q: &b {<<: *a, k: 2}}\nr: {<<: *b}"
    assert read(content) == {"a": {"k": 1}, "p": {"q": {"k": 2}}, "r": {"k": 2}}


def test_a_bomb_in_a_run_folder_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(BOMBS["merges"], encoding="utf-8")
    with pytest.raises(ConfigError, match="its aliases stand for"):
        Run.open(tmp_path)


def file_problem(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "experiment.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_experiment(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r": found an empty file, expected keys"),
        (b"# only a comment\n", r": found an empty file, expected keys"),
        (b"- dataset\n", r": found a list, expected keys"),
        (b"dataset", r": found a str, expected keys"),
        (b"dataset: [1, 2", r":1:\d+: not valid YAML: "),
        (b"dataset:\n\tname: iris\n", r":2:1: not valid YAML: found character '\\t'"),
        (b"a: b: c", r":1:5: not valid YAML: mapping values are not allowed here"),
        (
            b"dataset: {name: iris}\nseed: 1\nseed: 2\n",
            r":3:1: not valid YAML: key 'seed' is given twice",
        ),
        (
            b"dataset: {name: iris, name: wine}\n",
            r":1:23: not valid YAML: key 'name' is given twice",
        ),
        (b"? [a]\n: 1\n", r":1:\d+: not valid YAML: found unhashable key"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff", r": not a YAML file: found byte 0x89 at position 0"),
        (b"dataset: \x00", r": not valid YAML: "),
        (b"dataset: !!python/object:os.system x\n", r":1:\d+: not valid YAML: could not determine"),
        (b"dataset: !!python/name:os.system\n", r":1:\d+: not valid YAML: could not determine"),
        (b"seed: *anchor\n", r":1:\d+: not valid YAML: found undefined alias"),
        (
            b"dataset: {name: iris}\n---\nseed: 1\n",
            r":2:1: not valid YAML: but found another document",
        ),
        (b"seed: 2026-13-45\n", r": seed: found '2026-13-45'; it should be a valid integer, "),
        (b"[" * 1000, r":1:\d+: not valid YAML: more than 50 sections or lists inside each other"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(
    content: bytes, message: str, tmp_path: Path
) -> None:
    found = file_problem(tmp_path, content)
    assert re.match(message, found), found


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_experiment(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: it is a folder"):
        load_experiment(tmp_path)


def test_a_problem_in_a_file_is_told_with_the_file(tmp_path: Path) -> None:
    found = file_problem(tmp_path, b"dataset: {name: iris}\noptimizer: {nmae: sgd}\n")
    assert found == ": optimizer.nmae: unknown key; did you mean name?"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E-3", 0.001), ("1.e-3", 0.001), ("5e3", 5000.0), ("1e+3", 1000.0),
        ("+1e3", 1000.0), ("-2.5e-4", -0.00025), (".5e1", 5.0), ("0.001", 0.001), ("1", 1),
        ("-7", -7), (".inf", math.inf), ("e3", "e3"), ("1e", "1e"), ("1e3x", "1e3x"),
        ("'1e-3'", "1e-3"), ("true", True), ("null", None), ("[1e-3, 2]", [0.001, 2]),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text: str, value: object) -> None:
    found = parse_yaml(text, "test")
    assert found == value
    assert type(found) is type(value)


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_every_way_python_writes_a_number_is_read_as_that_number(number: float) -> None:
    for text in (repr(number), f"{number:e}", f"{number:.17g}", f"{number:E}"):
        assert parse_yaml(text, "test") == float(text)


def test_comments_and_anchors_are_yaml_as_usual(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("dataset: &data {name: iris}  # flowers\nmodel: {hidden_layers: [&n 5, *n]}\n")
    assert load_experiment(path).model.hidden_layers == [5, 5]
