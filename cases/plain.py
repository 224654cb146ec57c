"""Sentences for the commonest failures: what an operator reads instead of a library's text. Data.

An entry is a clue, a pattern and a sentence. The clue is a plain part of the text in lower case: most entries
are left out by it, which costs 50 ns each. The pattern's groups fill the sentence; `{who}` is the system that
failed. The first entry that matches decides, so the more exact one stands above.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Plain(NamedTuple):
    """One failure in plain words."""

    clue: str
    pattern: re.Pattern[str]
    sentence: str


def _plain(clue: str, pattern: str, sentence: str) -> Plain:
    return Plain(clue, re.compile(pattern, re.IGNORECASE), sentence)


_Q: Final = r"['\"`]"
_NAME: Final = r"[^'\"`\n]{1,80}"

VALUES: Final = (
    _plain("key (", r"Key \((?P<field>[^)\n]{1,60})\)=\((?P<value>[^)\n]{1,60})\) already exists", "A record with {field} {value} already exists"),
    _plain("key (", r"Key \((?P<field>[^)\n]{1,60})\)=\((?P<value>[^)\n]{1,60})\) is not present in table \"(?P<table>[^\"\n]{1,60})\"",
           "The record refers to {field} {value}, which does not exist in {table}"),
    _plain("duplicate entry", rf"Duplicate entry {_Q}(?P<value>{_NAME}){_Q} for key", "A record with {value} already exists"),
    _plain("unique constraint failed", r"UNIQUE constraint failed: (?P<field>[\w.]{1,80})", "A record with this {field} already exists"),
    _plain("duplicate key", r"duplicate key", "A record with this key already exists"),
    _plain("null value in column", rf"null value in column {_Q}(?P<field>{_NAME}){_Q}", "The field {field} is empty, and it must not be"),
    _plain("cannot be null", rf"Column {_Q}(?P<field>{_NAME}){_Q} cannot be null", "The field {field} is empty, and it must not be"),
    _plain("not null constraint", r"NOT NULL constraint failed: (?P<field>[\w.]{1,80})", "The field {field} is empty, and it must not be"),
    _plain("foreign key", r"foreign key constraint", "The record refers to another record that does not exist"),
    _plain("check constraint", rf"check constraint (?:failed: )?{_Q}?(?P<rule>[^'\"`\n]{{1,80}}){_Q}?", "A value breaks the rule {rule} of the database"),
    _plain("data too long", rf"Data too long for column {_Q}(?P<field>{_NAME}){_Q}", "The text for {field} is too long"),
    _plain("value too long", r"value too long for type character varying\((?P<limit>\d{1,9})\)", "A text is longer than {limit} characters, the limit of its column"),
    _plain("out of range value", rf"Out of range value for column {_Q}(?P<field>{_NAME}){_Q}", "The number for {field} is too large or too small"),
    _plain("invalid input syntax", r"invalid input syntax for type (?:integer|bigint|smallint): \"(?P<value>[^\"\n]{0,60})\"", "“{value}” is not a whole number"),
    _plain("invalid input syntax", r"invalid input syntax for type (?:numeric|double precision|real): \"(?P<value>[^\"\n]{0,60})\"", "“{value}” is not a number"),
    _plain("invalid input syntax", r"invalid input syntax for type (?:date|timestamp[\w ]{0,30}): \"(?P<value>[^\"\n]{0,60})\"", "“{value}” is not a date"),
    _plain("date/time field value", r"date/time field value out of range: \"(?P<value>[^\"\n]{0,60})\"", "“{value}” is not a day of the calendar"),
    _plain("incorrect datetime", rf"Incorrect datetime value: {_Q}(?P<value>{_NAME}){_Q} for column {_Q}(?P<field>{_NAME}){_Q}", "“{value}” in {field} is not a date"),
    _plain("base 10", r"invalid literal for int\(\) with base 10: ['\"](?P<value>[^'\"\n]{1,60})['\"]", "“{value}” is not a whole number"),
    _plain("base 10", r"invalid literal for int\(\)", "A number is empty"),
    _plain("string to float", r"could not convert string to float: ['\"](?P<value>[^'\"\n]{1,60})['\"]", "“{value}” is not a number"),
    _plain("conversionsyntax", r"ConversionSyntax", "An amount is not a number"),
    _plain("does not match format", r"time data ['\"](?P<value>[^'\"\n]{1,60})['\"] does not match format ['\"](?P<form>[^'\"\n]{1,40})['\"]", "“{value}” is not a date in the form {form}"),
    _plain("isoformat", r"Invalid isoformat string: ['\"](?P<value>[^'\"\n]{1,60})['\"]", "“{value}” is not a date in the form YYYY-MM-DD"),
    _plain("out of range for month", r"day is out of range for month", "A date names a day that its month does not have"),
    _plain("unconverted data", r"unconverted data remains: ?(?P<rest>[^\n]{1,40})", "A date has more text behind it: “{rest}”"),
    _plain("keyerror\n'", r"KeyError\n'(?P<field>[^'\n.]{1,40})'$", "The field {field} is missing"),
    _plain("is a required property", r"'(?P<field>[^'\n]{1,60})' is a required property", "The field {field} is missing"),
    _plain("field required", r"validation errors? for (?P<model>\w{1,60})\n(?P<field>[\w.]{1,60})\n\s{1,9}Field required", "{model}: the field {field} is missing"),
    _plain("missing required field", r"missing required fields?: (?P<field>[\w, .-]{1,80})", "The field {field} is missing"),
    _plain("missing data for required", r"'(?P<field>[^'\n]{1,60})': \['Missing data", "The field {field} is missing"),
    _plain("missing element", r"Missing element (?P<field>[\w.]{1,60})", "The field {field} is missing"),
    _plain("is not of type", r"'(?P<value>[^'\n]{1,60})' is not of type '(?P<kind>\w{1,20})'", "“{value}” is not of the type {kind}"),
    _plain("is not one of", r"'(?P<value>[^'\n]{1,60})' is not one of \[(?P<known>[^\]\n]{1,60})\]", "“{value}” is not one of the allowed values {known}"),
    _plain("validation error", r"validation errors? for (?P<model>\w{1,60})\n(?P<field>[\w.]{1,60})\n\s{1,9}(?P<what>[^\[\n]{1,80}[^\[\n ])", "{model}: {field}: {what}"),
    _plain("expecting value: line 1 column 1 ", r"Expecting value", "Text that should be JSON is empty or something else"),
    _plain("(char", r"(?:Expecting|Unterminated|Extra data|Invalid control)[^\n]{0,60}: line (?P<line>\d{1,9}) column (?P<column>\d{1,9})", "JSON is broken at line {line}, column {column}"),
    _plain("codec can't decode", r"'(?P<code>[\w-]{1,20})' codec can't decode byte \S{1,8} in position (?P<place>\d{1,12})", "A text is not valid {code} at position {place}"),
    _plain("codec can't encode", r"'(?P<code>[\w-]{1,20})' codec can't encode", "A text holds a character that {code} does not have"),
    _plain("tag mismatch", r"tag mismatch: [^\n]{0,60}, line (?P<line>\d{1,9})", "XML is broken at line {line}"),
    _plain(": line", r"(?:mismatched tag|no element found|undefined entity): line (?P<line>\d{1,9})", "XML is broken at line {line}"),
    _plain("error tokenizing", r"Expected (?P<wanted>\d{1,6}) fields in line (?P<line>\d{1,9}), saw (?P<seen>\d{1,6})", "Line {line} of a CSV file has {seen} columns instead of {wanted}"),
    _plain("no columns to parse", r"No columns", "A CSV file is empty"),
    _plain("not a zip file", r"not a zip file", "A file is not a ZIP or Excel file"),
    _plain("not a gzipped", r"Not a gzipped file", "A file is not gzip-compressed"),
    _plain("incorrect header check", r"incorrect header", "Compressed data is broken"),
    _plain("not enough values to unpack", r"expected (?P<wanted>\d{1,6}), got (?P<seen>\d{1,6})", "A text has {seen} parts instead of {wanted}"),
    _plain("list index out of range", r"list index", "A list has fewer entries than expected"),
    _plain("no row was found", r"No row", "A record that was looked for does not exist"),
    _plain("invalid", r"Invalid (?:URL|port)\b|InvalidUR[LI]", "An address (URL) is not valid"),
    _plain("could not convert string", r"Could not convert string ['\"](?P<value>[^'\"\n]{1,60})['\"] to '?(?:U?INT|BIGINT|DECIMAL|DOUBLE)", "“{value}” is not a number"),
    _plain("unable to parse string", rf"Unable to parse string {_Q}(?P<value>{_NAME}){_Q}", "“{value}” is not a number"),
    _plain("failed to parse string", r"Failed to parse string: '(?P<value>[^'\n]{1,60})' as a scalar of type (?:u?int|float|double|decimal)", "“{value}” is not a number"),
    _plain("incorrect", rf"Incorrect (?:decimal|integer|double) value: {_Q}(?P<value>{_NAME}){_Q} for column {_Q}(?P<field>{_NAME}){_Q}", "“{value}” in {field} is not a number"),
    _plain("numeric field overflow", r"numeric field overflow", "A number is too large for its column"),
    _plain("is out of range", r"year (?P<value>\d{1,12}) is out of range", "The year {value} is not in the calendar"),
    _plain("no time zone found", r"No time zone found with key (?P<name>[\w/+-]{1,60})", "The time zone {name} does not exist"),
    _plain("hexadecimal uuid", r"hexadecimal UUID", "A text is not a UUID"),
    _plain("incorrect padding", r"Incorrect padding", "A text is not valid Base64"),
    _plain("invalid json", r"Invalid JSON", "Text that should be JSON is broken"),
    _plain("null ", r"embedded null byte|null character not permitted", "A text holds a NUL character"),
    _plain("end-of-stream marker", r"end-of-stream", "Compressed data breaks off"),
    _plain("parquet magic bytes", r"Parquet magic", "A file is not a Parquet file"),
    _plain("unknown field", r"'(?P<field>[^'\n]{1,60})': \['Unknown field", "The field {field} is not known"),
    _plain("is required", r"Field '(?P<field>[^'\n]{1,60})' is required", "The field {field} is missing"),
    _plain("missing required parameter", rf"Missing required parameter in input: {_Q}(?P<field>{_NAME}){_Q}", "The field {field} is missing"),
)  # fmt: skip
"""Failures of data: the field, the value and the limit."""

FILES: Final = (
    _plain("no such file", rf"No such file or directory: b?{_Q}(?P<file>{_NAME}){_Q}", "The file {file} does not exist"),
    _plain("no such file", r"(?<!\S)(?P<file>[^\s:]{1,80}+): No such file", "The file {file} does not exist"),
    _plain("no files found", rf"pattern {_Q}(?P<file>{_NAME}){_Q}", "The file {file} does not exist"),
    _plain("no such directory", r"(?<!\S)(?P<file>[^\s:]{1,80}+): No such directory", "The folder {file} does not exist"),
    _plain("is a directory", rf"Is a directory: {_Q}(?P<file>{_NAME}){_Q}", "{file} is a folder, not a file"),
    _plain("file exists", rf"File exists: {_Q}(?P<file>{_NAME}){_Q}", "{file} exists already"),
    _plain("permission denied: ", rf"Permission denied: {_Q}(?P<file>{_NAME}){_Q}", "The script has no permission for {file}"),
    _plain("no space left", r"No space left", "The disk is full"),
    _plain("disk is full", r"disk is full", "The disk of the database is full"),
    _plain("too many open files", r"Too many open files", "The script has too many files open"),
    _plain("address already in use", r"Address already in use", "Another program uses this network port"),
    _plain("no module named", rf"No module named {_Q}(?P<name>{_NAME}){_Q}", "The Python package {name} is not installed"),
    _plain("cannot import name", rf"cannot import name {_Q}(?P<name>{_NAME}){_Q} from {_Q}(?P<package>{_NAME}){_Q}", "The Python package {package} has no {name}: it may be another version"),
    _plain("timed out after", r"Command [^\n]{0,200} timed out after (?P<limit>[\d.]{1,24}) s", "A command did not end within {limit} s"),
    _plain("exit status 127", r"status 127", "A command was not found"),
    _plain("exit status 126", r"status 126", "A command may not be executed"),
    _plain("died with", r"died with <Signals\.(?P<signal>\w{1,12})", "A command was stopped by the signal {signal}"),
    _plain("memoryerror", r"MemoryError", "The script ran out of memory"),
    _plain("signal 9", r"exited prematurely", "A worker was stopped, probably because it used too much memory"),
    _plain("not a directory", rf"Not a directory: {_Q}(?P<file>{_NAME}){_Q}", "A part of the path {file} is not a folder"),
    _plain("directory not empty", rf"Directory not empty: {_Q}(?P<file>{_NAME}){_Q}", "The folder {file} is not empty"),
    _plain("file name too long", r"File name too long", "A file name is too long"),
    _plain("resource busy", rf"resource busy: {_Q}(?P<file>{_NAME}){_Q}", "Another program uses {file}"),
    _plain("quota exceeded", r"quota exceeded", "A quota is used up"),
    _plain("insufficient system storage", r"system storage", "{who} has no disk space left"),
    _plain("non-zero exit status", r"non-zero exit status (?P<code>\d{1,3})", "A command ended with the exit status {code}"),
)  # fmt: skip

DATABASES: Final = (
    _plain("deadlock", r"deadlock", "{who} stopped the statement: two transactions waited for each other"),
    _plain("lock", r"lock timeout|lock wait timeout|database is locked|LockNotAvailable", "{who} was locked by another program"),
    _plain("statement timeout", r"statement timeout", "{who} stopped a statement that took too long"),
    _plain("time limit", r"exceeded time limit", "{who} stopped a statement that took too long"),
    _plain("serialize access", r"serialize access", "Another program changed the same record at the same time"),
    _plain("writeconflict", r"WriteConflict", "Another program changed the same record at the same time"),
    _plain("no such table", r"no such table: (?P<table>[\w.]{1,80})", "The table {table} does not exist"),
    _plain("does not exist", r"relation \"(?P<table>[^\"\n]{1,80})\" does not exist", "The table {table} does not exist"),
    _plain("doesn't exist", rf"Table {_Q}(?P<table>{_NAME}){_Q} doesn't exist", "The table {table} does not exist"),
    _plain("column", rf"(?:no such column: |Unknown column |column ){_Q}?(?P<field>[\w.]{{1,80}}){_Q}?(?: does not exist| in |$)", "The column {field} does not exist"),
    _plain('database "', r"database \"(?P<name>[^\"\n]{1,80})\" does not exist", "The database {name} does not exist"),
    _plain("syntax error", r"syntax error", "{who} does not understand an SQL statement"),
    _plain("permission denied for", r"permission denied for (?P<what>table|schema|sequence|database) (?P<name>\S{1,80})", "The database user has no permission for {what} {name}"),
    _plain("password authentication failed", r"password authentication failed for user \"(?P<user>[^\"\n]{1,60})\"", "{who} refused the login of the user {user}"),
    _plain("access denied for user", rf"Access denied for user {_Q}(?P<user>{_NAME}){_Q}", "{who} refused the login of the user {user}"),
    _plain("too many", r"too many (?:clients|connections)", "{who} has no free connections"),
    _plain("queuepool limit", r"QueuePool limit of size (?P<limit>\d{1,6})", "All {limit} connections to the database are in use"),
    _plain("read", r"read[- ]?only (?:database|transaction|replica|option)", "{who} can only be read at the moment"),
    _plain("disk image is malformed", r"malformed", "The file of the database is damaged"),
    _plain("unable to open database", r"unable to open", "The file of the database cannot be opened"),
    _plain("maxmemory", r"maxmemory", "{who} has no memory left"),
    _plain("table with name", r"Table with name (?P<table>[\w.]{1,80}) does not exist", "The table {table} does not exist"),
    _plain("does not exist", r"function (?P<name>\w{1,80})\([^)\n]{0,100}\) does not exist", "The database function {name} does not exist"),
    _plain("error in your sql syntax", r"SQL syntax", "{who} does not understand an SQL statement"),
    _plain("is full", rf"The table {_Q}(?P<table>{_NAME}){_Q} is full", "The table {table} is full"),
    _plain("due to user request", r"user request", "A statement was cancelled"),
    _plain("file is not a database", r"not a database", "A file is not a database"),
)  # fmt: skip

ACCESS: Final = (
    _plain("certificate has expired", r"certificate has expired", "The certificate of {who} has expired"),
    _plain("self-signed", r"self-signed", "The certificate of {who} is self-signed, so it is not trusted"),
    _plain("hostname mismatch", r"Hostname mismatch|doesn't match", "The certificate of {who} is for another host"),
    _plain("certificate_verify_failed", r"CERTIFICATE_VERIFY_FAILED", "The certificate of {who} is not trusted"),
    _plain("wrong_version_number", r"WRONG_VERSION_NUMBER", "{who} does not speak TLS on this port"),
    _plain("not found in known_hosts", r"Server '(?P<host>[^'\n]{1,80})' not found", "The SSH key of {host} is not known"),
    _plain("host key for server", r"Host key for server '(?P<host>[^'\n]{1,80})' does not match", "The SSH key of {host} has changed"),
    _plain("expired", r"(?:signature|token)[^\n]{0,40} (?:has |is )?expired|ExpiredToken|invalid_grant", "The access token has expired"),
    _plain("signature verification", r"Signature verification failed", "The signature of the access token is not valid"),
    _plain("unable to locate credentials", r"Unable to locate", "The script has no AWS credentials"),
    _plain("default credentials were not found", r"default credentials", "The script has no Google credentials"),
    _plain("api key", r"Invalid API Key", "{who} does not accept the API key"),
    _plain("authentication", r"authentication(?:failed| failed| failure| credentials invalid)|SMTPAuthenticationError|AuthenticationException", "{who} refused the login"),
    _plain("login incorrect", r"530 Login", "{who} refused the login"),
    _plain("accessdenied", r"AccessDenied", "{who} refused access"),
    _plain("permission_denied", r"PERMISSION_DENIED", "{who} refused access"),
    _plain("unauthenticated", r"UNAUTHENTICATED", "{who} did not accept the credentials"),
    _plain("topicauthorization", r"TopicAuthorization|TOPIC_AUTHORIZATION", "{who} refused access to a topic"),
    _plain("environment variable", r"environment variable (?P<name>\w{1,60}) is not set", "The setting {name} is missing"),
    _plain("tls ca certificate", r"CA certificate", "The file of trusted certificates does not exist"),
    _plain("private key file is encrypted", r"Private key", "The private key needs a passphrase"),
    _plain("config profile", r"config profile \((?P<name>[^)\n]{1,60})\) could not be found", "The AWS profile {name} does not exist"),
    _plain("inval", r"InvalidAccessKeyId|\binvalid_auth\b", "{who} did not accept the credentials"),
    _plain("unrecognizedclient", r"UnrecognizedClient", "{who} did not accept the credentials"),
    _plain("invalid_session_id", r"INVALID_SESSION_ID", "The session at {who} has expired"),
    _plain("not enough segments", r"segments", "The access token is not valid"),
    _plain("not yet valid", r"token is not yet valid", "The access token is not valid yet"),
    _plain("relay access denied", r"Relay access", "The mail server does not forward mail to this address"),
)  # fmt: skip

SERVICES: Final = (
    _plain("card has insufficient funds", r"card has", "The card has insufficient funds"),
    _plain("expired", r"card has expired|expired_card", "The card has expired"),
    _plain("security code is incorrect", r"security code", "The security code of the card is wrong"),
    _plain("card was declined", r"card was declined", "The card was declined"),
    _plain("already been refunded", r"already been refunded", "The payment has been refunded already"),
    _plain("signaturedoesnotmatch", r"SignatureDoesNotMatch", "{who} did not accept the signature of the request"),
    _plain("resourcenotfoundexception", r"ResourceNotFoundException", "A table, secret or function does not exist in {who}"),
    _plain("serverbusy", r"ServerBusy", "{who} is busy"),
    _plain("internalerror", r"\(InternalError\)|ErrorCode:InternalError", "{who} had an internal error"),
    _plain("(serviceunavailable)", r"\(ServiceUnavailable\)", "{who} is not available"),
    _plain("groupauthorization", r"GroupAuthorization", "{who} refused access to a consumer group"),
    _plain("not", r"LeaderNotAvailable|NotLeaderFor|NotCoordinator|CoordinatorNotAvailable|NotController", "{who} is choosing a new leader"),
    _plain("notenoughreplicas", r"NotEnoughReplicas", "Too few copies of a partition are available in {who}"),
    _plain("rebalance", r"rebalance ?in ?progress|RebalanceInProgress", "{who} is handing out partitions again"),
    _plain("nosuchkey", r"NoSuchKey", "The object does not exist in {who}"),
    _plain("nosuchbucket", r"NoSuchBucket", "The bucket does not exist in {who}"),
    _plain("nonexistentqueue", r"NonExistentQueue", "The queue does not exist in {who}"),
    _plain("blobnotfound", r"BlobNotFound", "The blob does not exist in {who}"),
    _plain("conditionalcheckfailed", r"ConditionalCheckFailed", "Another program changed the item first"),
    _plain("t", r"Throttling|ThroughputExceeded|SlowDown|TooManyRequests|RESOURCE_EXHAUSTED|rate limit|RequestLimitExceeded|ratelimited", "{who} asked us to slow down"),
    _plain("recipient", r"Recipient address rejected|Bad recipient address", "The mail server does not know the recipient's address"),
    _plain("greylisting", r"Greylisting", "The mail server asks to try again later"),
    _plain("message size exceeds", r"message size", "The mail is too large for the mail server"),
    _plain("unknown topic", r"unknown topic", "The topic does not exist in {who}"),
    _plain("unknowntopic", r"UnknownTopic", "The topic does not exist in {who}"),
    _plain("too", r"MessageSizeTooLarge|MSG_SIZE_TOO_LARGE", "The message is too large for {who}"),
    _plain("bootstrap", r"Unable to bootstrap|NoBrokersAvailable", "No broker of {who} could be reached"),
    _plain("update metadata", r"update metadata", "No broker of {who} could be reached"),
    _plain("all broker", r"All broker connections", "No broker of {who} could be reached"),
    _plain("wrongtype", r"WRONGTYPE", "A key in {who} holds another kind of value"),
    _plain("never registered", r"never registered|NotRegistered", "No worker knows this task"),
    _plain("maintenance", r"maintenance", "{who} is under maintenance"),
    _plain("containernotfound", r"ContainerNotFound", "The container does not exist in {who}"),
    _plain("channel_not_found", r"channel_not_found", "The channel does not exist in {who}"),
    _plain("unable_to_lock_row", r"UNABLE_TO_LOCK_ROW", "Another program changed the same record at the same time"),
    _plain("broker transport failure", r"transport failure", "No broker of {who} could be reached"),
    _plain("unroutable", r"unroutable", "No queue of {who} takes the message"),
)  # fmt: skip

NETWORK: Final = (
    _plain("deadline_exceeded", r"DEADLINE_EXCEEDED", "{who} did not answer in time"),
    _plain("name or service not known", r"Name or service not known", "No network address was found for {who}"),
    _plain("resol", r"NameResolution|Failed to resolve|resolution failure|NXDOMAIN|query name does not exist", "No network address was found for {who}"),
    _plain("translate host name", r"translate host name", "No network address was found for {who}"),
    _plain("too many", r"too many 5\d\d error responses", "{who} kept answering with an error"),
    _plain("refused", r"connection refused|connect call failed|actively refused|ConnectionRefused", "{who} refused the connection"),
    _plain("within", r"(?:did not (?:answer|respond)|no (?:answer|response|reply)) within (?P<limit>[\d.]{1,12}) ?s", "{who} did not answer within {limit} s"),
    _plain("timeout=", r"(?:read|connect) timeout=(?P<limit>[\d.]{1,12})", "{who} did not answer within {limit} s"),
    _plain("connect to host", r"Cannot connect to host", "{who} could not be reached"),
    _plain("unable to connect", r"Unable to connect", "{who} could not be reached"),
    _plain("could not connect", r"Could not connect", "{who} could not be reached"),
    _plain("unreachable", r"unreachable|no route to host", "{who} could not be reached"),
    _plain("time", r"timed ?out|time-?out|TimeoutError|ReadTimeout|deadline[ _]exceeded", "{who} did not answer in time"),
    _plain("re", r"connection reset|reset by peer|ConnectionReset", "{who} broke the connection off"),
    _plain("closed", r"connection (?:was |unexpectedly )?closed|closed connection|closed the connection|closed by server", "{who} closed the connection"),
    _plain("disconnect", r"server disconnected|RemoteDisconnected|without (?:sending a )?response", "{who} closed the connection before it answered"),
    _plain("connection broken", r"Connection broken|IncompleteRead", "The answer of {who} broke off"),
    _plain("body", r"without sending complete message body", "The answer of {who} broke off"),
    _plain("payload is not completed", r"payload", "The answer of {who} broke off"),
    _plain("broken pipe", r"Broken pipe", "{who} closed the connection"),
    _plain("lost connection", r"Lost connection", "{who} closed the connection"),
    _plain("redirects", r"redirects", "{who} redirects in a circle"),
    _plain("status", r"status ?line", "{who} did not answer in HTTP"),
    _plain("ssh protocol banner", r"SSH protocol banner", "{who} did not answer as an SSH server"),
    _plain("unavailable", r"StatusCode\.UNAVAILABLE", "{who} is not available"),
    _plain('details = "', r'details = "(?P<what>[^"\n]{3,80})"', "{who} answered: {what}"),
    _plain("unexpected_eof", r"UNEXPECTED_EOF", "{who} broke the TLS connection off"),
    _plain("eof", r"socket error: EOF|Transport indicated EOF", "{who} closed the connection"),
    _plain("incompleteread", r"IncompleteRead", "The answer of {who} broke off"),
    _plain("connection error", r"\nConnection error\.?$", "{who} could not be reached"),
    _plain("internal server error", r"\nInternal server error\.?$", "{who} had an internal error"),
)  # fmt: skip

FAULTS: Final = (
    _plain("'nonetype' object", r"'NoneType' object (?:has no attribute '(?P<name>\w{1,60})'|is not)", "The script used a value that is empty"),
    _plain("has no attribute", r"'(?P<kind>\w{1,60})' object has no attribute '(?P<name>\w{1,60})'", "The script asked a {kind} for {name}, which it does not have"),
    _plain("is not defined", r"name '(?P<name>\w{1,60})' is not defined", "The script uses the name {name} without defining it"),
    _plain("zerodivision", r"ZeroDivision", "The script divided by zero"),
    _plain("recursion", r"recursion depth", "The script called itself without end"),
    _plain("positional argument", r"\b(?P<name>\w{1,60}+)\(\) (?:missing|takes)", "The script called {name} with the wrong number of values"),
    _plain("is not json serializable", r"Object of type (?P<kind>\w{1,60}) is not", "The script cannot write a {kind} as JSON"),
    _plain("can only concatenate", r"concatenate str", "The script put a text and another kind of value together"),
    _plain("changed size during iteration", r"changed size", "The script changed a list while it went through it"),
    _plain("not associated with a value", r"variable '(?P<name>\w{1,60})'", "The script used {name} before it had a value"),
    _plain("bindings supplied", r"bindings", "An SQL statement got the wrong number of values"),
    _plain("closed", r"the connection is closed|closed database", "The script used a connection that is closed"),
)  # fmt: skip

ANYWHERE: Final = (*VALUES, *FILES, *DATABASES, *ACCESS, *SERVICES)
"""Asked before an HTTP status."""
BEHIND: Final = (*NETWORK, *FAULTS)
"""Asked after an HTTP status: the text of 504 speaks of a time-out as well."""
OWN_WORDS: Final = frozenset({"BusinessError", "DataError", "AutomationError"})
"""Types whose message is what the script itself states to an operator: it stays."""
UNNAMED: Final = "The called system"
"""Where neither the script, nor the library, nor the text names it."""
SUBJECT: Final = re.compile(
    r"\n(?:The |the )?(?!it |which |that |they )(?P<name>[A-Za-z][\w-]{1,40}+) did not (?:answer|respond)"
)
"""Whom the script's own message names: "ledger did not answer within 10 s"."""
WORDY: Final = 4
"""A text that has more words behind its status explains the refusal better than the status does."""
HOST: Final = re.compile(
    r"(?:\bhost='|\bconnect to host |\bhost name \"|\bresolve host '|\bresolve '|https?://|Server '\[?)(?P<host>[\w.-]{1,80})"
)
"""The host that a text names."""

STATUSES: Final = {
    400: "{who} did not understand the request (HTTP 400)",
    401: "{who} did not accept the credentials (HTTP 401)",
    402: "{who} declined the payment (HTTP 402)",
    403: "{who} refused access (HTTP 403)",
    404: "{who} does not have what was asked for (HTTP 404)",
    405: "{who} does not support this request (HTTP 405)",
    406: "{who} cannot answer in the form that was asked for (HTTP 406)",
    407: "The proxy asks for a login (HTTP 407)",
    408: "{who} waited too long for the request (HTTP 408)",
    409: "{who} already has a record that conflicts with this one (HTTP 409)",
    410: "{who} no longer has what was asked for (HTTP 410)",
    412: "The record at {who} changed in the meantime (HTTP 412)",
    413: "The request is too large for {who} (HTTP 413)",
    415: "{who} does not accept this format (HTTP 415)",
    422: "{who} did not accept the values of the record (HTTP 422)",
    423: "The record at {who} is locked (HTTP 423)",
    425: "{who} asks to send the request again (HTTP 425)",
    429: "{who} asked us to slow down (HTTP 429)",
    431: "The headers of the request are too large for {who} (HTTP 431)",
    451: "{who} refuses for legal reasons (HTTP 451)",
    500: "{who} had an internal error (HTTP 500)",
    501: "{who} does not support this request (HTTP 501)",
    502: "{who} could not be reached behind its gateway (HTTP 502)",
    503: "{who} is not available (HTTP 503)",
    504: "{who} did not answer its gateway in time (HTTP 504)",
    507: "{who} has no space left (HTTP 507)",
    520: "{who} gave its gateway an answer that it does not understand (HTTP 520)",
}

SYSTEMS: Final = (
    ("psycopg", "PostgreSQL"), ("asyncpg", "PostgreSQL"), ("sqlite3", "The database"), ("pymysql", "MySQL"), ("MySQLdb", "MySQL"),
    ("oracledb", "Oracle"), ("pymongo", "MongoDB"), ("redis", "Redis"), ("sqlalchemy", "The database"), ("duckdb", "DuckDB"),
    ("kafka", "Kafka"), ("cimpl", "Kafka"), ("confluent", "Kafka"), ("pika", "RabbitMQ"), ("celery", "The task queue"), ("kombu", "The broker"),
    ("botocore", "AWS"), ("azure", "Azure"), ("google", "Google Cloud"), ("stripe", "Stripe"), ("smtplib", "The mail server"),
    ("imaplib", "The mail server"), ("poplib", "The mail server"), ("ftplib", "The FTP server"), ("paramiko", "The SSH server"),
    ("ldap3", "The LDAP server"), ("elasticsearch", "Elasticsearch"), ("simple_salesforce", "Salesforce"), ("twilio", "Twilio"),
    ("slack_sdk", "Slack"), ("hvac", "Vault"), ("braintree", "Braintree"), ("dns.", "The name server"), ("zeep", "The web service"),
)  # fmt: skip
"""What a library talks to, where nothing names the system itself; by how the type's name begins."""
DATABASE: Final = "The database"
OF_DATABASES: Final = frozenset(entry.sentence for entry in DATABASES)
"""Sentences in which a system without a name is the database."""
