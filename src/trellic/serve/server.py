"""The server: a thread for each connection, so many at a time, on one address."""

import ipaddress
import socket
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any

from trellic.errors import BadRequest
from trellic.serve.handler import Handler
from trellic.serve.site import Answering

MOST_CONNECTIONS = 32


class Server(ThreadingHTTPServer):
    """Serves a site at a host's port, 0 for any that is free. Raises BadRequest where that cannot be."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, site: Answering, host: str, port: int) -> None:
        self.site, self.host = site, host
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = found[0]
            super().__init__(found[4][:2], partial(Handler, site, self.is_named))  # type: ignore[arg-type]
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise BadRequest(f"cannot serve at {host}, port {port}: {reason} (--port 0 takes a free one)") from error
        self.is_local = ipaddress.ip_address(str(self.server_address[0])).is_loopback

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/"

    def is_named(self, host: str) -> bool:
        """Return whether a Host header may name this server: any, unless it serves this machine alone."""
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        return not self.is_local or name.lower() in {"localhost", "127.0.0.1", "[::1]", self.host.lower()}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a connection, or close it where there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Work on a connection until it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: connections end in many ways, and what fails within a request is answered."""
