"""The real YAML language server, spoken to as an editor does: a document is opened, and what is wrong with it comes back."""

import json
import subprocess
import threading

from local import tools


class LanguageServer:
    """A server with an editor's settings; a context manager that ends it."""

    def __init__(self, settings):
        self._settings = settings
        self._id = 0
        self._diagnostics = {}

    def __enter__(self):
        node, packages = tools.node()
        server = packages / "node_modules/yaml-language-server/bin/yaml-language-server"
        self._process = subprocess.Popen(
            [node, server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        # Ends the wait for an answer that does not come.
        self._patience = threading.Timer(180, self._process.kill)
        self._patience.start()
        capabilities = {"workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}}}
        self._asked("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._notify("initialized", {})
        self._notify("workspace/didChangeConfiguration", {"settings": self._settings})
        return self

    def __exit__(self, *_):
        self._asked("shutdown", None)
        self._notify("exit", None)
        self._process.communicate()
        self._patience.cancel()

    def problems(self, path):
        """What is wrong with a document: (line, message) of each, as an editor would underline it."""
        uri = path.as_uri()
        if uri not in self._diagnostics:
            document = {"uri": uri, "languageId": "yaml", "version": 1, "text": path.read_text()}
            self._notify("textDocument/didOpen", {"textDocument": document})
        while uri not in self._diagnostics:
            self._handle(self._read())
        return sorted((one["range"]["start"]["line"] + 1, one["message"]) for one in self._diagnostics[uri])

    def explained(self, path, line, column):
        """What is shown of the word at this place of an open document."""
        place = {"textDocument": {"uri": path.as_uri()}, "position": {"line": line - 1, "character": column}}
        return self._asked("textDocument/hover", place)["contents"]["value"]

    def _asked(self, method, params):
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._id and "method" not in message:
                return message["result"]
            self._handle(message)

    def _handle(self, message):
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message and "method" in message:
            # It asks for settings; whatever else it asks for is granted.
            items = (message.get("params") or {}).get("items", [])
            result = [self._settings.get(item.get("section")) for item in items] or None
            self._send({"id": message["id"], "result": result})

    def _notify(self, method, params):
        self._send({"method": method, "params": params})

    def _send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self):
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise AssertionError("the language server ended")
        return json.loads(self._process.stdout.read(length))
