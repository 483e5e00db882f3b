"""The other end of a response URL: a server on loopback that remembers every PUT."""

import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


class ResponseUrl:
    """Answers with each of `statuses` in turn, then with 200; signed so many seconds `ago`; for a with statement."""

    def __init__(self, *statuses, ago=0):
        self._statuses = list(statuses)
        self.received = []
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        port = self._server.server_address[1]
        # As CloudFormation presigns it, except for the host.
        date = (datetime.now(timezone.utc) - timedelta(seconds=ago)).strftime("%Y%m%dT%H%M%SZ")
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
        self.url = f"http://{HOST}:{port}/answer?{query}&X-Amz-Signature=not-for-the-logs"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answers(self):
        """The bodies that were accepted."""
        return [one["body"] for one in self.received if one["status"] == 200]

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
