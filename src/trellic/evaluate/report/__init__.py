"""Measurements as tables, charts, and a page that needs no server and no network."""
