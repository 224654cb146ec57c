"""gRPC, SSH, SOAP and JWT: real servers in threads, and the libraries' reading of real answers."""

import datetime
import io
import socket
import threading
from concurrent import futures

import dns.resolver
import google.api_core.exceptions
import grpc
import jwt
import paramiko
import zeep
import zeep.exceptions

B, D, I = "business", "data", "infrastructure"
STATUSES = {
    "CANCELLED": I,
    "INVALID_ARGUMENT": D,
    "DEADLINE_EXCEEDED": I,
    "NOT_FOUND": D,
    "ALREADY_EXISTS": D,
    "PERMISSION_DENIED": I,
    "RESOURCE_EXHAUSTED": I,
    "ABORTED": I,
    "OUT_OF_RANGE": D,
    "UNIMPLEMENTED": I,
    "INTERNAL": I,
    "UNAVAILABLE": I,
    "DATA_LOSS": I,
    "UNAUTHENTICATED": I,
}
TEXTS = {
    "INVALID_ARGUMENT": "quantity must be positive",
    "NOT_FOUND": "order SO-1042 not found",
    "ALREADY_EXISTS": "order SO-1042 already exists",
    "PERMISSION_DENIED": "caller may not read orders",
    "RESOURCE_EXHAUSTED": "quota of the project is used up",
    "INTERNAL": "panic in handler",
    "ABORTED": "concurrent update",
    "OUT_OF_RANGE": "offset is past the end",
    "DATA_LOSS": "block is unreadable",
}
ENVELOPE = (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    "<faultcode>{code}</faultcode><faultstring>{text}</faultstring></soap:Fault></soap:Body></soap:Envelope>"
)


def programs(w):
    channel = _grpc_server()
    for name, label in STATUSES.items():
        yield f"grpc/{name.lower()}", label, lambda n=name: channel(f"/shop.Orders/{n}", n)
        if name in (
            "NOT_FOUND",
            "UNAVAILABLE",
            "INVALID_ARGUMENT",
            "RESOURCE_EXHAUSTED",
            "DEADLINE_EXCEEDED",
            "PERMISSION_DENIED",
        ):
            yield f"google/grpc_{name.lower()}", label, lambda n=name: _google(channel, n)
    yield (
        "grpc/rule_limit",
        B,
        lambda: channel(
            "/shop.Orders/FAILED_PRECONDITION",
            "FAILED_PRECONDITION",
            "Customer C-5399 is over the credit limit",
        ),
    )
    yield (
        "grpc/rule_closed",
        B,
        lambda: channel(
            "/shop.Orders/FAILED_PRECONDITION",
            "FAILED_PRECONDITION",
            "order is already shipped and cannot be changed",
        ),
    )
    yield (
        "grpc/refused",
        I,
        lambda: grpc.insecure_channel(f"127.0.0.1:{w.refused}").unary_unary("/s/m")(b"", timeout=1),
    )
    yield "grpc/deadline", I, lambda: channel("/shop.Orders/SLOW", "SLOW", timeout=0.1)
    yield (
        "grpc/unknown_host",
        I,
        lambda: grpc.insecure_channel("orders.invalid:50051").unary_unary("/s/m")(b"", timeout=2),
    )
    yield (
        "grpc/ready_timeout",
        I,
        lambda: grpc.channel_ready_future(grpc.insecure_channel(f"127.0.0.1:{w.refused}")).result(0.2),
    )

    ssh = _ssh_server()
    yield "paramiko/refused", I, lambda: _ssh(w.refused)
    yield "paramiko/password", I, lambda: _ssh(ssh, password="wrong")
    yield "paramiko/unknown_host_key", I, lambda: _ssh(ssh, policy=paramiko.RejectPolicy())
    yield "paramiko/changed_host_key", I, lambda: _ssh(ssh, changed=True)
    yield "paramiko/no_ssh", I, lambda: _ssh(w.garbage)
    yield "paramiko/silent", I, lambda: _ssh(w.silent)
    yield "paramiko/channel", I, lambda: _ssh(ssh).exec_command("x")
    yield "paramiko/no_file", D, lambda: _sftp(ssh, lambda s: s.get("/in/orders.csv", str(w.folder / "x")))
    yield "paramiko/denied", I, lambda: _sftp(ssh, lambda s: s.put(__file__, "/denied/x"))
    yield "paramiko/sftp_failure", I, lambda: _sftp(ssh, lambda s: s.put(__file__, "/full/x"))
    yield "paramiko/key_encrypted", I, lambda: _key(encrypted=True)
    yield (
        "paramiko/key_broken",
        I,
        lambda: paramiko.RSAKey.from_private_key(
            io.StringIO("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----")
        ),
    )
    yield "paramiko/unknown_host_name", I, lambda: paramiko.SSHClient().connect("sftp.invalid")

    now = datetime.datetime.now(datetime.UTC)
    key = "k" * 32
    yield (
        "jwt/expired",
        I,
        lambda: jwt.decode(jwt.encode({"exp": now - datetime.timedelta(1)}, key), key, ["HS256"]),
    )
    yield "jwt/signature", I, lambda: jwt.decode(jwt.encode({"a": 1}, "x" * 32), key, ["HS256"])
    yield "jwt/segments", I, lambda: jwt.decode("abc", key, ["HS256"])
    yield "jwt/audience", I, lambda: jwt.decode(jwt.encode({"aud": "a"}, key), key, ["HS256"], audience="b")
    yield "jwt/issuer", I, lambda: jwt.decode(jwt.encode({"iss": "a"}, key), key, ["HS256"], issuer="b")
    yield (
        "jwt/missing_claim",
        I,
        lambda: jwt.decode(jwt.encode({}, key), key, ["HS256"], options={"require": ["exp"]}),
    )
    yield (
        "jwt/not_yet",
        I,
        lambda: jwt.decode(jwt.encode({"nbf": now + datetime.timedelta(1)}, key), key, ["HS256"]),
    )
    yield "jwt/algorithm", I, lambda: jwt.decode(jwt.encode({}, key), key, ["RS256"])
    yield (
        "jwt/jwks_down",
        I,
        lambda: jwt.PyJWKClient(f"http://127.0.0.1:{w.refused}/jwks", timeout=1).get_signing_keys(),
    )
    yield "jwt/no_key", I, lambda: jwt.PyJWKClient(w.always(body='{"keys": []}')).get_signing_keys()

    yield "dns/timeout", I, lambda: _resolver(w.refused).resolve("shop.example", "MX")
    yield "dns/nxdomain", I, lambda: _answering_dns(3).resolve("erp.example", "A")
    yield "dns/no_answer", I, lambda: _answering_dns(0).resolve("erp.example", "MX")
    yield "dns/servfail", I, lambda: _answering_dns(2).resolve("erp.example", "A")
    yield "dns/bad_name", D, lambda: dns.resolver.resolve("a..b", "A")
    yield "dns/label", D, lambda: dns.resolver.resolve("x" * 70 + ".example", "A")

    for name, code, text, label in (
        ("limit", "soap:Client", "Credit limit of customer 4711 is exceeded", B),
        ("blocked", "soap:Server", "Customer 4711 is blocked for billing", B),
        ("schema", "soap:Client", "Validation error: element 'Country' is missing", D),
        ("unknown_material", "soap:Client", "Material 100-42 does not exist in plant 1000", D),
        ("internal", "soap:Server", "Internal server error", I),
        ("down", "soap:Server", "The backend system is not available", I),
        (
            "login",
            "wsse:FailedAuthentication",
            "The security token could not be authenticated or authorized",
            I,
        ),
        (
            "period",
            "soap:Client",
            "Posting only possible in periods 2026/11 and 2026/12 in company code 1000",
            B,
        ),
    ):
        yield f"zeep/{name}", label, lambda c=code, t=text: _soap(w, 500, ENVELOPE.format(code=c, text=t))
    yield "zeep/html", I, lambda: _soap(w, 502, "<html><body>Bad gateway</body></html>", type="text/html")
    yield "zeep/broken_xml", D, lambda: _soap(w, 200, "<a><b></a>")
    yield "zeep/no_wsdl", I, lambda: zeep.Client(w.always(status=404, body="no"))
    yield "zeep/wsdl_refused", I, lambda: zeep.Client(f"http://127.0.0.1:{w.refused}/?wsdl")
    yield "zeep/missing_element", D, lambda: _soap(w, 200, "", send={})
    yield (
        "zeep/unexpected_argument",
        "unknown",
        lambda: _soap(w, 200, "", send={"number": "1", "colour": "red"}),
    )


def _grpc_server():
    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            name = details.method.rpartition("/")[2]

            def answer(request, context):
                if name == "SLOW":
                    import time

                    time.sleep(1)
                    return b""
                context.abort(
                    getattr(grpc.StatusCode, name),
                    request.decode() or TEXTS.get(name, name.lower().replace("_", " ")),
                )

            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def call(method, name, text="", timeout=5):
        assert server
        return channel.unary_unary(method)(text.encode(), timeout=timeout)

    return call


def _google(channel, name):
    from google.api_core import grpc_helpers

    grpc_helpers.wrap_errors(lambda: channel(f"/shop.Orders/{name}", name))()


class _Auth(paramiko.ServerInterface):
    def check_auth_password(self, user, password):
        return paramiko.AUTH_SUCCESSFUL if password == "right" else paramiko.AUTH_FAILED

    def get_allowed_auths(self, user):
        return "password"

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        return False


class _Files(paramiko.SFTPServerInterface):
    def stat(self, path):
        return paramiko.SFTP_NO_SUCH_FILE

    lstat = stat

    def open(self, path, flags, attr):
        if path.startswith("/denied"):
            return paramiko.SFTP_PERMISSION_DENIED
        return paramiko.SFTP_FAILURE if path.startswith("/full") else paramiko.SFTP_NO_SUCH_FILE


HOST_KEY = paramiko.RSAKey.generate(2048)


def _ssh_server():
    listening, open_channels = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        while True:
            conn, _ = listening.accept()
            transport = paramiko.Transport(conn)
            transport.add_server_key(HOST_KEY)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            try:
                transport.start_server(server=_Auth())
            except Exception:
                continue
            threading.Thread(
                target=lambda t=transport: open_channels.append(t.accept(5)), daemon=True
            ).start()

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1]


def _ssh(port, password="right", policy=None, changed=False):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(policy or paramiko.AutoAddPolicy())
    if changed:
        client.get_host_keys().add(f"[127.0.0.1]:{port}", "ssh-rsa", paramiko.RSAKey.generate(1024))
    client.connect(
        "127.0.0.1",
        port,
        "shop",
        password,
        timeout=1,
        banner_timeout=1,
        auth_timeout=2,
        look_for_keys=False,
        allow_agent=False,
    )
    return client


def _sftp(port, act):
    client = _ssh(port)
    try:
        act(client.open_sftp())
    finally:
        client.close()


def _key(encrypted):
    out = io.StringIO()
    HOST_KEY.write_private_key(out, password="secret")
    paramiko.RSAKey.from_private_key(io.StringIO(out.getvalue()))


def _resolver(port):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], port, 0.5
    return resolver


def _answering_dns(code):
    import dns.message

    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def serve():
        while True:
            raw, who = server.recvfrom(4096)
            answer = dns.message.make_response(dns.message.from_wire(raw))
            answer.set_rcode(code)
            server.sendto(answer.to_wire(), who)

    threading.Thread(target=serve, daemon=True).start()
    return _resolver(server.getsockname()[1])


WSDL = """<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:t="urn:erp" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:erp">
<types><x:schema targetNamespace="urn:erp" elementFormDefault="qualified"><x:element name="Create"><x:complexType><x:sequence><x:element name="number" type="x:string"/></x:sequence></x:complexType></x:element>
<x:element name="Created"><x:complexType><x:sequence><x:element name="id" type="x:string"/></x:sequence></x:complexType></x:element></x:schema></types>
<message name="In"><part name="parameters" element="t:Create"/></message><message name="Out"><part name="parameters" element="t:Created"/></message>
<portType name="P"><operation name="Create"><input message="t:In"/><output message="t:Out"/></operation></portType>
<binding name="B" type="t:P"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/><operation name="Create"><soap:operation soapAction=""/><input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation></binding>
<service name="S"><port name="Port" binding="t:B"><soap:address location="{url}"/></port></service></definitions>"""


def _soap(w, status, body, type="text/xml", send=None):
    wsdl = w.always(body=WSDL.format(url=w.always(status=status, body=body, type=type)), type="text/xml")
    zeep.Client(wsdl).service.Create(**({"number": "SO-1"} if send is None else send))
