"""Lambda's Runtime API and CloudFormation's response URL, on one loopback port."""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RuntimeApi:
    """One function's Runtime API."""

    def __init__(self):
        self._asked = queue.Queue()
        self._events = queue.Queue()
        self._answers = queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                api._asked.put(time.monotonic())
                event = api._events.get()
                if event is None:
                    return
                api._sent = time.monotonic()
                self._reply(json.dumps(event).encode(), event["RequestId"])

            def do_POST(self):
                self._body()
                self._reply(b"{}")

            def do_PUT(self):
                body = self._body()
                api._answers.put((time.monotonic(), json.loads(body)))
                self._reply(b"")

            def _body(self):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _reply(self, body, request_id=None):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                if request_id:
                    self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                    self.send_header("Lambda-Runtime-Deadline-Ms", str(int(1000 * time.time()) + 300_000))
                    self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:bench")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                # A function that is ended resets its connection.
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.response_url = f"http://{self.address}/answer"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()

    def asked(self):
        """When the function asks for its next event."""
        return self._asked.get(timeout=30)

    def answer_to(self, event):
        """How long the function takes to answer an event, and the answer."""
        self.asked()
        self._events.put(event)
        answered, answer = self._answers.get(timeout=60)
        return answered - self._sent, answer
