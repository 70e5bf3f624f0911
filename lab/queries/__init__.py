"""Reads for pages and services, scoped by the parent, a fixed number of statements each."""
