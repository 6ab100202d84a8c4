"""Organic molecules as a design space: relaxed molecules, their rounding, breeding and drawing."""
