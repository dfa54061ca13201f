"""HTTP for tests: every status is an answer, and raw sockets for what no client library would send."""
import contextlib
import json
import socket
import urllib.error
import urllib.parse
import urllib.request


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.status} {self.body[:500]!r}"


def request(method, url, form=None, headers=None, timeout=10.0, body=None):
    """form: sent as application/x-www-form-urlencoded body; give it in the URL for a query."""
    data = body
    headers = dict(headers or {})
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    ask = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(ask, timeout=timeout) as r:
            return Reply(r.status, r.headers, r.read())
    except urllib.error.HTTPError as e:
        with e:
            return Reply(e.code, e.headers, e.read())


def query(url, **params):
    return url + "?" + urllib.parse.urlencode(params)


def raw(port, data, timeout=5.0, host="127.0.0.1"):
    """Sends bytes and reads until the server closes or falls silent for `timeout`."""
    out = b""
    with socket.create_connection((host, port), timeout) as s:
        with contextlib.suppress(OSError):  # an early answer may end the reading of the rest
            s.sendall(data)
        try:
            while chunk := s.recv(65536):
                out += chunk
        except OSError:
            pass
    return out
