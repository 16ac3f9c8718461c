"""Behaviour cases of the field, run through Tocsin's own code: one small driver per kind."""
