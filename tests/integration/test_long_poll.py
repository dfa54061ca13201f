import hashlib
import threading
import time

from http_client import query, request

W, L = "\x02", "\x01"


def publish(server, name, content, group="G1", **more):
    assert request("POST", server.url("/v1/cs/configs"), {"dataId": name, "group": group, "content": content, **more}).body == b"true"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest() if text else ""


def listen(server, entries, timeout_ms=30000, headers=None):
    """entries: (dataId, group, content that the client has[, tenant])."""
    text = "".join(W.join([d, g, md5(c), *t]) + L for d, g, c, *t in entries)
    headers = dict(headers or {})
    if timeout_ms is not None:
        headers["Long-Pulling-Timeout"] = str(timeout_ms)
    return request("POST", server.url("/v1/cs/configs/listener"), {"Listening-Configs": text}, headers, timeout=40)


class Poll(threading.Thread):
    def __init__(self, *args, **kwargs):
        super().__init__(daemon=True)
        self.args, self.kwargs, self.reply, self.seconds = args, kwargs, None, None
        self.start()

    def run(self):
        begin = time.monotonic()
        self.reply = listen(*self.args, **self.kwargs)
        self.seconds = time.monotonic() - begin

    def done(self, timeout=5):
        self.join(timeout)
        assert self.reply is not None, f"the poll was not answered within {timeout} s"
        return self.reply


def test_changed_at_once(server, name):
    publish(server, name, "new")
    reply = listen(server, [(name, "G1", "old")])
    assert (reply.status, reply.body) == (200, f"{name}%02G1%01\n".encode())
    assert reply.headers["Cache-Control"] == "no-cache,no-store"


def test_tenant_is_echoed_as_it_came(server, name):
    publish(server, name, "new")
    assert listen(server, [(name, "G1", "old", "public")]).body == f"{name}%02G1%02public%01\n".encode()
    assert listen(server, [(name, "G1", "old", "")]).body == f"{name}%02G1%01\n".encode()
    publish(server, name, "new", tenant="ns1")
    assert listen(server, [(name, "G1", "old", "ns1")]).body == f"{name}%02G1%02ns1%01\n".encode()


def test_several_entries_only_the_changed_are_told(server, name):
    publish(server, name + "-a", "a")
    publish(server, name + "-b", "b")
    body = listen(server, [(name + "-a", "G1", "a"), (name + "-b", "G1", "old"), (name + "-none", "G1", "had")]).text
    assert body.endswith("\n")
    assert sorted(body.strip().split("%01")) == ["", f"{name}-b%02G1", f"{name}-none%02G1"]


def test_no_hangup_is_empty_at_once(server, name):
    publish(server, name, "same")
    begin = time.monotonic()
    reply = listen(server, [(name, "G1", "same")], headers={"Long-Pulling-Timeout-No-Hangup": "true"})
    assert (reply.status, reply.body) == (200, b"")
    assert time.monotonic() - begin < 2


def test_publish_wakes_with_exact_body(server, name):
    publish(server, name, "one")
    poll = Poll(server, [(name, "G1", "one"), (name + "-other", "G1", "")])
    time.sleep(0.5)
    assert poll.is_alive()
    publish(server, name, "two")
    reply = poll.done()
    assert (reply.status, reply.body) == (200, f"{name}%02G1%01\n".encode())


def test_first_publish_and_delete_wake(server, name):
    poll = Poll(server, [(name, "G1", "", "ns1")])
    time.sleep(0.3)
    publish(server, name, "one", tenant="ns1")
    assert poll.done().body == f"{name}%02G1%02ns1%01\n".encode()
    poll = Poll(server, [(name, "G1", "one", "ns1")])
    time.sleep(0.3)
    request("DELETE", query(server.url("/v1/cs/configs"), dataId=name, group="G1", tenant="ns1"))
    assert poll.done().body == f"{name}%02G1%02ns1%01\n".encode()


def test_other_keys_and_namespaces_do_not_wake(server, name):
    publish(server, name, "one")
    poll = Poll(server, [(name, "G1", "one")])
    time.sleep(0.3)
    publish(server, name, "x", group="G2")
    publish(server, name, "x", tenant="ns1")
    publish(server, name + "2", "x")
    time.sleep(1)
    assert poll.is_alive()
    publish(server, name, "two")
    assert poll.done().body == f"{name}%02G1%01\n".encode()


def test_hold_time_has_a_floor_of_ten_seconds(server, name):
    publish(server, name, "one")
    poll = Poll(server, [(name, "G1", "one")], timeout_ms=1000)
    reply = poll.done(15)
    assert (reply.status, reply.body) == (200, b"")
    assert 9.5 < poll.seconds < 12


def test_short_polling_answers_in_headers(server, name):
    publish(server, name, "one")
    reply = listen(server, [(name, "G1", "old")], timeout_ms=None)
    assert (reply.status, reply.body.strip()) == (200, b"")
    assert reply.headers["Probe-Modify-Response"] == f"{name}:G1;"
    assert reply.headers["Probe-Modify-Response-New"].strip() == f"{name}%02G1%01"
    assert listen(server, [(name, "G1", "one")], timeout_ms=None).body.strip() == b""


def test_nonsense_is_refused(server):
    assert listen(server, [], timeout_ms=30000).status == 400
    assert listen(server, [("a", "b", "c")], timeout_ms="soon").status == 400


def test_many_pollers_are_all_woken(server, name):
    publish(server, name, "one")
    polls = [Poll(server, [(name, "G1", "one")]) for _ in range(50)]
    time.sleep(1)
    publish(server, name, "two")
    for poll in polls:
        assert poll.done().body == f"{name}%02G1%01\n".encode()
