"""Headless Chromium, driven by playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trellic.errors import MissingLibrary

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """Give playwright's browser. Raises MissingLibrary where there is no playwright, or no Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise MissingLibrary('a browser needs a package: pip install "trellic[browser]"') from error
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        raise MissingLibrary(f"no browser is installed: {', '.join(PROGRAMS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
