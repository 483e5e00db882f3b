"""A server on loopback that plays a part of the outside, for as long as a with statement."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


class Loopback:
    """Serves `address` with a handler's class, which knows it as `outer`; `received` is what was sent to it."""

    def __init__(self, handler):
        self.received = []
        self._server = ThreadingHTTPServer((HOST, 0), type("Handler", (handler,), {"outer": self}))
        self.address = f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Quiet(BaseHTTPRequestHandler):
    """A handler without a log."""

    def body(self):
        """The bytes of the request."""
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, *_):
        """Says nothing: the tests' output is not the place."""
