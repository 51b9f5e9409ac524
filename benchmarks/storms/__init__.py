"""Clients that misbehave, and whether others notice."""
