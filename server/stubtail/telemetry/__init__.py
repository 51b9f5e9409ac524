"""Spans of calls, for those who follow a request through several services."""
