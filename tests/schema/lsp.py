"""A client of a YAML language server, over stdio: enough of the protocol to open a text and ask about it."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any


class Client:
    """A running server that knows one schema for every file."""

    def __init__(self, server: Path, schema: Path) -> None:
        self.process = subprocess.Popen([str(server), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)  # fmt: skip
        self.inbox: Queue[dict[str, Any]] = Queue()
        self.settings = {"yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "validate": True, "completion": True,
                                  "schemaStore": {"enable": False}}}  # fmt: skip
        self.count = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True}}},
            "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": False}},
        }})  # fmt: skip
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": self.settings})

    def close(self) -> None:
        """End the server."""
        self.process.kill()
        self.process.wait(300)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()

    # messages ────────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while line := out.readline():
            length = int(line.split(b":")[1])
            while out.readline().strip():
                pass
            self.inbox.put(json.loads(out.read(length)))

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        """Ask the server something; its answer."""
        self.count += 1
        self._send({"id": self.count, "method": method, "params": params})
        return self._until(lambda m: m.get("id") == self.count and "method" not in m).get("result")

    def _until(self, wanted: Any) -> dict[str, Any]:
        """The next message that is wanted; the server's own questions are answered on the way."""
        while True:
            try:
                message = self.inbox.get(timeout=600)
            except Empty:
                raise AssertionError("the language server says nothing") from None
            if message.get("method") == "workspace/configuration":
                items = message["params"]["items"]
                self._send({"id": message["id"], "result": [self.settings.get(i["section"], {}) for i in items]})
            elif "id" in message and "method" in message:
                self._send({"id": message["id"], "result": None})
            if wanted(message):
                return message

    # questions ───────────────────────────────────────────────────────────────────────────────────

    def diagnostics(self, uri: str, text: str) -> list[dict[str, Any]]:
        """What the server marks in a text."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        marks = "textDocument/publishDiagnostics"
        found = self._until(lambda m: m.get("method") == marks and m["params"]["uri"] == uri)
        return list(found["params"]["diagnostics"])

    def completions(self, uri: str, text: str, line: int, character: int) -> list[str]:
        """What the server would complete at a place."""
        self.diagnostics(uri, text)  # once these are there, the schema is read
        where = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        found = self.request("textDocument/completion", where)
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]
