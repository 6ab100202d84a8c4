"""Whole workflows on a table of materials: choose a model, train, calibrate, evaluate."""
