"""Readers of what other tools export, each into Tocsin's own tree."""
