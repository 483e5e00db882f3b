"""The other end of a response URL: a server on loopback that remembers every PUT."""

import json
import time
from datetime import datetime, timedelta, timezone

from loopback import Loopback, Quiet


class ResponseUrl(Loopback):
    """Answers with each of `statuses` in turn, then with 200; for a with statement.

    Without a time, as the local cloud's own are: then the stack's status alone says whether the request is carried out.
    Or signed so many seconds `ago`, as CloudFormation does it: then the resource's status counts, too.
    """

    def __init__(self, *statuses, ago=None):
        super().__init__(_Answered)
        self.statuses = list(statuses)
        query = "X-Amz-Signature=not-for-the-logs"
        if ago is not None:
            date = (datetime.now(timezone.utc) - timedelta(seconds=ago)).strftime("%Y%m%dT%H%M%SZ")
            query += f"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-SignedHeaders=host&X-Amz-Expires=7200"
        self.url = f"{self.address}/answer?{query}"

    def wait_for(self, count, patience=60):
        """Waits until there are so many PUTs; returns them. More than that is an error."""
        deadline = time.monotonic() + patience
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        if len(self.received) != count:
            raise AssertionError(f"{len(self.received)} answers within {patience} s, not {count}: {self.received}")
        return self.received


class _Answered(Quiet):
    def do_PUT(self):
        body = self.body()
        status = self.outer.statuses.pop(0) if self.outer.statuses else 200
        self.outer.received.append(
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
