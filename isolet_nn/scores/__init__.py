"""How good answers are: accuracy, calibration, statistics."""
