import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from command import run_trellic
from conftest import GOLDEN


def test_a_folder_is_served_until_it_is_interrupted(folder):
    command = [sys.executable, "-m", "trellic", "serve", "in", "--port", "0", "--json", "--model", "golden"]
    variables = {**os.environ, "TRELLIC_MODELS": str(GOLDEN)}
    heeded = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731 - a shell's background ignores it
    with subprocess.Popen(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heeded
    ) as process:
        try:
            said = json.loads(process.stdout.readline())
            with urllib.request.urlopen(said["url"] + "api/folder", timeout=30) as reply:
                names = [file["name"] for file in json.load(reply)["files"]]
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()
    assert said["url"].startswith("http://127.0.0.1:")
    assert said["folder"] == "in"
    assert names == ["a.png", "b.png", "deep/c.png"]


@pytest.mark.parametrize(
    ("arguments", "says"), [(["missing"], b"missing is no folder"), (["--model", "x"], b"model 'x'")]
)
def test_what_cannot_be_served_is_an_error(tmp_path, arguments, says):
    done = run_trellic("serve", *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count(b"\n") == 1
