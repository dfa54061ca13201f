"""The client commands of the binary, for tests."""
import json
import os
import socketserver
import subprocess
import threading

from pharos_server import BIN, server_environment, wait_for


class Done:
    def __init__(self, command, code, stdout, stderr):
        self.command, self.code, self.stdout, self.errors = command, code, stdout, stderr.decode(errors="replace")

    @property
    def text(self):
        return self.stdout.decode()

    def __repr__(self):
        return f"{self.command}: exit code {self.code}\n--- output\n{self.stdout[:3000]!r}\n--- errors\n{self.errors[:3000]}"


def command_of(server, *arguments):
    """server: a Server, "HOST:PORT", or None for commands without one."""
    where = [] if server is None else ["--server", server if isinstance(server, str) else server.address]
    return [str(BIN), *arguments, *where]


def cli(server, *arguments, stdin=b"", env=None, timeout=60):
    command = command_of(server, *arguments)
    done = subprocess.run(command, input=stdin, capture_output=True, env=server_environment(env), timeout=timeout)
    return Done(command, done.returncode, done.stdout, done.stderr)


cli.command = command_of


def ok(server, *arguments, **more):
    done = cli(server, *arguments, **more)
    assert done.code == 0, done
    return done


def fails(code, server, *arguments, **more):
    """The one line on standard error."""
    done = cli(server, *arguments, **more)
    assert done.code == code, done
    assert done.errors.startswith("pharos ") and len(done.errors.splitlines()) == 1, done
    assert done.stdout == b"", done
    return done.errors


class Background:
    """A command that goes on until the block ends."""

    def __init__(self, server, *arguments):
        self.command = command_of(server, *arguments)
        self.output, self.errors = "", ""

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=server_environment())
        self._threads = [threading.Thread(target=self._read, args=(stream, name), daemon=True)
                         for stream, name in ((self.process.stdout, "output"), (self.process.stderr, "errors"))]
        for thread in self._threads:
            thread.start()
        return self

    def _read(self, stream, name):
        while chunk := os.read(stream.fileno(), 65536):
            setattr(self, name, getattr(self, name) + chunk.decode(errors="replace"))

    def wait_output(self, text, timeout=20):
        self._wait("output", text, timeout)

    def wait_error(self, text, timeout=20):
        self._wait("errors", text, timeout)

    def _wait(self, name, text, timeout):
        try:
            wait_for(text, lambda: text in getattr(self, name), timeout)
        except AssertionError:
            raise AssertionError(f"{text!r} is not in the {name} of {self.command}\n--- output\n{self.output}\n"
                                 f"--- errors\n{self.errors}") from None

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(10)
        self.process.stdout.close()
        self.process.stderr.close()


class FakeServer:
    """Answers each HTTP request with the bytes that answer(path, headers, body) gives, one request a connection."""

    def __init__(self, answer):
        self.answer = answer

    def __enter__(self):
        answer, errors = self.answer, []

        class Handler(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self):
                line = self.rfile.readline().decode(errors="replace").split()
                headers = {}
                while (raw := self.rfile.readline().strip()):
                    name, _, value = raw.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", 0)))
                try:
                    self.wfile.write(answer(line[1], headers, body))
                except AssertionError as e:
                    errors.append(e)

        class Threads(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.errors = errors
        self._server = Threads(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self._server.shutdown()
        self._server.server_close()
        if kind is None and self.errors:
            raise self.errors[0]

    @staticmethod
    def reply(status, content, content_type="application/json"):
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        return (f"HTTP/1.1 {status} x\r\nContent-Type: {content_type}\r\nConnection: close\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body
