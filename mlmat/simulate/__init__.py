"""Molecular dynamics, relaxation and what is measured in them, on any potential."""
