"""The tools of the documentation notice what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.architecture import read_imports
from tools.examples import MismatchError, follow, read_blocks
from tools.site import broken_links, lost_pages


def _page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def _example(language: str, body: str, directive: str = "") -> str:
    return f"{directive}\n```{language}\n{body}\n```\n"


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo 'loss 0.8165  in 3.2 s'", "loss 0.8167  in 0.1 s"),
        ("echo runs/20260101-000000-a", "runs/20251231-235959-a"),
        ("printf 'a\\nb\\nc\\n'", "a\n..."),
        ("printf 'a\\nb\\nc\\n'", "...\nc"),
        ("printf '│ a   │ 1 │\\n'", "│ a │ 1 │"),
        ("echo epoch 1/30 and more", "epoch 1/30 ..."),
    ],
)
def test_output_may_differ_in_dates_times_widths_and_last_digits(
    tmp_path: Path, command: str, output: str
) -> None:
    follow(_page(tmp_path, _example("console", f"$ {command}\n{output}")), tmp_path)


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("echo loss 0.8165", "loss 0.7000"),
        ("echo 8 rows", "9 rows"),
        ("echo right", "wrong"),
        ("printf 'a\\nb\\n'", "a"),
        ("printf 'a\\n'", "a\nb"),
        ("printf 'a\\nb\\nc\\n'", "...\nb"),
        ("false", ""),
    ],
)
def test_output_that_differs_otherwise_is_found(tmp_path: Path, command: str, output: str) -> None:
    with pytest.raises(MismatchError):
        follow(_page(tmp_path, _example("console", f"$ {command}\n{output}")), tmp_path)


def test_a_run_folder_is_known_by_the_name_that_the_page_gives_it(tmp_path: Path) -> None:
    made = "mkdir -p runs/20260101-000000-a && echo runs/20260101-000000-a"
    text = f"$ {made} # runs/x\nruns/20251231-235959-a\n$ ls -d runs/20251231-235959-a\n"
    follow(_page(tmp_path, _example("console", text + "runs/20251231-235959-a")), tmp_path)


def test_what_python_prints_is_compared_and_its_variables_are_kept(tmp_path: Path) -> None:
    first, second = _example("python", "x = 2"), _example("python", "print(x + 1)")
    follow(_page(tmp_path, first + second + _example("text", "3")), tmp_path)
    with pytest.raises(MismatchError):
        follow(_page(tmp_path, first + second + _example("text", "4")), tmp_path)


def test_a_config_that_does_not_load_is_found(tmp_path: Path) -> None:
    from isolet_nn.errors import ConfigError

    follow(_page(tmp_path, _example("yaml", "model: {hidden_layers: [8]}")), tmp_path)
    with pytest.raises(ConfigError):
        follow(_page(tmp_path, _example("yaml", "model: {hiden_layers: [8]}")), tmp_path)


def test_a_config_with_blanks_must_be_refused_if_the_page_says_so(tmp_path: Path) -> None:
    exit_2 = "<!-- run: exit 2 -->"
    follow(_page(tmp_path, _example("yaml", "model: {hidden_layers: ___}", exit_2)), tmp_path)
    with pytest.raises(MismatchError, match="loads"):
        follow(_page(tmp_path, _example("yaml", "model: {hidden_layers: [8]}", exit_2)), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        _example("sh", "make train"),
        _example("", "isolet-nn train isolet"),
        _example("console", "$ true", "<!-- run: perhaps -->"),
        _example("console", "$ true", "<!-- run: not -->"),
    ],
)
def test_a_block_is_run_unless_its_page_says_why_not(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"a block of|unknown directive"):
        read_blocks(_page(tmp_path, text))


def test_a_page_outside_the_navigation_and_a_dead_link_are_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "zensical.toml").write_text('[project]\nnav = [{ A = "a.md" }]\n')
    (tmp_path / "docs" / "b.md").write_text("![picture](gone.png) [site](https://example.org)\n")
    assert lost_pages(tmp_path) == [
        "docs/b.md: not in the navigation of zensical.toml",
        "zensical.toml: there is no docs/a.md",
    ]
    assert broken_links(tmp_path) == ["docs/b.md: there is no gone.png"]


def test_the_picture_of_the_architecture_follows_from_the_imports(tmp_path: Path) -> None:
    package = tmp_path / "house"
    (package / "attic").mkdir(parents=True)
    (package / "__init__.py").write_text('"""A house."""\n')
    (package / "attic" / "__init__.py").write_text("from house import cellar\n")
    (package / "cellar.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import house.attic\n"
    )
    (package / "roof.py").write_text("def f():\n    from house.attic.box import thing\n")
    assert read_imports(package) == {"attic": {"cellar"}, "cellar": set(), "roof": {"attic"}}
