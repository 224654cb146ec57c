"""Local servers that fail in the ways that real ones do."""

import asyncio
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from contextlib import contextmanager
from pathlib import Path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answering(http.server.BaseHTTPRequestHandler):
    """`/ANY?status=503&body=…&type=…&retry=30&cut=1&slow=1`: answers what the query asks for."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self):
        asked = self.server.fixed or dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        length = int(self.headers.get("content-length") or 0)
        if length:
            self.rfile.read(length)
        if asked.get("slow"):
            time.sleep(1.5)
        if asked.get("loop"):
            self.send_response(302)
            self.send_header("location", self.path)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        body = asked.get("body", "").encode()
        self.send_response(int(asked.get("status", "200")), asked.get("reason"))
        self.send_header("content-type", asked.get("type", "application/json"))
        for name, value in (pair.split(":", 1) for pair in asked.get("headers", "").split("|") if pair):
            self.send_header(name, value)
        if asked.get("chunked"):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"zz\r\nnot a chunk\r\n")
            self.close_connection = True
            return
        if asked.get("encoding"):
            self.send_header("content-encoding", asked["encoding"])
        self.send_header("content-length", str(len(body) + (50 if asked.get("cut") else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if asked.get("cut"):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    fixed = None

    def handle_error(self, *_):
        pass


def scripted(lines, greeting):
    """Serve a line protocol: each received line gets the answer of its first word."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk(conn):
        with conn:
            conn.sendall(greeting.encode() + b"\r\n")
            reader = conn.makefile("rb")
            while line := reader.readline():
                word = line.decode("latin-1").strip().split(" ")[0].upper()
                answer = lines.get(word, lines.get("*", "250 OK"))
                if answer == "HANG UP":
                    return
                conn.sendall(answer.encode() + b"\r\n")
                if word in ("QUIT",):
                    return

    def accept():
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def raw(answer, wait=0.0):
    """Serve bytes to every client, whatever it asks, and hang up. None resets the connection."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            conn, _ = server.accept()
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    def one(conn):
        conn.settimeout(0.3)
        try:
            conn.recv(65536)
        except OSError:
            pass
        time.sleep(wait)
        if answer is None:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        else:
            conn.sendall(answer)
        conn.close()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


class World:
    """What the programs run against."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="automation-"))
        self.refused = free_port()
        self.server = Quiet(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.http = f"http://127.0.0.1:{self.server.server_port}"
        self.silent = raw(b"", wait=20)
        self.reset = raw(None)
        self.garbage = raw(b"\x00\x01\x02 this is no protocol\r\n\r\n")
        self.hangup = raw(b"")
        self._tls()
        self._started = []

    def url(self, path="/v1/orders/1042", **query):
        return f"{self.http}{path}?{urllib.parse.urlencode(query)}"

    def always(self, **fixed):
        """Return the address of a server of its own that always answers the same."""
        server = Quiet(("127.0.0.1", 0), Answering)
        server.fixed = {name: str(value) for name, value in fixed.items()}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    def _tls(self):
        self.https = {}
        for name, days, host in (
            ("own", 30, "localhost"),
            ("expired", -1, "localhost"),
            ("other", 30, "other.example"),
        ):
            key, cert = self.folder / f"{name}.key", self.folder / f"{name}.crt"
            when = (
                ["-days", str(days)]
                if days > 0
                else ["-not_before", "20200101000000Z", "-not_after", "20210101000000Z"]
            )
            made = subprocess.run(
                [
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-keyout",
                    key,
                    "-out",
                    cert,
                    "-subj",
                    f"/CN={host}",
                    "-addext",
                    f"subjectAltName=DNS:{host}",
                    *when,
                ],
                capture_output=True,
            )
            if made.returncode:
                self._expired(key, cert, host)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            server = Quiet(("127.0.0.1", 0), Answering)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.https[name] = (server.server_port, str(cert))

    def _expired(self, key, cert, host):
        import datetime

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        private = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(1)
            .not_valid_before(datetime.datetime(2020, 1, 1))
            .not_valid_after(datetime.datetime(2021, 1, 1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(private, hashes.SHA256())
        )
        cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def postgres(self):
        """Start PostgreSQL and return its connection string."""
        if not hasattr(self, "_pg"):
            data, port = self.folder / "pg", free_port()
            os.chmod(self.folder, 0o755)
            data.mkdir()
            shutil.chown(data, "postgres")
            bin_ = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
            run = lambda *a: subprocess.run(
                ["runuser", "-u", "postgres", "--", *map(str, a)], check=True, capture_output=True, cwd="/tmp"
            )
            run(bin_ / "initdb", "-D", data, "--auth=scram-sha-256", "--pwfile=/dev/stdin") if False else None
            pw = data.parent / "pw"
            pw.write_text("right\n")
            pw.chmod(0o644)
            run(bin_ / "initdb", "-D", data, "--auth=scram-sha-256", f"--pwfile={pw}")
            run(
                bin_ / "pg_ctl",
                "-D",
                data,
                "-w",
                "-o",
                f"-p {port} -k /tmp -c max_connections=8",
                "-l",
                data / "log",
                "start",
            )
            self._started.append(lambda: run(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop"))
            self._pg = f"host=127.0.0.1 port={port} user=postgres password=right dbname=postgres"
        return self._pg

    def redis(self):
        """Start Redis and return its port."""
        if not hasattr(self, "_redis"):
            self._redis = free_port()
            one = subprocess.Popen(
                ["redis-server", "--port", str(self._redis), "--save", "", "--dir", str(self.folder)],
                stdout=subprocess.DEVNULL,
            )
            self._started.append(lambda: (one.terminate(), one.wait()))
            time.sleep(1)
        return self._redis

    def moto(self):
        """Start a local AWS and return its address."""
        if not hasattr(self, "_moto"):
            from moto.server import ThreadedMotoServer

            server = ThreadedMotoServer(port=free_port())
            server.start()
            self._started.append(server.stop)
            self._moto = f"http://127.0.0.1:{server._port}"
        return self._moto

    def close(self):
        for stop in reversed(self._started):
            stop()
        shutil.rmtree(self.folder, ignore_errors=True)
