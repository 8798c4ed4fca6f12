"""What a browser needs to decode: a model's decoder half, and the decoder itself in WebAssembly (web/README.md)."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""The folder of tlic.js and tlic.wasm."""
