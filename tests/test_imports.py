"""Imports between the modules of the package."""

from __future__ import annotations

import grimp


def test_no_imports_make_a_circle_even_if_late_or_only_for_type_checkers() -> None:
    graph = grimp.build_graph("isolet_nn", cache_dir=None)
    packages = [module for module in sorted(graph.modules) if graph.find_children(module)]
    assert "isolet_nn.sweeps" in packages
    breakers = {package: graph.nominate_cycle_breakers(package) for package in packages}
    assert {package: imports for package, imports in breakers.items() if imports} == {}
