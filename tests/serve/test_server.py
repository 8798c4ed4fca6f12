import contextlib
import http.client
import socket
import time

import pytest

from trellic.errors import BadRequest
from trellic.serve import server as module
from trellic.serve.server import Server


def test_names_of_this_machine_are_known(server):
    port = server.server_address[1]
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", "[::1]", f"[::1]:{port}", "LOCALHOST"):
        assert server.is_named(host)
    for host in ("", "evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io", "[::1]evil"):
        assert not server.is_named(host)


def test_a_port_in_use_is_an_error(server):
    with pytest.raises(BadRequest, match=r"--port 0"):
        Server(server.site, "127.0.0.1", server.server_address[1])


def test_a_host_that_does_not_exist_is_an_error(server):
    with pytest.raises(BadRequest):
        Server(server.site, "no.such.host.invalid", 0)


def test_a_thread_that_cannot_start_holds_no_connection(server, ask, monkeypatch):
    def refuse(*_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(module.threading.Thread, "start", refuse)
        for _ in range(module.MOST_CONNECTIONS + 1):
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                ask("/")
    assert ask("/").status == 200


def test_connections_are_bounded_and_come_back(server, ask):
    held = [socket.create_connection(server.server_address[:2]) for _ in range(module.MOST_CONNECTIONS + 4)]
    held[-1].settimeout(10)
    assert held[-1].recv(1) == b""  # closed by the server
    for connection in held:
        connection.close()
    end = time.monotonic() + 10
    while True:  # their threads end soon
        try:
            assert ask("/").status == 200
            return
        except (http.client.HTTPException, ConnectionError):
            assert time.monotonic() < end
            time.sleep(0.05)
