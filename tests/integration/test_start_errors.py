"""A start that cannot work is refused: exit code 1 with a line that names the thing, 2 for wrong usage."""
import socket

import pytest
from pharos_server import Server, free_port, run_server


def refused(result, *words, code=1):
    exit_code, output = result
    assert exit_code == code, f"exit code {exit_code}\n{output}"
    for word in words:
        assert word in output, f"{word!r} is not in:\n{output}"


@pytest.mark.parametrize("offset", [0, 1000])
def test_port_in_use(offset):
    port = free_port()
    with socket.socket() as s:
        s.bind(("127.0.0.1", port + offset))
        s.listen()
        refused(run_server(port=port), str(port + offset), "in use")


def test_two_servers_on_one_port():
    with Server() as first:
        refused(run_server(port=first.port), str(first.port))
        assert first.is_ready()


def test_data_directory_in_use():
    with Server() as first:
        refused(run_server(data=first.data), str(first.data))
        assert first.is_ready()


def test_unknown_module():
    refused(run_server("--modules", "naming,nonsense"), "nonsense")


def test_unknown_plugin(tmp_path):
    toml = tmp_path / "pharos.toml"
    toml.write_text('[plugins]\nmodules = ["nonsense"]\n')
    refused(run_server("--config", str(toml)), "nonsense")


def test_unknown_setting_in_toml(tmp_path):
    toml = tmp_path / "pharos.toml"
    toml.write_text("[naming]\nno_such_setting = 1\n")
    refused(run_server("--config", str(toml)), "naming.no_such_setting")


def test_unknown_section_in_toml(tmp_path):
    toml = tmp_path / "pharos.toml"
    toml.write_text("[no_such_section]\na = 1\n")
    refused(run_server("--config", str(toml)), "no_such_section")


def test_dns_server_that_is_none():
    refused(run_server("--set", "net.dns_servers=10.0.0.2,dns.example:53"), "net.dns_servers", "'dns.example:53'", "10.0.0.2:5353")


def test_unknown_setting_by_flag():
    refused(run_server("--set", "naming.no_such_setting=1"), "naming.no_such_setting")


def test_unknown_setting_by_environment():
    refused(run_server(env={"PHAROS_NAMING_NO_SUCH_SETTING": "1"}), "PHAROS_NAMING_NO_SUCH_SETTING")


def test_wrong_type_in_toml(tmp_path):
    toml = tmp_path / "pharos.toml"
    toml.write_text('[security]\nopen = "perhaps"\n')
    refused(run_server("--config", str(toml)), "security.open")


def test_bad_toml(tmp_path):
    toml = tmp_path / "broken.toml"
    toml.write_text("a = 1\n[naming\nb = 2\n")
    refused(run_server("--config", str(toml)), "broken.toml", "2")  # the line too


def test_missing_config_file(tmp_path):
    code, output = run_server("--config", str(tmp_path / "not-there.toml"))
    assert code in (1, 2) and "not-there.toml" in output, (code, output)


def test_unwritable_data_directory(tmp_path):
    file = tmp_path / "a-file"
    file.write_text("")
    refused(run_server(data=file / "below"), str(file))


@pytest.mark.parametrize("value", ["none", "70000", "0", "-1", ""])
def test_port_that_is_none(value):
    code, output = run_server("--port", value)
    assert code in (1, 2) and "port" in output, (code, output)


@pytest.mark.parametrize("flags", [["--no-such-flag"], ["--set", "without-equals"], ["--set"], ["stray"]])
def test_wrong_usage(flags):
    refused(run_server(*flags), code=2)


def test_unknown_command():
    import subprocess
    from pharos_server import BIN
    assert subprocess.run([BIN, "no-such-command"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10).returncode == 2


def test_listening_beyond_loopback_needs_open():
    refused(run_server("--set", "server.addresses=0.0.0.0"), "--open", "0.0.0.0")


def test_open_listens_beyond_loopback():
    with Server("--set", "server.addresses=0.0.0.0", "--open") as s:
        assert s.is_ready()


def test_same_data_again_after_a_stop(tmp_path):
    for _ in range(2):
        with Server(data=tmp_path / "data") as s:
            assert s.is_ready()
            assert s.stop() == 0
