"""How good answers are.

- ``evaluation``: logits become accuracies, a confusion matrix, scores by class and by group.
- ``measures``: balanced accuracy, macro F1, Matthews, ROC AUC, average precision.
- ``imbalance``: whether accuracy misleads.
- ``calibration``: confidence against accuracy.
- ``curves``: ROC and precision-recall; ``importance``: of columns.
- ``tables``: all of these as CSV, written and read.
- ``statistics``: intervals over seeds, and tests of two models on the same rows.
- ``paired``: tests over the same seeds, folds or data sets.
"""
