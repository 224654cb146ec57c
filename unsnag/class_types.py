"""Types of exceptions, and the class that each stands for. Data; imported when the first error comes.

A name with a module is compared whole; one without is compared with the last part of a type's name. The type
itself is looked up before its bases. Names are those of the libraries' own references.
"""

from __future__ import annotations

import re
from typing import Final

from unsnag.class_codes import _table
from unsnag.conventions import CLASS_BUSINESS, CLASS_DATA, CLASS_INFRASTRUCTURE

QUALIFIED: Final = _table(
    D="_csv.Error csv.Error zlib.error struct.error binascii.Error shutil.Error decimal.InvalidOperation "
    "xml.parsers.expat.ExpatError sqlalchemy.exc.DataError sqlalchemy.exc.NoResultFound "
    "psycopg.errors.DataError psycopg2.errors.DataError _pickle.UnpicklingError pickle.UnpicklingError "
    "requests.exceptions.InvalidURL requests.exceptions.ContentDecodingError httpx.DecodingError httpx.InvalidURL "
    "http.client.InvalidURL urllib3.exceptions.LocationParseError email.errors.InvalidHeaderDefect "
    "kombu.exceptions.ContentDisallowed aiohttp.client_exceptions.ContentTypeError zoneinfo._common.ZoneInfoNotFoundError "
    "zoneinfo.ZoneInfoNotFoundError tarfile.ReadError shutil.ReadError _duckdb.ConversionException "
    "_duckdb.ConstraintException duckdb.ConversionException duckdb.ConstraintException dns.name.EmptyLabel "
    "dns.name.LabelTooLong botocore.exceptions.ParamValidationError zeep.exceptions.ValidationError "
    "google.protobuf.message.DecodeError configparser.MissingSectionHeaderError "
    "configparser.ParsingError configparser.DuplicateOptionError "
    "FileNotFoundError IsADirectoryError NotADirectoryError FileExistsError "
    "builtins.FileNotFoundError builtins.IsADirectoryError builtins.NotADirectoryError builtins.FileExistsError",
    I="socket.timeout socket.gaierror socket.herror google.auth.exceptions.InvalidOperation redis.exceptions.ResponseError "
    "sqlalchemy.exc.TimeoutError sqlalchemy.exc.NoSuchModuleError sqlalchemy.orm.exc.StaleDataError "
    "jsonschema.exceptions.SchemaError jwt.exceptions.DecodeError jwt.exceptions.PyJWTError jwt.exceptions.InvalidTokenError "
    "jwt.exceptions.PyJWKSetError jwt.exceptions.PyJWKClientError jwt.exceptions.InvalidKeyError "
    "ftplib.error_proto ftplib.error_temp imaplib.error imaplib.IMAP4.error imaplib.IMAP4.abort poplib.error_proto "
    "requests.exceptions.RequestException httpx.TransportError httpx.TooManyRedirects urllib3.exceptions.HTTPError "
    "botocore.exceptions.BotoCoreError pymongo.errors.ConfigurationError pymongo.errors.InvalidURI "
    "pymongo.errors.PyMongoError paramiko.ssh_exception.SSHException azure.core.exceptions.AzureError "
    "google.auth.exceptions.GoogleAuthError dns.exception.DNSException celery.exceptions.NotRegistered "
    "celery.exceptions.MaxRetriesExceededError websockets.exceptions.WebSocketException pika.exceptions.AMQPError "
    "kafka.errors.KafkaError cimpl.KafkaException confluent_kafka.KafkaException oracledb.exceptions.DatabaseError "
    "configparser.NoOptionError configparser.NoSectionError concurrent.futures.process.BrokenProcessPool "
    "sqlite3.DatabaseError psycopg.errors.RaiseException grpc.FutureTimeoutError _duckdb.CatalogException "
    "ldap3.core.exceptions.LDAPException stripe._error.SignatureVerificationError stripe.error.SignatureVerificationError "
    "http.client.HTTPException requests.exceptions.RetryError asyncio.exceptions.IncompleteReadError",
    B="stripe._error.CardError stripe.error.CardError psycopg2.errors.RaiseException",
)
QUALIFIED["psycopg.errors.RaiseException"] = CLASS_BUSINESS  # a rule in the database: RAISE EXCEPTION

LAST: Final = _table(
    B="BusinessError CardError PaymentDeclined PaymentDeclinedError CreditLimitExceeded CreditLimitExceededError "
    "OutOfStock OutOfStockError InsufficientFunds InsufficientFundsError InsufficientStock InsufficientStockError "
    "BusinessRuleViolation BusinessRuleError ApprovalRequired ApprovalRequiredError PolicyViolation RaiseException",
    D="DataError ValidationError JSONDecodeError UnicodeError UnicodeDecodeError UnicodeEncodeError "
    "InvalidOperation IntegrityError ParseError ParserError BadZipFile BadGzipFile LZMAError TOMLDecodeError "
    "EmptyDataError MergeError IntCastingNaNError DateParseError DocumentInvalid XMLSyntaxError ScannerError "
    "ConstructorError XMLSchemaValidationError XMLSchemaDecodeError InvalidFileException ArrowInvalid ArrowTypeError "
    "UniqueViolation NotNullViolation CheckViolation ForeignKeyViolation ExclusionViolation StringDataRightTruncation "
    "InvalidTextRepresentation InvalidDatetimeFormat DatetimeFieldOverflow NumericValueOutOfRange DivisionByZero "
    "CharacterNotInRepertoire DuplicateKeyError InvalidBSON InvalidDocument DocumentTooLarge MultipleResultsFound "
    "NoResultFound MissingSchema InvalidSchema InvalidHeader UnsupportedProtocol InvalidURI InvalidUrlClientError "
    "MessageSizeTooLargeError CorruptRecordError InvalidRecordError InvalidMessageError SameFileError "
    "ParamValidationError InvalidInputError NotFoundError NoSuchKey ResourceExistsError ResourceNotFoundError "
    "ResourceModifiedError ConflictError RequestValidationError MalformedData OutOfBoundsDatetime SMTPDataRefused "
    "FormatException NumberFormatException MalformedURLException DateTimeParseException JsonReaderException "
    "JsonParseException JsonMappingException ConstraintViolationException DataIntegrityViolationException "
    "DuplicateKeyException EmptyResultDataAccessException InvalidFormatException SAXParseException InvalidDataException "
    "SchemaValidationError",
    I="InfrastructureError TimeoutError ConnectionError ConnectError URLError HTTPException gaierror "
    "SSLError SSLCertVerificationError SSLEOFError OperationalError InterfaceError InternalError "
    "EndpointConnectionError BrokenProcessPool MemoryError SMTPException CancelledError KeyboardInterrupt "
    "ConnectionRefusedError ConnectionResetError ConnectionAbortedError BrokenPipeError BlockingIOError PermissionError "
    "ProxyError ReadTimeout WriteTimeout ConnectTimeout PoolTimeout ReadError WriteError CloseError RemoteProtocolError "
    "LocalProtocolError ProtocolError NewConnectionError NameResolutionError MaxRetryError ReadTimeoutError "
    "ConnectTimeoutError ChunkedEncodingError TooManyRedirects RemoteDisconnected IncompleteRead BadStatusLine "
    "IncompleteReadError ClientConnectorError ClientOSError ServerDisconnectedError ClientPayloadError "
    "ClientConnectorDNSError ClientConnectorCertificateError ClientConnectorSSLError ServerTimeoutError "
    "SMTPServerDisconnected SMTPConnectError SMTPAuthenticationError SMTPHeloError SMTPNotSupportedError "
    "SMTPSenderRefused ModuleNotFoundError ImportError TimeoutExpired NXDOMAIN NoAnswer NoNameservers LifetimeTimeout "
    "ExpiredSignatureError InvalidSignatureError InvalidAudienceError InvalidIssuerError MissingRequiredClaimError "
    "ImmatureSignatureError InvalidAlgorithmError InvalidTokenError PyJWKClientConnectionError PyJWKSetError "
    "AuthenticationException BadHostKeyException NoValidConnectionsError PasswordRequiredException SSHException "
    "ServiceRequestError ServiceResponseError ServiceResponseTimeoutError ClientAuthenticationError "
    "DefaultCredentialsError RefreshError MalformedError RetryError NoCredentialsError PartialCredentialsError "
    "NoRegionError ProfileNotFound UnknownServiceError EndpointProviderError ConnectionClosedError "
    "CredentialRetrievalError TokenRetrievalError ServerSelectionTimeoutError AutoReconnect NetworkTimeout "
    "NotPrimaryError ExecutionTimeout OutOfMemoryError ReadOnlyError NoScriptError LockError LockNotOwnedError "
    "AuthenticationError AuthorizationError BusyLoadingError ClusterDownError KafkaTimeoutError KafkaConnectionError "
    "NoBrokersAvailable AMQPConnectionError AMQPHeartbeatTimeout IncompatibleProtocolError ChannelClosedByBroker "
    "UnroutableError StreamLostError WorkerLostError TimeLimitExceeded SoftTimeLimitExceeded NotRegistered "
    "MaxRetriesExceededError APIConnectionError RateLimitError APIError SignatureVerificationError ServerError "
    "TooManyRequestsError VaultDown VaultError LDAPSocketOpenError LDAPBindError UndefinedTable UndefinedColumn "
    "UndefinedFunction InsufficientPrivilege ReadOnlySqlTransaction SerializationFailure AdminShutdown QueryCanceled "
    "DeadlockDetected LockNotAvailable TooManyConnections CannotConnectNow DiskFull InvalidPassword PoolError "
    "UnknownHostException SocketException SocketTimeoutException ConnectException NoRouteToHostException SSLException "
    "SSLHandshakeException HttpHostConnectException AccessDeniedException IMAP4.abort "
    "CommunicationsException SQLTransientConnectionException CannotGetJdbcConnectionException BrokerNotAvailableError "
    "InvalidStatus InvalidStatusCode ConnectionClosed ConnectionClosedError NoOptionError NoSectionError "
    "NoSuchModuleError StaleDataError EndOfStreamError FutureTimeoutError",
    U="TypeError AttributeError NameError UnboundLocalError ZeroDivisionError NotImplementedError RecursionError "
    "StopIteration StopAsyncIteration NullPointerException ArgumentError "
    "UnresolvedReference InFailedSqlTransaction IndentationError XPathEvalError ReferenceError SystemError",
)
"""`U` is a fault of the script: nothing that the three could repair, and no wider rule is asked."""

GENERIC: Final = _table(D="ValueError KeyError", I="OSError IOError")
"""Types that say little: their text is asked first, and what they say alone is barely enough."""
GUESSES: Final = _table(
    D="LookupError IndexError EOFError AssertionError ArithmeticError ClientError SyntaxError SalesforceMalformedRequest "
    "HTTPStatusError HTTPError",
    I="DatabaseError TransportError",
    U="ProgrammingError StatementError",
)

NAME_WORDS: Final = (
    (re.compile(r"Declined|CreditLimit|OutOfStock|Insufficient(?:Funds|Stock|Credit)|Approval|BusinessRule"), CLASS_BUSINESS, 0.8),
    (re.compile(
        r"Time(?:d)?[ _]?out|Connect(?:ion)?|Unavailable|Network|Throttl|TooManyRequests|RateLimit|Credential|Unauthori[sz]ed"
        r"|Forbidden|Authenti|Authoriz|Permission|AccessDenied|Disconnect|Deadlock|Unreachable|Refused|GatewayDown|ServerDown"
        r"|Retriable|NotAvailable|NotLeader|NotCoordinator|NotController|NotEnoughReplicas|Rebalance|UnknownTopic|ExpiredSession"
        r"|OutOfOrder|OffsetOutOfRange|InvalidTxn", re.IGNORECASE), CLASS_INFRASTRUCTURE, 0.8),
    (re.compile(r"Validation|Decode|Pars(?:e|ing)|Missing|NotFound|Duplicate|Corrupt", re.IGNORECASE), CLASS_DATA, 0.8),
    (re.compile(r"Malformed|Schema|Invalid|Conflict", re.IGNORECASE), CLASS_DATA, 0.7),
)  # fmt: skip
"""Words in the last part of a type's name."""
