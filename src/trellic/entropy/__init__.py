"""Integers ⇄ bits: probability tables, range coding, and the one place where network outputs become integers."""
