"""Codes of protocols and products, and the class that each stands for. Data; imported when the first error comes.

Who can do something about it decides: `B` who decides about the order, `D` who owns the record or the file,
`I` who runs systems, networks, access and deployments, `U` who maintains the script.
Sources stand above each table.
"""

from __future__ import annotations

from typing import Final

from unsnag.conventions import CLASS_BUSINESS as B
from unsnag.conventions import CLASS_DATA as D
from unsnag.conventions import CLASS_INFRASTRUCTURE as I
from unsnag.conventions import CLASS_UNKNOWN as U


def _table(**classes: str) -> dict[str, str]:
    """Return code to class, from class to codes between blanks."""
    letters = {"B": B, "D": D, "I": I, "U": U}
    return {code: letters[letter] for letter, codes in classes.items() for code in codes.split()}


# RFC 9110, RFC 6585 (429, 431), RFC 7725 (451), RFC 4918 (423, 507), RFC 8470 (425). Access that is refused
# is for operations, as outages are; 402 is what payment services answer to a declined payment.
HTTP: Final = _table(
    B="402 451",
    D="400 404 405 406 409 410 411 412 413 414 415 416 422 431",
    I="401 403 407 408 421 423 424 425 426 429",
)
"""Statuses below 500; from 500 up all are infrastructure."""
SERVER_ERRORS: Final = frozenset({*range(500, 512), *range(520, 531), 598, 599})
"""What counts as such a status within a text: 550 is an answer of mail and FTP servers."""

# PostgreSQL documentation, appendix A (ISO/IEC 9075 classes); the longest prefix decides.
SQLSTATE: Final = _table(
    B="P0001 45",  # a rule in the database raised it: RAISE, SIGNAL
    D="02 21 22 23 2200 27 44 54000",
    I="08 0A 0B 0P 24 25 26 28 2B 2D 34 3B 3D 3F 40 42 53 54 55 57 58 72 F0 HV XX 01 HYT",
    U="25P02 07 P0002 P0003 P0004",
)

# https://www.sqlite.org/rescode.html; extended names first, then their first two words.
SQLITE: Final = _table(
    B="SQLITE_CONSTRAINT_TRIGGER",
    D="SQLITE_CONSTRAINT SQLITE_TOOBIG SQLITE_MISMATCH SQLITE_RANGE",
    I="SQLITE_BUSY SQLITE_LOCKED SQLITE_CANTOPEN SQLITE_READONLY SQLITE_IOERR SQLITE_FULL SQLITE_CORRUPT "
    "SQLITE_NOTADB SQLITE_PERM SQLITE_AUTH SQLITE_PROTOCOL SQLITE_NOMEM SQLITE_INTERRUPT SQLITE_ABORT "
    "SQLITE_SCHEMA SQLITE_ERROR SQLITE_NOLFS",
    U="SQLITE_MISUSE",
)

# MySQL 8.4 error message reference, server errors and CR_ client errors.
MYSQL: Final = _table(
    B="1644",
    D="1048 1062 1063 1136 1169 1216 1217 1264 1265 1292 1364 1366 1367 1406 1411 1441 1451 1452 1525 "
    "1557 1586 1690 3140 3819 4025 1153 1162 1301",
    I="1004 1005 1006 1007 1008 1016 1021 1023 1030 1037 1038 1040 1041 1042 1043 1044 1045 1046 1049 1050 1051 "
    "1053 1054 1064 1077 1114 1129 1130 1142 1143 1146 1147 1149 1152 1154 1155 1156 1157 1158 1159 1160 1161 "
    "1184 1203 1205 1206 1213 1226 1227 1290 1305 1317 1698 1792 1836 2002 2003 2005 2006 2012 2013 2026 2055 "
    "3024 3572 1815 4031",
)

# https://grpc.github.io/grpc/core/md_doc_statuscodes.html. FAILED_PRECONDITION depends on the text.
GRPC: Final = _table(
    D="INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS OUT_OF_RANGE FAILED_PRECONDITION",
    I="CANCELLED DEADLINE_EXCEEDED PERMISSION_DENIED RESOURCE_EXHAUSTED ABORTED UNIMPLEMENTED INTERNAL UNAVAILABLE "
    "DATA_LOSS UNAUTHENTICATED",
)
GRPC_NUMBERS: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""As `rpc.grpc.status_code` of OpenTelemetry numbers them."""

# AWS: common errors of the API references of S3, DynamoDB, SQS, Lambda, Secrets Manager, KMS, STS.
# A missing object or item is data, a missing bucket, table, queue or secret is a deployment.
AWS: Final = _table(
    D="NoSuchKey NoSuchVersion NoSuchUpload EntityTooLarge EntityTooSmall MalformedXML InvalidDigest BadDigest "
    "InvalidPart InvalidObjectState PreconditionFailed ConditionalCheckFailedException ValidationException "
    "ValidationError ItemCollectionSizeLimitExceededException InvalidParameterValue InvalidParameterException "
    "InvalidParameterCombination MissingParameter MalformedQueryString InvalidInput InvalidInputException "
    "KeyTooLongError MetadataTooLarge InvalidMessageContents InvalidRequestContentException SerializationException "
    "TransactionCanceledException BatchRequestTooLong RequestTooLargeException InvalidArgument InvalidRange "
    "InvalidRequest InvalidAttributeValue MessageTooLong RecordTooLarge 404 400",
    I="AccessDenied AccessDeniedException NoSuchBucket BucketAlreadyExists BucketAlreadyOwnedByYou ExpiredToken "
    "ExpiredTokenException InvalidAccessKeyId InvalidClientTokenId SignatureDoesNotMatch InvalidSignatureException "
    "UnrecognizedClientException MissingAuthenticationToken OptInRequired RequestExpired RequestTimeTooSkewed "
    "RequestTimeout SlowDown Throttling ThrottlingException ThrottledException TooManyRequestsException "
    "RequestLimitExceeded ProvisionedThroughputExceededException LimitExceededException ServiceQuotaExceededException "
    "InternalError InternalFailure InternalServerError InternalServiceError ServiceException ServiceUnavailable "
    "ServiceUnavailableException ResourceNotFoundException AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist "
    "KMSAccessDeniedException KMSDisabledException KMSInvalidStateException DecryptionFailure "
    "TransactionConflictException TransactionInProgressException ResourceInUseException PermanentRedirect "
    "AuthorizationHeaderMalformed AllAccessDisabled OperationAborted 401 403 429 500 502 503 504 InvalidToken "
    "BandwidthLimitExceeded ReplicatedWriteConflictException UnauthorizedOperation AuthFailure Unavailable",
)

# Azure Storage, Key Vault and Service Bus error codes (learn.microsoft.com, "Common REST API error codes").
AZURE: Final = _table(
    D="BlobNotFound BlobAlreadyExists ConditionNotMet LeaseIdMissing InvalidBlobOrBlock InvalidInput InvalidMd5 "
    "Md5Mismatch InvalidXmlDocument MissingRequiredHeader RequestBodyTooLarge ResourceNotFound EntityAlreadyExists "
    "EntityTooLarge InvalidBlockList InvalidBlockId InvalidResourceName OutOfRangeInput PropertyNameInvalid "
    "UpdateConditionNotSatisfied PathNotFound PathAlreadyExists EntityNotFound InvalidRange MessageTooLarge",
    I="AuthenticationFailed AuthorizationFailure AuthorizationPermissionMismatch AuthorizationSourceIPMismatch "
    "InsufficientAccountPermissions AccountIsDisabled ContainerNotFound ContainerBeingDeleted ContainerDisabled "
    "ServerBusy InternalError OperationTimedOut QueueNotFound TableNotFound InvalidAuthenticationInfo "
    "NoAuthenticationInformation LeaseAlreadyPresent SecretNotFound Forbidden ShareNotFound FilesystemNotFound",
)

# docs.stripe.com/error-codes and /declines/codes. Type card_error, status 402, is business as a whole.
STRIPE: Final = _table(
    B="card_declined expired_card incorrect_cvc incorrect_number insufficient_funds authentication_required "
    "balance_insufficient charge_already_refunded charge_already_captured charge_disputed card_decline_rate_limit_exceeded "
    "amount_too_large charge_exceeds_source_limit charge_expired_for_capture coupon_expired payment_intent_unexpected_state "
    "processing_error do_not_honor lost_card stolen_card generic_decline card_velocity_exceeded fraudulent "
    "invoice_not_editable invoice_no_customer_line_items customer_max_payment_methods payouts_not_allowed "
    "debit_not_authorized payment_method_customer_decline",
    D="resource_missing parameter_invalid_empty parameter_invalid_integer parameter_invalid_string_empty "
    "parameter_missing parameter_unknown parameter_invalid amount_too_small email_invalid postal_code_invalid "
    "tax_id_invalid invalid_number url_invalid invalid_expiry_month invalid_expiry_year country_unsupported "
    "currency_not_supported account_number_invalid bank_account_unusable routing_number_invalid",
    I="rate_limit lock_timeout api_key_expired secret_key_required platform_api_key_expired account_invalid "
    "livemode_mismatch testmode_charges_only tls_version_unsupported idempotency_key_in_use",
)

# Salesforce SOAP and REST API, StatusCode and ExceptionCode. A validation rule of the CRM is a business rule.
SALESFORCE: Final = _table(
    B="FIELD_CUSTOM_VALIDATION_EXCEPTION ENTITY_IS_LOCKED ALREADY_IN_PROCESS MANAGER_NOT_DEFINED "
    "NO_APPLICABLE_PROCESS",
    D="REQUIRED_FIELD_MISSING NOT_FOUND DUPLICATE_VALUE DUPLICATES_DETECTED STRING_TOO_LONG MALFORMED_ID "
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_FIELD_FOR_INSERT_UPDATE INVALID_CROSS_REFERENCE_KEY "
    "INVALID_EMAIL_ADDRESS NUMBER_OUTSIDE_VALID_RANGE ENTITY_IS_DELETED JSON_PARSER_ERROR INVALID_TYPE_ON_FIELD_IN_RECORD "
    "DELETE_FAILED FIELD_INTEGRITY_EXCEPTION",
    I="INVALID_SESSION_ID INVALID_LOGIN REQUEST_LIMIT_EXCEEDED UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE UNKNOWN_EXCEPTION "
    "INSUFFICIENT_ACCESS INSUFFICIENT_ACCESS_OR_READONLY API_DISABLED_FOR_ORG STORAGE_LIMIT_EXCEEDED QUERY_TIMEOUT "
    "API_CURRENTLY_DISABLED INVALID_FIELD INVALID_TYPE",
)

# twilio.com/docs/api/errors.
TWILIO: Final = _table(
    B="21610 21614 30004", D="21211 21212 21408 21602 21617 30005 30006", I="20003 20404 20429 20500"
)

# MongoDB server, src/mongo/base/error_codes.yml.
MONGO: Final = _table(
    D="11000 11001 2 9 14 121 10334 17280 17419 28",
    I="6 7 11 13 18 26 43 46 50 59 63 67 68 73 85 86 89 91 112 133 150 189 202 216 244 246 251 262 317 9001 10058 10107 "
    "11600 11602 13388 13435 13436 8000",
)

# errno(3), Linux numbers; names where another system numbers them otherwise.
ERRNO: Final = {
    number: found
    for found, numbers in {
        D: (2, 17, 20, 21, 33, 34, 36, 39, 61, 84),
        I: (1, 4, 5, 6, 11, 12, 13, 16, 18, 19, 23, 24, 26, 27, 28, 30, 31, 32, 35, 37, 40, 98, 99, 100, 101, 102, 103, 104,
            105, 107, 108, 110, 111, 112, 113, 115, 116, 121, 122, 125, 10048, 10051, 10053, 10054, 10060, 10061, 10065,
            -2, -3, -4, -5, -6, -7, -8, -10, -11),
        U: (9, 22, 88),
    }.items()
    for number in numbers
}  # fmt: skip
"""Negative ones are of getaddrinfo(3)."""

# librdkafka rdkafka.h and the Kafka protocol's error codes, by name.
KAFKA: Final = _table(
    D="_VALUE_DESERIALIZATION _KEY_DESERIALIZATION _VALUE_SERIALIZATION _KEY_SERIALIZATION _BAD_MSG _BAD_COMPRESSION "
    "MSG_SIZE_TOO_LARGE INVALID_MSG INVALID_RECORD RECORD_LIST_TOO_LARGE INVALID_TIMESTAMP INVALID_MSG_SIZE",
)
"""All others are infrastructure: brokers, topics, groups, access."""

# sysexits.h, and what shells and timeout(1) use. 127 and 126: the program is not there or not executable.
EXIT: Final = {
    65: D,
    66: D,
    67: D,
    69: I,
    71: I,
    72: I,
    73: I,
    74: I,
    75: I,
    76: I,
    77: I,
    78: I,
    124: I,
    126: I,
    127: I,
}
