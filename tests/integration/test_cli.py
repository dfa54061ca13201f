"""The client commands of the binary against a real server: what they print, and how they fail."""
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest
from cli_support import Background, FakeServer, cli, fails, ok
from pharos_server import Server, free_port, wait_for


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


# -- config

def test_set_and_get_byte_for_byte(server, name, tmp_path):
    content = "greeting: héllo 配置 %+&=\r\nno newline at the end"
    ok(server, "config", "set", name, content)
    done = ok(server, "config", "get", name)
    assert done.stdout == content.encode()
    ok(server, "config", "get", name, "-o", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == content.encode()


def test_set_from_file_and_standard_input(server, name, tmp_path):
    source = tmp_path / "in"
    source.write_bytes(b"a=1\n")
    ok(server, "config", "set", name, "-f", str(source))
    assert ok(server, "config", "get", name).stdout == b"a=1\n"
    ok(server, "config", "set", name, stdin=b"b=2\n")
    assert ok(server, "config", "get", name).stdout == b"b=2\n"
    ok(server, "config", "set", name, "-f", "-", stdin=b"c=3\n")
    assert ok(server, "config", "get", name).stdout == b"c=3\n"


def test_output_to_a_device_leaves_the_device(server, name):
    ok(server, "config", "set", name, "x")
    ok(server, "config", "get", name, "-o", "/dev/null")
    assert not os.path.isfile("/dev/null")


def test_output_keeps_permissions(server, name, tmp_path):
    ok(server, "config", "set", name, "x")
    target = tmp_path / "secret"
    target.write_text("old")
    target.chmod(0o600)
    ok(server, "config", "get", name, "-o", str(target))
    assert target.read_text() == "x" and target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("ending, kind", [(".yaml", "yaml"), (".properties", "properties"), (".json", "json"), ("", "text")])
def test_type_is_guessed(server, name, ending, kind):
    ok(server, "config", "set", name + ending, "{}")
    assert json.loads(ok(server, "config", "get", name + ending, "--json").stdout)["type"] == kind


def test_type_can_be_given(server, name):
    ok(server, "config", "set", name + ".yaml", "{}", "--type", "json")
    meta = ok(server, "config", "get", name + ".yaml", "--meta").text
    assert re.search(r"^type: +json$", meta, re.M) and re.search(r"^md5: +" + md5("{}") + "$", meta, re.M)
    assert re.search(r"^modified: +20\d\d-\d\d-\d\d ", meta, re.M)


def test_namespace_and_group(server, name):
    ok(server, "config", "set", name, "in dev", "-n", "dev", "-g", "G1")
    assert ok(server, "config", "get", name, "--namespace", "dev", "--group", "G1").text == "in dev"
    fails(3, server, "config", "get", name, "-g", "G1")
    assert ok(server, "config", "get", name, "-g", "G1", env={"PHAROS_NAMESPACE": "dev"}).text == "in dev"


def test_public_namespace_has_two_names(server, name):
    ok(server, "config", "set", name, "x", "-n", "public")
    assert ok(server, "config", "get", name).text == "x"


def test_cas(server, name):
    ok(server, "config", "set", name, "one")
    ok(server, "config", "set", name, "two", "--cas", md5("one"))
    message = fails(1, server, "config", "set", name, "three", "--cas", md5("one"))
    assert name in message and md5("one") in message
    assert ok(server, "config", "get", name).text == "two"


def test_rm(server, name):
    ok(server, "config", "set", name, "x")
    ok(server, "config", "rm", name)
    fails(3, server, "config", "get", name)
    assert name in fails(3, server, "config", "rm", name)


def test_get_of_what_is_not_there(server, name):
    message = fails(3, server, "config", "get", name)
    for word in ("pharos config get", name, "DEFAULT_GROUP", "public", server.address, "pharos config ls"):
        assert word in message


def test_blank_content_is_refused_here(server, name):
    assert "blank" in fails(2, server, "config", "set", name, " \n")


def test_bad_name_is_one_readable_line(server):
    message = fails(1, server, "config", "set", "a b", "x")
    assert "Param 'dataId' is illegal, illegal characters should not appear in the param." in message


def test_json_of_set_and_rm(server, name):
    told = json.loads(ok(server, "config", "set", name, "x", "--json").stdout)
    assert told["dataId"] == name and told["namespace"] == "public"
    assert json.loads(ok(server, "config", "rm", name, "--json").stdout)["dataId"] == name


def test_ls(server, name):
    for i in range(3):
        ok(server, "config", "set", f"{name}-{i}.yaml", "x")
    ok(server, "config", "set", f"{name}-other", "x", "-g", "G2")
    lines = ok(server, "config", "ls", name + "-*").text.splitlines()
    assert lines[0].split() == ["DATA", "ID", "GROUP", "TYPE", "MODIFIED", "MD5"]
    assert {line.split()[0] for line in lines[1:]} == {f"{name}-0.yaml", f"{name}-1.yaml", f"{name}-2.yaml", f"{name}-other"}
    assert md5("x")[:8] in lines[1] and "yaml" in lines[1]
    rows = json.loads(ok(server, "config", "ls", name + "*.yaml", "-g", "DEFAULT*", "--json").stdout)
    assert len(rows) == 3 and rows[0]["md5"] == md5("x")
    nothing = ok(server, "config", "ls", name + "-nope")
    assert nothing.stdout == b"" and "no config matches" in nothing.errors
    assert json.loads(ok(server, "config", "ls", name + "-nope", "--json").stdout) == []


def test_ls_beyond_one_page(server, name):
    from http_client import request
    for i in range(230):
        request("POST", server.url("/v1/cs/configs"), {"dataId": f"{name}.{i}", "group": "PAGES", "content": "x", "tenant": name})
    rows = json.loads(ok(server, "config", "ls", "-n", name, "--json").stdout)
    assert {row["dataId"] for row in rows} == {f"{name}.{i}" for i in range(230)}


def test_log(server, name):
    for content in ("one\n", "two\n", "two\nthree\n"):
        ok(server, "config", "set", name, content)
    rows = json.loads(ok(server, "config", "log", name, "--json").stdout)
    assert [row["operation"] for row in rows] == ["update", "update", "insert"]
    assert rows[-1]["md5"] == md5("one\n") and rows[0]["ip"] == "127.0.0.1"
    table = ok(server, "config", "log", name).text.splitlines()
    assert table[0].split() == ["NID", "TIME", "OPERATION", "WHO", "FROM", "MD5"] and len(table) == 4
    # An update keeps what was there before it.
    oldest_update = rows[1]["nid"]
    assert ok(server, "config", "log", name, "--show", oldest_update).text == "one\n"
    assert ok(server, "config", "log", name, "--diff", oldest_update).text == (
        f"--- {name} version {oldest_update}\n+++ {name} now\n@@ -1 +1,2 @@\n-one\n+two\n+three\n")
    assert len(json.loads(ok(server, "config", "log", name, "--limit", "1", "--json").stdout)) == 1


def test_log_of_what_never_was(server, name):
    fails(3, server, "config", "log", name)
    fails(3, server, "config", "log", name, "--show", "999999999")


def test_watch(server, name):
    ok(server, "config", "set", name, "a\n")
    with Background(server, "config", "watch", name) as watch:
        watch.wait_error("watching config '" + name)
        ok(server, "config", "set", name, "b\n")
        watch.wait_output(f" changed {name} DEFAULT_GROUP {md5(chr(98) + chr(10))}")
        watch.wait_output("\n-a\n+b\n")
        ok(server, "config", "rm", name)
        watch.wait_output(f" removed {name} DEFAULT_GROUP -")
        ok(server, "config", "set", name, "c\n")
        watch.wait_output(f" created {name}")


def test_watch_of_several_as_json_in_a_namespace(server, name):
    with Background(server, "config", "watch", name + ".1", name + ".2", "-n", "dev", "--json") as watch:
        watch.wait_error(name + ".2'")
        ok(server, "config", "set", name + ".2", "x", "-n", "dev")
        watch.wait_output("\n")
    event = json.loads(watch.output.splitlines()[0])
    assert (event["event"], event["dataId"], event["namespace"], event["content"]) == ("created", name + ".2", "dev", "x")


def test_watch_runs_a_command(server, name, tmp_path):
    target = tmp_path / "got"
    script = f'cat > {target}; echo "$PHAROS_EVENT $PHAROS_DATA_ID $PHAROS_MD5" >> {tmp_path}/events; exit 3'
    with Background(server, "config", "watch", name, "--exec", script) as watch:
        watch.wait_error("watching")
        ok(server, "config", "set", name, "content")
        watch.wait_error("the command ended with 3")
    assert target.read_text() == "content"
    assert (tmp_path / "events").read_text() == f"created {name} {md5('content')}\n"


def test_watch_outlives_a_restart_of_the_server(name):
    with Server() as server:
        ok(server, "config", "set", name, "a")
        with Background(server, "config", "watch", name) as watch:
            watch.wait_error("watching")
            server.restart(kill=True)
            ok(server, "config", "set", name, "b")
            watch.wait_output(f" changed {name}", 30)


# -- services and instances

def test_instances(server, name):
    told = ok(server, "instance", "register", name, "10.0.0.1:8080", "--meta", "version=2", "--weight", "0.5")
    assert "unhealthy after 15 s and gone after 30 s" in told.errors
    ok(server, "instance", "register", name, "[fd00::1]:80", "--cluster", "c1")
    lines = ok(server, "instance", "ls", name).text.splitlines()
    assert lines[0].split() == ["ADDRESS", "CLUSTER", "HEALTHY", "ENABLED", "WEIGHT", "KIND", "METADATA"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:]}
    assert rows["10.0.0.1:8080"] == ["DEFAULT", "yes", "yes", "0.5", "ephemeral", "version=2"]
    assert rows["[fd00::1]:80"] == ["c1", "yes", "yes", "1", "ephemeral", "-"]
    listed = json.loads(ok(server, "instance", "ls", name, "--cluster", "DEFAULT", "--json").stdout)
    assert [(row["ip"], row["port"], row["metadata"]) for row in listed] == [("10.0.0.1", 8080, {"version": "2"})]
    ok(server, "instance", "deregister", name, "10.0.0.1:8080")
    assert "10.0.0.1" not in ok(server, "instance", "ls", name).text
    assert "10.0.0.1:8080" in fails(3, server, "instance", "deregister", name, "10.0.0.1:8080")


def test_lifetime_is_told_as_the_metadata_says(server, name):
    told = json.loads(ok(server, "instance", "register", name, "10.0.0.1:80", "--meta", "preserved.heart.beat.timeout=6000",
                         "--meta", "preserved.ip.delete.timeout=9000", "--json").stdout)
    assert (told["unhealthyAfterMs"], told["removedAfterMs"]) == (6000, 9000)


def test_service_ls(server, name):
    for i in range(3):
        ok(server, "instance", "register", f"{name}-{i}", "10.0.0.1:80")
    ok(server, "instance", "register", f"{name}-0", "10.0.0.2:80")
    rows = {row["service"]: row for row in json.loads(ok(server, "service", "ls", name + "*", "--json").stdout)}
    assert set(rows) == {f"{name}-{i}" for i in range(3)}
    assert rows[f"{name}-0"]["instances"] == 2 and rows[f"{name}-0"]["healthy"] == 2
    table = ok(server, "service", "ls", f"{name}-0").text.splitlines()
    assert table[0].split() == ["SERVICE", "GROUP", "CLUSTERS", "INSTANCES", "HEALTHY"]
    assert table[1].split() == [f"{name}-0", "DEFAULT_GROUP", "1", "2", "2"]


def test_service_show(server, name):
    ok(server, "instance", "register", name, "10.0.0.1:80")
    text = ok(server, "service", "show", name).text
    assert re.search(rf"^service: +{name}$", text, re.M) and re.search(r"^kind: +ephemeral$", text, re.M)
    assert re.search(r"^instances: +1, 1 healthy$", text, re.M)
    assert json.loads(ok(server, "service", "show", name, "--json").stdout)["clusters"] == ["DEFAULT"]
    message = fails(3, server, "service", "show", name + "-no")
    assert name + "-no" in message and "pharos service ls" in message


def test_instance_ls_of_what_is_not_there(server, name):
    assert name in fails(3, server, "instance", "ls", name)


def test_keep_beats_and_takes_the_instance_away(server, name):
    with Background(server, "instance", "register", name, "10.0.0.1:80", "--keep",
                    "--meta", "preserved.heart.beat.interval=200", "--meta", "preserved.heart.beat.timeout=1000",
                    "--meta", "preserved.ip.delete.timeout=2000") as keep:
        keep.wait_error("Ctrl-C takes it away")
        end = time.monotonic() + 4  # twice the time after which it would be gone
        while time.monotonic() < end:
            rows = json.loads(ok(server, "instance", "ls", name, "--json").stdout)
            assert len(rows) == 1
            time.sleep(0.2)
        keep.process.send_signal(signal.SIGINT)
        assert keep.process.wait(10) == 0
        keep.wait_error("deregistered 10.0.0.1:80")
    assert b"10.0.0.1" not in cli(server, "instance", "ls", name).stdout


def test_keep_registers_again_after_a_restart(name):
    with Server() as server:
        with Background(server, "instance", "register", name, "10.0.0.1:80", "--keep",
                        "--meta", "preserved.heart.beat.interval=200") as keep:
            keep.wait_error("Ctrl-C")
            server.restart(kill=True)
            wait_for("it is registered again", lambda: b"10.0.0.1" in cli(server, "instance", "ls", name).stdout, 30)
            keep.wait_error("registered again")


def test_instance_watch(server, name):
    with Background(server, "instance", "watch", name) as watch:
        watch.wait_error("watching service '" + name)
        ok(server, "instance", "register", name, "10.0.0.1:80")
        watch.wait_output(" added 10.0.0.1:80 DEFAULT healthy weight 1")
        ok(server, "instance", "register", name, "10.0.0.1:80", "--weight", "3")
        watch.wait_output(" changed 10.0.0.1:80 DEFAULT weight 1 -> 3")
        ok(server, "instance", "deregister", name, "10.0.0.1:80")
        watch.wait_output(" removed 10.0.0.1:80 DEFAULT")


@pytest.mark.parametrize("arguments, word", [
    (["10.0.0.1"], "IP:PORT"), (["fd00::1:80"], "brackets"), (["1.1.1.1:80", "--meta", "x"], "KEY=VALUE"),
    (["1.1.1.1:80", "--weight", "-1"], "weight"), (["1.1.1.1:80", "--keep", "--persistent"], "persistent")])
def test_register_wrongly(server, name, arguments, word):
    assert word in fails(2, server, "instance", "register", name, *arguments)


# -- namespaces

def test_namespaces(server, name):
    ok(server, "namespace", "create", name, "--name", "Name of " + name, "--desc", "for tests")
    rows = {row["namespace"]: row for row in json.loads(ok(server, "namespace", "ls", "--json").stdout)}
    assert rows[name]["name"] == "Name of " + name and "public" in rows
    ok(server, "config", "set", "x", "y", "-n", name)
    shown = ok(server, "namespace", "show", name).text
    assert re.search(r"^description: for tests$", shown, re.M) and re.search(r"^configs: +1$", shown, re.M)
    assert name in ok(server, "namespace", "ls").text
    assert "already" in fails(1, server, "namespace", "create", name).lower()
    message = fails(2, server, "namespace", "rm", name)
    assert "--yes" in message
    ok(server, "namespace", "rm", name, "--yes")
    fails(3, server, "namespace", "show", name)
    assert name in fails(3, server, "namespace", "rm", name, "--yes")


# -- status

def test_status(server):
    report = json.loads(ok(server, "status", "--json").stdout)
    assert report["version"] and report["mode"] == "standalone"
    assert {"naming", "config"} <= set(report["modules"])
    assert {"naming.ap", "config.read"} <= {one["capability"] for one in report["health"]}
    assert report["namespaces"] >= 1 and report["configs"] >= 0 and report["services"] >= 0
    text = ok(server, "status").text
    assert f"server:     http://{server.address}\n" in text and "health:     naming.ap ok\n" in text


def test_status_counts_and_leaves_out_modules_that_are_off(name):
    with Server(modules="config") as server:
        ok(server, "config", "set", name, "x")
        report = json.loads(ok(server, "status", "--json").stdout)
        assert report["configs"] == 1 and "services" not in report
        message = fails(1, server, "service", "ls")
        assert "module" in message


# -- servers that are not there, or not what they should be

def test_no_server(name):
    port = free_port()
    message = fails(1, f"127.0.0.1:{port}", "config", "get", name)
    for word in ("pharos config get", f"http://127.0.0.1:{port}", "connection refused", "--server"):
        assert word in message


def test_no_such_host():
    assert "no-such-host.invalid" in fails(1, "no-such-host.invalid:80", "status")


def test_grpc_port(server):
    assert "HTTP port" in fails(1, f"127.0.0.1:{server.grpc_port}", "status")


@pytest.mark.parametrize("address, word", [("https://localhost", "TLS"), ("localhost:x", "not a port"), ("::1", "brackets")])
def test_bad_address(address, word):
    assert word in fails(2, address, "status")


def test_server_from_the_environment_and_as_url(server, name):
    ok(server, "config", "set", name, "x")
    for address in (server.address, f"http://{server.address}", f"http://{server.address}/nacos/"):
        done = cli(None, "config", "get", name, env={"PHAROS_SERVER": address})
        assert (done.code, done.stdout) == (0, b"x")


def test_ipv6(name):
    with Server() as server:
        if b"::1" not in server.log.encode():
            pytest.skip("this machine has no IPv6")
        ok(f"[::1]:{server.port}", "config", "set", name, "x")
        assert ok(f"http://[::1]:{server.port}", "config", "get", name).text == "x"


def test_client_variables_do_not_stop_a_server():
    with Server(env={"PHAROS_SERVER": "elsewhere:1", "PHAROS_USER": "u", "PHAROS_PASSWORD": "p", "PHAROS_NAMESPACE": "n"}) as server:
        assert server.is_ready()


@pytest.mark.parametrize("raw, word", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>hi</html"[:-1] + b"l", "not JSON"),
    (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 12\r\n\r\n<html></html", "HTML"),
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "HTTP 503 Service Unavailable"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "closed without a whole answer"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "HTTP"),
    (b"", "closed without a whole answer"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "the answer is not"),
    (FakeServer.reply(500, {"code": 30000, "message": "server error", "data": "disk full\nof things"}), "disk full of things"),
])
def test_bad_replies(raw, word):
    with FakeServer(lambda path, headers, body: raw) as fake:
        message = fails(1, fake.address, "config", "ls")
        assert word in message, message
        assert fake.address in message


def test_chunked_reply():
    page = json.dumps({"code": 0, "message": "success", "data": {"totalCount": 1, "pageItems": [
        {"dataId": "chunky", "groupName": "G", "type": "text", "md5": "0123456789abcdef"}]}}).encode()
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw += b"".join(b"%x\r\n%s\r\n" % (len(page[i:i + 7]), page[i:i + 7]) for i in range(0, len(page), 7)) + b"0\r\n\r\n"
    with FakeServer(lambda path, headers, body: raw) as fake:
        assert "chunky" in ok(fake.address, "config", "ls").text


def test_old_server_without_v3():
    """A server of the 1.x and 2.x generation: no v3, the same things in v1."""
    def answer(path, headers, body):
        if "/v3/" in path:
            return FakeServer.reply(404, {"timestamp": "x", "status": 404, "error": "Not Found", "message": "No message available",
                                          "path": path})
        if path.startswith("/nacos/v1/cs/configs?"):
            assert "search=blur" in path and "group=" in path
            return FakeServer.reply(200, {"totalCount": 1, "pageNumber": 1, "pagesAvailable": 1, "pageItems": [
                {"id": "1", "dataId": "old.yaml", "group": "G", "content": "x", "md5": "9dd4e461268c8034", "type": "yaml"}]})
        if path.startswith("/nacos/v1/ns/service/list"):
            return FakeServer.reply(200, {"count": 1, "doms": ["orders"]})
        if path.startswith("/nacos/v1/console/namespaces"):
            return FakeServer.reply(200, {"code": 200, "message": None, "data": [
                {"namespace": "", "namespaceShowName": "public", "quota": 200, "configCount": 1, "type": 0}]})
        raise AssertionError(path)

    with FakeServer(answer) as fake:
        assert ok(fake.address, "config", "ls").text.splitlines()[1].split() == ["old.yaml", "G", "yaml", "-", "9dd4e461"]
        assert ok(fake.address, "service", "ls").text.splitlines()[1].split()[:2] == ["orders", "DEFAULT_GROUP"]
        assert json.loads(ok(fake.address, "namespace", "ls", "--json").stdout)[0]["namespace"] == "public"


def test_login():
    seen = []

    def answer(path, headers, body):
        if path == "/nacos/v1/auth/login":
            if body != b"username=nacos&password=s%26cret":
                return FakeServer.reply(403, "unknown user!", "text/plain")
            return FakeServer.reply(200, {"accessToken": "the-token", "tokenTtl": 18000, "globalAdmin": True})
        seen.append(headers.get("accesstoken"))
        if headers.get("accesstoken") != "the-token":
            return FakeServer.reply(403, {"timestamp": "x", "status": 403, "error": "Forbidden",
                                          "message": "Code: 401, Message: token invalid!.", "path": path})
        return FakeServer.reply(200, "content", "text/plain")

    with FakeServer(answer) as fake:
        assert ok(fake.address, "config", "get", "x", "--user", "nacos", env={"PHAROS_PASSWORD": "s&cret"}).text == "content"
        assert ok(fake.address, "config", "get", "x", "--token", "the-token").text == "content"
        assert seen == ["the-token", "the-token"]
        message = fails(1, fake.address, "config", "get", "x", "--user", "nacos", "--password", "wrong")
        assert "login as 'nacos' refused: unknown user!" in message
        message = fails(1, fake.address, "config", "get", "x")
        assert "token invalid!" in message and "--user" in message
        message = fails(2, fake.address, "config", "get", "x", "--user", "nacos")
        assert "PHAROS_PASSWORD" in message


# -- usage

@pytest.mark.parametrize("arguments, words", [
    (["confg"], ["'confg' is not a command of it", "config"]), (["config"], ["a command is missing", "watch"]),
    (["config", "got"], ["'got'", "get"]), (["config", "get"], ["DATA_ID", "pharos config get --help"]),
    (["config", "get", "x", "--nope"], ["--nope"]), (["config", "set", "x", "y", "--type", "docx"], ["docx", "yaml"]),
    (["completion", "csh"], ["csh", "bash"])])
def test_wrong_usage(arguments, words):
    done = cli(None, *arguments)
    assert done.code == 2 and done.stdout == b"" and len(done.errors.splitlines()) == 1
    for word in words:
        assert word in done.errors


def test_no_command_shows_the_help():
    done = cli(None)
    assert done.code == 2 and "config" in done.errors and "server" in done.errors


def commands(path=()):
    """All commands, by the help itself."""
    text = cli(None, *path, "--help").text
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.M)
    names = re.findall(r"^  (\w+) ", listed.group(1), re.M) if listed else []
    for name in names:
        yield from commands((*path, name))
    if not names:
        yield path, text


def test_every_command_has_help_with_an_example():
    found = dict(commands())
    assert len(found) >= 20 and ("config", "watch") in found and ("server",) in found
    for path, text in found.items():
        assert f"Example:\n  pharos {' '.join(path)}" in text, path
        assert cli(None, "help", *path).text == text
        if path[0] not in ("server", "completion"):
            assert "--json" in text, path


def test_version():
    done = cli(None, "--version")
    assert done.code == 0 and re.fullmatch(r"pharos \d+\.\d+\.\d+\n", done.text)


def test_a_full_disk_is_told(server, name):
    ok(server, "config", "set", name, "x")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(cli.command(server, "config", "get", name), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"standard output can't be written" in done.stderr
