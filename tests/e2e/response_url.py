"""The other end of a response URL: a server on loopback that remembers every PUT."""

import json
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


class ResponseUrl:
    """Answers with each of `statuses` in turn, then with 200; for a with statement.

    Without a time, as the local cloud's own are: then the stack's status alone says whether the request is carried out.
    Or signed so many seconds `ago`, as CloudFormation does it: then the resource's status counts, too.
    """

    def __init__(self, *statuses, ago=None):
        self._statuses = list(statuses)
        self.received = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        port = self._server.server_address[1]
        query = "X-Amz-Signature=not-for-the-logs"
        if ago is not None:
            date = (datetime.now(timezone.utc) - timedelta(seconds=ago)).strftime("%Y%m%dT%H%M%SZ")
            query += f"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
        self.url = f"http://{HOST}:{port}/answer?{query}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count, patience=60):
        """Waits until there are so many PUTs; returns them. More than that is an error."""
        deadline = time.monotonic() + patience
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        if len(self.received) != count:
            raise AssertionError(f"{len(self.received)} answers within {patience} s, not {count}: {self.received}")
        return self.received

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                status = outer._statuses.pop(0) if outer._statuses else 200
                outer.received.append(
                    {
                        "path": self.path,
                        "headers": {name.lower(): value for name, value in self.headers.items()},
                        "length": len(body),
                        "body": json.loads(body),
                        "status": status,
                    }
                )
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Says nothing: the tests' output is not the place."""

        return Handler
