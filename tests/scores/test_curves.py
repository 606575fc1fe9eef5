"""ROC and precision-recall curves against scikit-learn's, and as tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from isolet_nn.errors import DataError
from isolet_nn.scores.curves import (
    MOST_POINTS,
    Curve,
    mean_precision_recall,
    mean_roc,
    precision_recall_curves,
    roc_curves,
)
from isolet_nn.scores.evaluation import Evaluation, evaluate_logits
from isolet_nn.scores.measures import probabilities
from isolet_nn.scores.tables import (
    precision_recall_csv,
    read_precision_recall_csv,
    read_roc_csv,
    roc_csv,
)


def answered(seed: int, n: int, n_classes: int) -> Evaluation:
    random = np.random.default_rng(seed)
    logits = random.integers(-3, 4, (n, n_classes)).astype(np.float64)
    y = random.integers(0, n_classes, n)
    classes = [f"class {k}" for k in range(n_classes)]
    return evaluate_logits(logits, y, classes=classes, split="test")


@settings(max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(1, 60), n_classes=st.integers(2, 4))
def test_curves_are_scikit_learn_s_and_those_of_absent_classes_are_left_out(
    seed: int, n: int, n_classes: int
) -> None:
    evaluation = answered(seed, n, n_classes)
    shares = probabilities(evaluation.logits)
    roc = {curve.name: curve for curve in roc_curves(evaluation)}
    both = {curve.name: curve for curve in precision_recall_curves(evaluation)}
    for k, name in enumerate(evaluation.classes):
        is_class = evaluation.y == k
        assert (name in both) == is_class.any()
        assert (name in roc) == (is_class.any() and not is_class.all())
        if name in roc:
            false, true, _ = metrics.roc_curve(is_class, shares[:, k])
            np.testing.assert_array_equal([roc[name].x, roc[name].y], [false, true])
            assert roc[name].area == pytest.approx(metrics.auc(false, true))
        if name in both:
            expected = metrics.average_precision_score(is_class, shares[:, k])
            assert both[name].area == pytest.approx(expected)
            assert both[name].x[0] == 1.0
    if len(roc) == n_classes:
        mean = np.mean([curve.area for curve in roc.values()])
        assert evaluation.scores["roc_auc"] == pytest.approx(mean)


def test_a_curve_of_many_points_is_thinned_and_keeps_its_ends_and_area() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 5000)
    logits = np.column_stack([random.normal(size=5000), random.normal(size=5000) + y])
    evaluation = evaluate_logits(logits, y, classes=["a", "b"], split="test")
    for curve in (*roc_curves(evaluation), *precision_recall_curves(evaluation)):
        assert len(curve.x) == MOST_POINTS
        assert {curve.x[0], curve.x[-1]} == {0.0, 1.0}
    assert roc_curves(evaluation)[0].area == pytest.approx(evaluation.scores["roc_auc"])


@settings(max_examples=25)
@given(seed=st.integers(0, 999), n=st.integers(3, 60))
def test_the_area_under_the_mean_of_roc_curves_is_the_mean_of_their_areas(
    seed: int, n: int
) -> None:
    curves = roc_curves(answered(seed, n, 3))
    assume(curves)
    x, y = mean_roc(curves)
    assert (np.diff(x) >= 0.0).all()
    assert (np.diff(y) > -1e-12).all()
    areas = [curve.area for curve in curves]
    assert np.trapezoid(y, x) == pytest.approx(np.mean(areas), abs=1e-12)


def test_the_mean_of_precision_over_recall_goes_in_steps() -> None:
    one = Curve("a", 0.7, np.array([1.0, 0.5, 0.5, 0.0]), np.array([0.4, 0.6, 0.8, 1.0]))
    other = Curve("b", 0.7, np.array([1.0, 0.2, 0.0]), np.array([0.6, 1.0, 1.0]))
    x, y = mean_precision_recall([one, other])
    np.testing.assert_allclose(x, [0.0, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(y, [1.0, (0.8 + 1.0) / 2, (0.8 + 0.6) / 2, (0.4 + 0.6) / 2])


def test_tables_of_curves_read_back_to_the_last_bit() -> None:
    evaluation = answered(3, 50, 3)
    for curves, text, read in (
        (roc_curves(evaluation), roc_csv, read_roc_csv),
        (precision_recall_curves(evaluation), precision_recall_csv, read_precision_recall_csv),
    ):
        for curve, again in zip(curves, read(text(curves)), strict=True):
            assert (curve.name, curve.area) == (again.name, again.area)
            np.testing.assert_array_equal([curve.x, curve.y], [again.x, again.y])


@pytest.mark.parametrize(
    "row", ["", "a,0.5,0.1", "a,0.5,,1", "a,0.5,0.1,nan", "a,0.5,2,1", "a,x,1,1"]
)
def test_a_damaged_table_of_curves_is_refused(row: str) -> None:
    header = "class,area,false_positive_rate,true_positive_rate\n"
    with pytest.raises(DataError, match="not a table of curves: expected class, area"):
        read_roc_csv(header + row)
