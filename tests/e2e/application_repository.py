"""The Serverless Application Repository, as far as `sam publish` calls it: it remembers each new application."""

import json
import re

from local.cloud import ACCOUNT
from loopback import Loopback, Quiet

ARN = f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/"

# What CreateApplication takes: the pattern and the greatest length, and how many labels.
# Source: API reference of the Serverless Application Repository, "Applications".
LIMITS = {
    "name": (r"[a-zA-Z0-9\-]+", 140),
    "author": (r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", 127),
    "description": (r"(?s).+", 256),
    "semanticVersion": (r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", 64),
    "spdxLicenseId": (r"[A-Za-z0-9.+-]+", 64),
}
LABEL, LABELS = (r"[a-zA-Z0-9+\-_:/@]+", 127), 10


class ApplicationRepository(Loopback):
    """`received` has the body of each CreateApplication, also of a refused one."""

    def __init__(self):
        super().__init__(_Applications)


class _Applications(Quiet):
    def do_POST(self):
        body = json.loads(self.body())
        self.outer.received.append(body)
        faults = _faults(self.path, body)
        if faults:
            self._answer(400, {"errorCode": "BadRequest", "message": "; ".join(faults)})
        else:
            self._answer(201, {**body, "applicationId": ARN + body["name"]})

    def _answer(self, status, answer):
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status != 201:
            self.send_header("x-amzn-ErrorType", f"{answer['errorCode']}Exception")
        self.end_headers()
        self.wfile.write(text)


def _faults(path, body):
    """What CreateApplication would refuse, each with what was given."""
    faults = [] if path == "/applications" else [f"{path} is not CreateApplication"]
    required = {"name", "author", "description"}
    faults += [f"{name} is missing" for name in sorted(required - body.keys())]
    faults += [f"{name}: {body[name]!r}" for name in LIMITS if name in body and not _fits(body[name], LIMITS[name])]
    labels = body.get("labels", [])
    faults += [f"labels: {label!r}" for label in labels if not _fits(label, LABEL)]
    faults += [f"{len(labels)} labels"] if len(labels) > LABELS else []
    return faults


def _fits(text, limit):
    pattern, longest = limit
    return bool(re.fullmatch(pattern, text)) and len(text) <= longest
