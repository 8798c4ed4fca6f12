"""trellic tiles: a folder of tiles, or a server of them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from command import run_trellic
from conftest import GOLDEN

STREAM = GOLDEN / "blocks.tlic"


def test_a_folder_of_tiles_is_written_once(tmp_path):
    done = run_trellic("tiles", STREAM, "-o", "out", "--format", "png", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {"folder": "out", "tiles": 5}
    assert (tmp_path / "out" / "1" / "1" / "1.png").exists()
    assert run_trellic("tiles", STREAM, "-o", "out", cwd=tmp_path).returncode == 1
    assert run_trellic("tiles", STREAM, "-o", "out", "--force", cwd=tmp_path).returncode == 0
    assert (tmp_path / "out" / "1" / "1" / "1.webp").exists()


def test_tiles_are_served_until_it_is_interrupted(tmp_path):
    command = [sys.executable, "-m", "trellic", "tiles", str(STREAM), "--serve", "--port", "0", "--json"]
    heeded = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731 - a shell's background ignores it
    variables = {**os.environ, "TRELLIC_MODELS": str(GOLDEN)}
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heeded
    ) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            with urllib.request.urlopen(url + "1/0/0.webp", timeout=30) as reply:
                assert reply.read()[:4] == b"RIFF"
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), b"-o DIR, or served"),
        (("-o", "o", "--serve"), b"or served"),
        (("-o", "o", "--format", "gif"), b"gif"),
    ],
)
def test_what_cannot_be_is_an_error(tmp_path, arguments, says):
    done = run_trellic("tiles", STREAM, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
