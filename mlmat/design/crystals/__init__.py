"""Crystals of a prototype as a design space: mixtures on sites, lattice constants, breeding."""
