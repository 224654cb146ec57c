"""AWS, Azure and Google clients: a local AWS, and servers that answer as theirs do."""

import json

import boto3
import botocore.exceptions
import google.api_core.exceptions as google_exceptions
import google.auth
from azure.identity import ClientSecretCredential
from azure.storage.blob import BlobClient
from botocore.config import Config
from google.api_core import retry as google_retry
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

B, D, I = "business", "data", "infrastructure"
FAST = Config(retries={"max_attempts": 0}, connect_timeout=0.3, read_timeout=0.3, signature_version=None)


def aws(w, name, url=None, **keys):
    given = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-central-1"} | keys
    return boto3.client(
        name,
        endpoint_url=url or w.moto(),
        config=Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=8 if url is None else 0.3),
        **given,
    )


def programs(w):
    def s3():
        client = aws(w, "s3")
        client.create_bucket(
            Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        ) if "orders" not in [b["Name"] for b in client.list_buckets()["Buckets"]] else None
        return client

    def table():
        client = aws(w, "dynamodb")
        if "orders" not in client.list_tables()["TableNames"]:
            client.create_table(
                TableName="orders",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
            client.put_item(TableName="orders", Item={"id": {"S": "SO-1"}})
        return client

    yield "botocore/no_key", D, lambda: s3().get_object(Bucket="orders", Key="in/2026-11-29.csv")
    yield "botocore/head_404", D, lambda: s3().head_object(Bucket="orders", Key="in/2026-11-29.csv")
    yield "botocore/no_bucket", I, lambda: s3().list_objects_v2(Bucket="missing")
    yield (
        "botocore/bucket_exists",
        I,
        lambda: (
            s3(),
            aws(w, "s3", region_name="us-west-2").create_bucket(
                Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
            ),
        ),
    )
    yield (
        "botocore/no_table",
        I,
        lambda: aws(w, "dynamodb").get_item(TableName="missing", Key={"id": {"S": "1"}}),
    )
    yield (
        "botocore/condition",
        D,
        lambda: table().put_item(
            TableName="orders", Item={"id": {"S": "SO-1"}}, ConditionExpression="attribute_not_exists(id)"
        ),
    )
    yield "botocore/item_invalid", D, lambda: table().put_item(TableName="orders", Item={"no": {"S": "SO-1"}})
    yield (
        "botocore/no_queue",
        I,
        lambda: aws(w, "sqs").send_message(QueueUrl=w.moto() + "/123456789012/missing", MessageBody="x"),
    )
    yield "botocore/no_secret", I, lambda: aws(w, "secretsmanager").get_secret_value(SecretId="erp")
    yield "botocore/no_function", I, lambda: aws(w, "lambda").invoke(FunctionName="price")
    yield (
        "botocore/params",
        D,
        lambda: aws(w, "dynamodb").put_item(TableName="orders", Item={"id": {"S": 12}}),
    )
    yield "botocore/missing_params", D, lambda: aws(w, "s3").get_object(Bucket="orders")
    yield "botocore/refused", I, lambda: aws(w, "s3", f"http://127.0.0.1:{w.refused}").list_buckets()
    yield "botocore/silent", I, lambda: aws(w, "s3", f"http://127.0.0.1:{w.silent}").list_buckets()
    yield "botocore/reset", I, lambda: aws(w, "s3", f"http://127.0.0.1:{w.hangup}").list_buckets()
    yield (
        "botocore/self_signed",
        I,
        lambda: aws(w, "s3", f"https://localhost:{w.https['own'][0]}").list_buckets(),
    )
    yield "botocore/no_credentials", I, lambda: _no_credentials(w)
    yield "botocore/no_region", I, lambda: boto3.client("sqs")
    yield "botocore/no_profile", I, lambda: boto3.Session(profile_name="shop")
    yield "botocore/no_service", I, lambda: boto3.client("s4", region_name="eu-central-1")
    for code, status, text, label in (
        ("AccessDenied", 403, "Access Denied", I),
        ("ExpiredToken", 400, "The provided token has expired.", I),
        ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.", I),
        (
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided.",
            I,
        ),
        ("SlowDown", 503, "Please reduce your request rate.", I),
        ("InternalError", 500, "We encountered an internal error. Please try again.", I),
        (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
            I,
        ),
        ("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size", D),
        ("MalformedXML", 400, "The XML you provided was not well-formed", D),
        ("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold", D),
        ("InvalidObjectState", 403, "The operation is not valid for the object's storage class", D),
    ):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
        yield (
            f"botocore/s3_{code}",
            label,
            lambda s=status, b=body: aws(
                w, "s3", w.always(status=s, body=b, type="application/xml")
            ).get_object(Bucket="orders", Key="k"),
        )
    for code, text, label in (
        (
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
            I,
        ),
        ("ThrottlingException", "Rate of requests exceeds the allowed throughput.", I),
        ("UnrecognizedClientException", "The security token included in the request is invalid.", I),
        ("ValidationException", "Item size has exceeded the maximum allowed size", D),
        ("TransactionConflictException", "Transaction is ongoing for the item", I),
        ("ItemCollectionSizeLimitExceededException", "Collection size exceeded.", D),
        ("RequestLimitExceeded", "Throughput exceeds the current throughput limit for your account.", I),
        ("KMSAccessDeniedException", "The ciphertext refers to a key that you may not use.", I),
        ("LimitExceededException", "Too many operations for a given subscriber.", I),
        ("ServiceUnavailable", "Service is unavailable. Please retry.", I),
    ):
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": text})
        yield (
            f"botocore/dynamodb_{code}",
            label,
            lambda b=body: aws(
                w, "dynamodb", w.always(status=400, body=b, type="application/x-amz-json-1.0")
            ).get_item(TableName="orders", Key={"id": {"S": "1"}}),
        )

    def blob(url, **more):
        return BlobClient(
            url,
            "orders",
            "in.csv",
            credential={"account_name": "shop", "account_key": "YWJj"},
            retry_total=0,
            connection_timeout=0.3,
            read_timeout=0.3,
            **more,
        )

    for code, status, text, label in (
        ("BlobNotFound", 404, "The specified blob does not exist.", D),
        ("ContainerNotFound", 404, "The specified container does not exist.", I),
        ("BlobAlreadyExists", 409, "The specified blob already exists.", D),
        ("AuthenticationFailed", 403, "Server failed to authenticate the request.", I),
        ("AuthorizationFailure", 403, "This request is not authorized to perform this operation.", I),
        ("ServerBusy", 503, "The server is busy.", I),
        (
            "LeaseIdMissing",
            412,
            "There is currently a lease on the blob and no lease ID was specified in the request.",
            D,
        ),
        ("InternalError", 500, "Server encountered an internal error. Please try again after some time.", I),
        ("InvalidBlobOrBlock", 400, "The specified blob or block content is invalid.", D),
        ("ConditionNotMet", 412, "The condition specified using HTTP conditional header(s) is not met.", D),
        ("AccountIsDisabled", 403, "The specified account is disabled.", I),
    ):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{text}</Message></Error>"
        yield (
            f"azure/{code}",
            label,
            lambda s=status, b=body, c=code: blob(
                w.always(status=s, body=b, type="application/xml", headers=f"x-ms-error-code:{c}")
            ).download_blob(),
        )
    yield "azure/refused", I, lambda: blob(f"http://127.0.0.1:{w.refused}").download_blob()
    yield "azure/silent", I, lambda: blob(f"http://127.0.0.1:{w.silent}").download_blob()
    yield "azure/hangup", I, lambda: blob(f"http://127.0.0.1:{w.hangup}").download_blob()
    yield (
        "azure/identity",
        I,
        lambda: ClientSecretCredential(
            "t",
            "c",
            "s",
            authority=f"https://localhost:{w.https['own'][0]}",
            disable_instance_discovery=True,
            retry_total=0,
        ).get_token("https://vault.azure.net/.default"),
    )

    def bucket(url):
        client = storage.Client(
            "shop", credentials=AnonymousCredentials(), client_options={"api_endpoint": url}
        )
        return client.get_bucket("orders", retry=None, timeout=0.4)

    for status, reason, text, label in (
        (400, "invalid", "Invalid argument.", D),
        (401, "required", "Anonymous caller does not have storage.buckets.get access.", I),
        (403, "forbidden", "The caller does not have permission", I),
        (404, "notFound", "The specified bucket does not exist.", D),
        (409, "conflict", "The object was changed during the operation.", D),
        (412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.", D),
        (429, "rateLimitExceeded", "The rate of requests is too high.", I),
        (500, "backendError", "Backend Error", I),
        (503, "backendError", "Service Unavailable", I),
        (403, "quotaExceeded", "Quota exceeded for quota metric", I),
    ):
        body = json.dumps(
            {
                "error": {
                    "code": status,
                    "message": text,
                    "errors": [{"reason": reason, "message": text, "domain": "global"}],
                }
            }
        )
        yield f"google/{status}_{reason}", label, lambda s=status, b=body: bucket(w.always(status=s, body=b))
    yield "google/refused", I, lambda: bucket(f"http://127.0.0.1:{w.refused}")
    yield "google/silent", I, lambda: bucket(f"http://127.0.0.1:{w.silent}")
    yield "google/retry_deadline", I, lambda: google_retry.Retry(timeout=0.3, initial=0.05)(_unavailable)()
    yield "google/no_credentials", I, lambda: _no_google()
    yield "google/bad_key_file", I, lambda: _key_file(w)
    yield "google/refresh", I, lambda: _refresh(w)


def _unavailable():
    raise google_exceptions.ServiceUnavailable("The service is currently unavailable.")


def _no_credentials(w):
    import os

    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    boto3.client("s3", endpoint_url=w.moto(), region_name="eu-central-1").list_buckets()


def _no_google():
    import os

    os.environ["NO_GCE_CHECK"] = "true"
    google.auth.default()


def _key_file(w):
    from google.oauth2 import service_account

    path = w.folder / "key.json"
    path.write_text(json.dumps({"type": "service_account"}))
    service_account.Credentials.from_service_account_file(str(path))


def _refresh(w):
    from google.auth.transport.requests import Request
    from google.oauth2.credentials import Credentials

    url = w.always(
        status=400,
        body=json.dumps(
            {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        ),
    )
    Credentials(None, refresh_token="r", token_uri=url, client_id="c", client_secret="s").refresh(Request())
