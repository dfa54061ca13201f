"""Publishers that remember what was acknowledged, and where the recording of the server's disk was at that moment."""
import http.client
import os
import threading
import urllib.parse


def content_of(key, version):
    """Different for each publish; tests/fault/check/power_cut_check.cpp has the same."""
    size = (key * 7919 + version * 104729) % (20000 if version % 10 == 0 else 3000)
    start = (key * 31 + version * 17) % 26
    alphabet = "abcdefghijklmnopqrstuvwxyz" * 2
    filler = alphabet[start:start + 26] * (size // 26 + 1)
    return f"CUT key={key} version={version} {filler[:size]} END"


def path_of(key):
    return "/nacos/v1/cs/configs?" + urllib.parse.urlencode({"dataId": f"cut-{key}", "group": "G"})


class Publishers:
    """Threads that publish by turns to keys of their own until `publishes` are acknowledged, stop() or an error."""

    def __init__(self, port, publishes, recording=None, threads=4, keys=20, first_version=0):
        self.port, self.recording, self.publishes = port, recording, publishes
        self.first_version = first_version
        self.sent = []  # (key, version, begin, end); end 0: not acknowledged
        self.acknowledged = {}
        self.count = 0
        self.refused = None  # the first answer that was no "true"
        self._lock = threading.Lock()
        self._end = threading.Event()
        self.done = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(range(t * keys, (t + 1) * keys),), daemon=True)
                         for t in range(threads)]

    def start(self):
        for t in self._threads:
            t.start()
        return self

    def stop(self):
        self._end.set()
        for t in self._threads:
            t.join(30)
            assert not t.is_alive()

    def _length(self):
        return os.stat(self.recording).st_size if self.recording else 0

    def _run(self, keys):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        version = self.first_version
        try:
            while not self._end.is_set():
                version += 1
                for key in keys:
                    if self._end.is_set():
                        return
                    form = urllib.parse.urlencode({"dataId": f"cut-{key}", "group": "G", "content": content_of(key, version)})
                    publish = [key, version, self._length(), 0]
                    with self._lock:
                        self.sent.append(publish)
                    connection.request("POST", "/nacos/v1/cs/configs", form, {"Content-Type": "application/x-www-form-urlencoded"})
                    answer = connection.getresponse().read()
                    if answer != b"true":
                        self.refused = self.refused or answer
                        return
                    with self._lock:
                        publish[3] = self._length() or 1
                        self.acknowledged[key] = version
                        self.count += 1
                        if self.count >= self.publishes:
                            self.done.set()
        except (OSError, http.client.HTTPException):
            pass  # the server has gone, as it was meant to
        finally:
            connection.close()


def read(port, key):
    """(status, content) of a key's config."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path_of(key))
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace")
    finally:
        connection.close()


def versions_sent(sent, place=None):
    """By key: (last version that was acknowledged, last version that was sent), before a place of the recording."""
    seen = {}
    for key, version, begin, end in sent:
        acknowledged, begun = seen.get(key, (0, 0))
        if place is None or begin <= place:
            begun = max(begun, version)
        if end and (place is None or end <= place):
            acknowledged = max(acknowledged, version)
        seen[key] = (acknowledged, begun)
    return seen


def problem_of(port, key, acknowledged, begun):
    """What is wrong with a key after a restart; nothing when all is well."""
    status, text = read(port, key)
    if status == 404 and acknowledged == 0:
        return None
    if status != 200:
        return f"key {key}: version {acknowledged} was acknowledged, the answer is HTTP {status} {text[:100]!r}"
    try:
        version = int(text.split()[2].split("=")[1])
    except (IndexError, ValueError):
        return f"key {key}: this was never sent: {text[:100]!r}"
    if text != content_of(key, version):
        return f"key {key}: the content of version {version} is not what was sent"
    if not acknowledged <= version <= begun:
        return f"key {key}: version {acknowledged} was acknowledged, {begun} sent, {version} is there"
    return None
