"""The picture of the architecture: packages and the imports between them, read from the code.

A box is a package (a folder) or a module that lies at the top. Whatever imports stands above what
it imports. An arrow that follows from others is left out, as are imports that only type checkers
make; those that happen within functions count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = Path(__file__).parents[2] / "isolet_nn"
Graph = dict[str, set[str]]

_ENTRY = ("__init__", "__main__")
_WIDTH, _MARGIN, _BOX, _ROW, _LETTER = 960, 32, 34, 84, 7.7


def read_imports(package: Path = PACKAGE) -> Graph:
    """What each package, or module at the top, imports of the others."""
    homes = {
        path.stem if path.is_file() else path.name
        for path in package.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    graph: Graph = {home: set() for home in homes - set(_ENTRY)}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[0] in graph:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found = {_home(name, homes) for name in _imported(tree, package.name)}
            graph[parts[0]] |= {home for home in found if home in graph and home != parts[0]}
    return graph


def purposes(package: Path = PACKAGE) -> dict[str, str]:
    """The first line of each one's docstring."""
    found = {}
    for home in read_imports(package):
        path = package / home / "__init__.py"
        text = (path if path.is_file() else package / f"{home}.py").read_text(encoding="utf-8")
        docstring = ast.get_docstring(ast.parse(text)) or ""
        found[home] = docstring.partition("\n\n")[0].replace("\n", " ")
    return found


def architecture_table() -> str:
    """Every package: what is in it, and what it imports, as Markdown."""
    graph, purpose = read_imports(), purposes()
    rows = ["| Package | What is in it | It imports |", "| --- | --- | --- |"]
    for row in _rows(graph):
        for home in row:
            imports = ", ".join(f"`{name}`" for name in sorted(graph[home])) or "nothing of ours"
            rows.append(f"| `{home}` | {purpose[home]} | {imports} |")
    return "\n".join(rows)


def architecture_picture() -> str:
    """The packages in rows, as SVG."""
    graph = read_imports()
    lines = [line for row in _rows(graph) for line in _cut(row)]
    height = 2 * _MARGIN + _BOX + _ROW * (len(lines) - 1)
    places = {home: place for y, line in enumerate(lines) for home, place in _place(line, y)}
    arrows = [
        _arrow(places[home], places[other])
        for home, others in sorted(_reduced(graph).items())
        for other in sorted(others)
    ]
    boxes = [_box(home, place) for home, place in places.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="monospace" font-size="13">',
            "<title>The packages of isolet-nn; arrows point to what is imported</title>",
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
            *arrows,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Names below the package that are imported: ``sweeps.run`` of ``isolet_nn.sweeps.sweep``."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.partition(".")[2] for name in names if name.startswith(f"{package}."))


def _home(name: str, homes: set[str]) -> str:
    """The package or module at the top in which a name is; what is in none is ``__init__``'s."""
    first = name.partition(".")[0]
    return first if first in homes else "__init__"


def _reach(graph: Mapping[str, set[str]], home: str) -> set[str]:
    found: set[str] = set()
    waiting = [home]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _rows(graph: Graph) -> list[list[str]]:
    """Packages by the length of the longest way down; those that import each other share a row."""
    reach = {home: _reach(graph, home) for home in graph}
    levels: dict[str, int] = {}
    for home in sorted(graph, key=lambda home: len(reach[home])):
        below = [other for other in reach[home] if home not in reach[other]]
        levels[home] = max((levels[other] + 1 for other in below), default=0)
    rows: list[list[str]] = [[] for _ in range(max(levels.values()) + 1)]
    for home in sorted(graph):
        rows[levels[home]].append(home)
    return rows[::-1]


def _reduced(graph: Graph) -> Graph:
    """Without the arrows that follow from others."""
    reach = {home: _reach(graph, home) for home in graph}

    def follows(home: str, middle: str, other: str) -> bool:
        in_a_circle = home in reach[middle] or middle in reach[other]
        return other in reach[middle] and not in_a_circle

    return {
        home: {
            other
            for other in others
            if not any(follows(home, middle, other) for middle in others - {other})
        }
        for home, others in graph.items()
    }


def _cut(row: Sequence[str]) -> Iterator[list[str]]:
    """Lines of a row that fit into the picture."""
    line: list[str] = []
    for home in row:
        if line and sum(_width(name) + 20 for name in [*line, home]) > _WIDTH - 2 * _MARGIN:
            yield line
            line = []
        line.append(home)
    yield line


def _width(home: str) -> float:
    return len(home) * _LETTER + 24


def _place(line: Sequence[str], y: int) -> Iterator[tuple[str, tuple[float, float]]]:
    """The middle of each box's upper edge."""
    gap = (_WIDTH - 2 * _MARGIN - sum(map(_width, line))) / len(line)
    x = _MARGIN + gap / 2
    for home in line:
        yield home, (round(x + _width(home) / 2, 1), _MARGIN + _ROW * y)
        x += _width(home) + gap


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    bend = _ROW / 3
    if y1 == y2:  # they import each other
        bend = -bend
    else:
        y1 += _BOX
    curve = f"M{x1} {y1}C{x1} {y1 + bend:g} {x2} {y2 - abs(bend):g} {x2} {y2 - 5}"
    return f'<path d="{curve}l-3 -5h6l-3 5" fill="none" stroke="#8a94a6"/>'


def _box(home: str, place: tuple[float, float]) -> str:
    (x, y), width = place, _width(home)
    return (
        f'<rect x="{x - width / 2:g}" y="{y}" width="{width:g}" height="{_BOX}" rx="6" '
        'fill="#eef2f8" stroke="#4a5a78"/>'
        f'<text x="{x}" y="{y + 22}" text-anchor="middle" fill="#1c2536">{escape(home)}</text>'
    )
