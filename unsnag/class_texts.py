"""What texts of errors show, and the class that each stands for. Data; imported when the first error comes.

Rules look at the first 2,000 characters in linear time; the first that holds decides. Patterns are written in
lower case, for a text in lower case.
Their source is the wording of the libraries and servers that write them; decline texts are those of the card
networks' response codes (ISO 8583) as payment services print them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from unsnag.conventions import CLASS_BUSINESS as B
from unsnag.conventions import CLASS_DATA as D
from unsnag.conventions import CLASS_INFRASTRUCTURE as I


class Text(NamedTuple):
    """A rule over text: it holds one of some phrases, or one of some patterns matches."""

    name: str
    phrases: tuple[str, ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]
    """Each behind a part of it that must be there: looking for that is 20 times cheaper."""
    error_class: str
    confidence: float

    def holds(self, lower: str) -> bool:
        """Return whether a text in lower case is what the rule is about."""
        return any(phrase in lower for phrase in self.phrases) or any(
            clue in lower and pattern.search(lower) for clue, pattern in self.patterns
        )


def _text(name: str, pattern: str, error_class: str, confidence: float = 0.85) -> Text:
    """Return a rule of the branches of a pattern in lower case: those that are plain text become phrases."""
    branches = split(pattern)
    plain = tuple(branch for branch in branches if _PHRASE.fullmatch(branch))
    others = tuple((clue(branch), re.compile(branch)) for branch in branches if not _PHRASE.fullmatch(branch))
    return Text(name, plain, others, error_class, confidence)


_PHRASE: Final = re.compile(r"[a-z0-9 _'/:%,&-]+")


def split(pattern: str) -> list[str]:
    """Return the branches of a pattern at its outermost bars."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] in "([":
            depth += 1
        elif pattern[at] in ")]":
            depth -= 1
        elif pattern[at] == "|" and depth == 0:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


def clue(branch: str) -> str:
    """Return the longest plain text that must be in whatever the branch matches; empty where there is none."""
    runs, run, depth, at = [""], "", 0, 0
    while at < len(branch):
        char = branch[at]
        is_escaped = char == "\\"
        at += 1 + is_escaped
        char = branch[at - 1]
        depth += (not is_escaped) * ((char in "([") - (char in ")]"))
        is_plain = depth == 0 and (not char.isalnum() if is_escaped else char not in "()[]{}?*+^$.|")
        # A character that may be left out belongs to no run.
        is_optional = branch[at : at + 1] in {"?", "*", "{"} and at < len(branch)
        if is_plain and not is_optional:
            run += char
            continue
        runs.append(run)
        run = ""
        if char == "{" and not is_escaped:
            at = branch.index("}", at) + 1
    return max([*runs, run], key=len)


BUSINESS: Final = (
    _text("limit", r"\b(?:credit|spending|order|budget|withdrawal|purchase) limit\b|\bover (?:the|its|their) limit\b", B),
    _text("funds", r"\binsufficient (?:funds|balance|credit|stock|inventory|quantity)|\bnot (?:enough|sufficient) (?:funds|stock|credit)"
          r"|\d (?:wanted|requested|needed|ordered), \d{1,9} (?:on hand|available|left|in stock)|\bout of stock\b|\bstock too low\b", B),
    _text("declined", r"\bdeclined?\b|\bdo not hono[u]?r\b|\bcard (?:has )?(?:expired|blocked)|\bsecurity code is incorrect"
          r"|\bpayment required\b|\badditional user action\b|\bstrong customer authentication\b", B),
    _text("approval", r"\b(?:needs?|requires?|awaiting|awaits|pending|without|in) (?:an |the )?approval|\bmust be approved\b|\bnot (?:yet )?approved\b", B),
    _text("period", r"\b(?:posting|accounting|fiscal|booking) period\b|\bposting (?:is )?only possible\b", B),
    _text("blocked", r"\b(?:customer|vendor|supplier|debtor|creditor|partner|article|material|order|invoice)\b[^\n]{0,40}\bis (?:blocked|locked|on hold|suspended|closed)\b", B),
    _text("already", r"\balready (?:been )?(?:paid|refunded|invoiced|shipped|cancel(?:ed|led)|delivered|captured|settled|booked|reversed|redeemed|closed)\b", B),
    _text("cancelled", r"\bcancel(?:ed|led) by (?:the )?(?:customer|buyer|client)\b", B),
    _text("policy", r"\b(?:embargo|sanction)|\bnot permitted for this (?:article|customer|country)|\btolerance of\b|\bunsubscribed\b|\bopted out\b"
          r"|\bbelow the minimum order|\bcustom_validation\b", B),
)  # fmt: skip
"""A rule of the business refused. Asked before a status such as 409 or 422, which such a refusal often has."""

FAULTS: Final = _text(
    "fault", r"object has no attribute|object is not (?:subscriptable|callable|iterable)|is not defined$|positional argument"
    r"|unexpected keyword argument|referenced before assignment|where it is not associated with a value"
    r"|changed size during iteration|recursion depth exceeded|placeholders? but|required for bind parameter|number of bindings supplied|unrecognized configs"
    r"|is not json serializable|concatenate str|a closed database|unsupported operand|bad file descriptor", "unknown", 0.9,
)  # fmt: skip
"""A fault of the script. Nothing that comes later is asked."""

EXACT: Final = (
    # RFC 3463: 5.1 is about the address, 5.3.4 about the size, 7 about policy; 4xx asks to come back later.
    _text("smtp.later", r"\(4\d\d, b'|\b[45]\.7\.\d\b|greylist", I, 0.9),
    _text("smtp.address", r"\b5\.1\.\d\b|user unknown|bad recipient address|recipient address rejected", D, 0.9),
    _text("smtp.size", r"message size exceeds|\b5\.3\.4\b", D, 0.9),
    _text("http.cut", r"bad status line|badstatusline|not enough data to satisfy|incompleteread|connection broken|payload is not completed", I, 0.9),
)  # fmt: skip
"""Texts that say more than the status or the type around them."""

STRONG: Final = (
    _text("http.line", r"server rejected websocket|illegal status line", I, 0.9),
    _text("tls", r"\bssl[:\]]|certificate verify|\bcertificate\b[^\n]{0,60}\b(?:expired|invalid|mismatch)|tls ca certificate|\btls handshake|handshake (?:operation )?(?:timed|failed)"
          r"|wrong_version_number|wrong version number|pem lib|known_hosts|host key for server", I, 0.9),
    _text("dns", r"name or service not known|nodename nor servname|failed to resolve|name resolution|getaddrinfo|could not translate host name"
          r"|failed to resolve host|dns (?:query|response|operation|resolution|lookup)|nxdomain|servfail|resolution lifetime|host resolution"
          r"|no address associated with hostname|unknownhost", I, 0.9),
    _text("refused", r"connection refused|connect call failed|actively refused|failed to connect|could not connect|cannot connect|can't connect"
          r"|unable to connect|error connecting|failed to establish|socket connection error|connection failed|unexpected error communicating"
          r"|could not be reached|is unreachable|no route to host|network is unreachable|all broker|bootstrap from", I, 0.9),
    _text("closed", r"connection (?:was |unexpectedly )?(?:reset|aborted|closed|lost)|lost connection|broken pipe|remote end closed|peer closed"
          r"|server disconnected|closed connection|eof occurred|transport (?:failure|indicated)|socket error|channel closed|closed the connection", I, 0.9),
    _text("timeout", r"tim(?:ed?|es|ing)[ -]?out\b|\btimeouts?\b|timeout(?:error|exception|expired)|deadline[ _]exceeded|time limit|timelimitexceeded"
          r"|did not (?:answer|respond|reply)|no (?:answer|response|reply) (?:within|after)|max retries exceeded|heartbeat", I, 0.9),
)  # fmt: skip
"""Texts of networks. They are the same in every library, and say more than the type around them."""

TEXTS: Final = (
    _text("lookup.module", r"no module named|cannot import name|can't load plugin", I, 0.9),
    _text("rule.trigger", r"pl/pgsql function [^\n]{0,80} at raise", B, 0.9),
    # Databases.
    _text("db.constraint", r"constraint failed|violates [\w -]{0,20}constraint|duplicate (?:key|entry|value)|unique constraint|foreign key constraint"
          r"|cannot be null|check constraint|constraint error|e11000", D, 0.9),
    _text("db.value", r"invalid input syntax|out of range|value too long|data too long|data value too large|field overflow|invalid byte sequence"
          r"|incorrect \w+ value|conversion error|string or blob too big|null character not permitted|out of bounds", D, 0.9),
    _text("db.lock", r"database (?:table )?is locked|deadlock|lock wait|serialize access|writeconflict|unable to lock|exclusive access"
          r"|acquire lock|release a lock|concurrent update|write conflict|pool limit", I, 0.9),
    _text("db.schema", r"no such (?:table|column|function|index|bucket|queue)|relation \S{1,80} does not exist|column \S{1,80} does not exist"
          r"|function [^\n]{1,80} does not exist|table [^\n]{1,80}(?:doesn't|does not) exist|unknown column|syntax error|error in your sql"
          r"|catalog error|no matching script|unknown command|connection option|database \S{1,80} does not exist", I, 0.9),
    _text("db.state", r"read-?only (?:database|transaction|replica|option)|--read-only|readonly|too many (?:connections|clients)|is full\b|disk image"
          r"|not a database|unable to open database|not primary|not enough in-sync|used memory|administrator command|due to user request"
          r"|maxmemory", I, 0.9),
    _text("db.row", r"no rows? was found|multiple rows were found|wrong kind of value|value is not an integer|failed validation|not enough data for a bson", D, 0.85),
    # What came in.
    _text("json", r"expecting (?:value|property name|',')|unterminated string|extra data: line|invalid control character|invalid json|json compliant"
          r"|decode json|jsondecode|unexpected mimetype", D, 0.9),
    _text("xml", r"mismatched tag|no element found|undefined entity|tag mismatch|invalid xml|not well-formed|is not a valid value of the atomic"
          r"|failed decoding|malformed (?:xml|json|csv|data|record|message)", D, 0.9),
    _text("yaml", r"while scanning|mapping values are not allowed|could not determine a constructor|no section headers|invalid value \(at", D, 0.9),
    _text("number", r"invalid literal|could not convert|conversionsyntax|'decimal\.\w+'|base 10|unable to parse|failed to parse|fieldnames", D, 0.9),
    _text("date", r"does not match format|day is out of range|isoformat|unconverted data|year \d{4,12} is out|time zone found", D, 0.9),
    _text("encoding", r"codec can't|incorrect padding|non-hexadecimal|invalid start byte|ordinal not in range", D, 0.9),
    _text("archive", r"not a zip file|not a gzipped|incorrect header check|could not be opened successfully|end-of-stream marker|input format not supported"
          r"|in the archive|old \.xls|parquet magic|unknown archive format|no columns to parse|error tokenizing|csv error|unpack requires"
          r"|memo value|does not exist\.'", D, 0.9),
    _text("schema", r"validation errors?\b|is a required property|is not of type|is not one of|does not match '|field required|required fields?\b|unknown field"
          r"|missing data for|parameter validation|missing element|is not a valid|not a valid|fieldnames|merge keys|non-finite|is required\b"
          r"|is missing\b|is empty\b|must be positive|must be at least|restricted picklist|badly formed|does not appear to be|invalid (?:argument|currency|url|port|iban|vat|field|number|email|address|leading)"
          r"|nonnumeric port|control characters|unknown url type|isn't a valid|missing an 'http|no scheme|no host supplied|values to unpack|index out of range"
          r"|unsupported file version|field larger than|unexpected end of data|dns label|was never closed|embedded null|unsupported version", D, 0.85),
    _text("size", r"(?:message|record|payload|object|file)[^\n]{0,30}too (?:large|long|big)|larger than the maximum|exceeds the maximum|msg_too_long|maximum allowed size|entity too large", D, 0.85),
    # Access and deployments.
    _text("access", r"access (?:is )?denied|permission|not authori[sz]ed|unauthori[sz]ed|authenticat|authoriz|credential|forbidden|password|login (?:to|failed|incorrect)"
          r"|invalid (?:api key|access key|token|session|grant|auth)|(?:token|session|signature|password|license|key)[^\n]{0,30}(?:expired|is invalid|has expired|not yet valid|not match)|expired session"
          r"|signature|security token|invalid_auth|invalid_grant|does not have access|command denied|audience|issuer|alg value|segments"
          r"|api key|encrypted|private key|jwk|token is missing|relay|not owned by|wrongpass|access denied", I, 0.85),
    _text("busy", r"too many requests|rate[ _-]?limit|ratelimited|throttl|slow ?down|quota|requests is too high|request rate|try again|please retry|come back later"
          r"|temporarily|too busy|server is busy|busy\b|no free license|throughput|too many operations|circuit.?break|limit exceeded|queue full|too large\b", I, 0.85),
    _text("down", r"service (?:is )?(?:currently )?unavailable|unavailable|bad gateway|not available|internal (?:server )?error|maintenance|\bis down\b|server error|is sealed"
          r"|backend error|shutting down|no space left|disk quota|too many open files|out of memory|prematurely|terminated abruptly|rebalance"
          r"|cannot assign requested|address already in use|interrupted|file busy|insufficient system storage|data connection|no smtp service"
          r"|panic\b|no brokers?\b|replica|broken process|read-only|extension not supported|unroutable|master_not_discovered|cluster_block", I, 0.85),
    _text("settings", r"environment variable|must specify|is not set\b|no configuration|config profile|unknown service|no option|no such index|index_not_found|unknown topic"
          r"|not_found - no queue|no queue|inequivalent|configuration property|nonexistent|does not exist in our records|existing session|channel_not_found|never registered|specified (?:bucket|container|queue|table|share) does not|protocol banner|sasl", I, 0.85),
    # Records that are not there, or there twice.
    _text("record", r"no such file|no files? found|is a directory|not a directory|file exists|already exists|not found|does not exist|no such (?:customer|order|article|item|key|file|directory)"
          r"|unknown (?:customer|order|article|item|sku|material|country|currency)|no (?:customer|order|price|article|item|record)\b|duplicate|not empty|file name too long|are the same file"
          r"|version conflict|pre-?condition|conditional request|conflict", D, 0.8),
    _text("expected", r"\bexpected \d|\bmissing\b|invalid\b|unknown url|differs from", D, 0.8),
)  # fmt: skip

HUNDREDS: Final = re.compile(r"[1-5]\d\d")
"""What every status is; looking for it first is 20 times cheaper."""
STATUS: Final = re.compile(
    r"\b(?:HTTP(?:/\d(?:\.\d)?)?(?: error)?|status(?:[ _]code)?|answered|returned|error code|got)[ :='\"(]{0,4}([1-5]\d\d)\b"
    r"|\b([45]\d\d) (?:client|server) error\b|\berror '([45]\d\d) |^([45]\d\d)(?:,| [A-Z]| \w)|Error\(([45]\d\d), |Exception\(([45]\d\d), "
    r"|\(([45]\d\d), message|, message='[^'\n]{0,80}', status=([45]\d\d)|'([45]\d\d) [A-Z]",
    re.IGNORECASE,
)
"""An HTTP status in a text: `HTTP 503`, `404 Client Error`, `error '402 Payment Required'`, `ApiError(429, `."""

CODES: Final = (
    ("aws", "An error occurred (", re.compile(r"An error occurred \(([\w.]{2,80})\)")),
    ("grpc", "StatusCode.", re.compile(r"\bStatusCode\.([A-Z_]{2,40})\b")),
    ("azure", "ErrorCode:", re.compile(r"(?:\b|\\n)ErrorCode:(\w{2,60})")),
    ("kafka", "code=", re.compile(r"\bcode=(_?[A-Z][A-Z_]{2,60})\b")),
    ("salesforce", "'errorCode': '", re.compile(r"'errorCode': '([A-Z_]{2,80})'")),
    ("mongo", "'code': ", re.compile(r"'code': (\d{1,6})\b")),
    ("sqlstate", "SQLSTATE", re.compile(r"\bSQLSTATE[ :=\[(]{0,3}([0-9A-Z]{5})\b")),
    ("mysql", ", ", re.compile(r"\((\d{4}), ['\"]")),
    ("errno", "[Errno ", re.compile(r"\[Errno (-?\d{1,5})\]")),
    (
        "errno",
        "rror(",
        re.compile(
            r"\b(?:OSError|IOError|gaierror|\w{1,30}(?:Connection|Pipe|Exists|Directory|Permission|File|Blocking)\w{0,20}Error)\((-?\d{1,5}), ['\"]"
        ),
    ),
    ("exit", "exit ", re.compile(r"exit (?:status|code) (\d{1,3})\b")),
    ("signal", "<Signals.", re.compile(r"\bdied with <Signals\.(\w{4,12})")),
)
"""Codes as the libraries write them into their messages, each behind a part that must be there."""

TYPES: Final = re.compile(
    r"(?<![\w.])((?:[A-Za-z_]\w{0,60}\.){0,6}[A-Z]\w{1,70})(?=\(|\) |: |$|<)|\(((?:[a-z_]\w{0,60}\.){1,6}[A-Z]\w{1,70})\)"
)
"""Names of types in a text: `KeyError('sku')`, `(sqlite3.OperationalError) database is locked`."""
