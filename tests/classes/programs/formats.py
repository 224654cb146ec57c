"""Reading what came in: JSON, CSV, XML, numbers, dates, schemas, spreadsheets."""

import ast
import base64
import configparser
import csv
import datetime
import decimal
import fractions
import gzip
import io
import ipaddress
import json
import lzma
import pickle
import plistlib
import struct
import tarfile
import tomllib
import uuid
import xml.etree.ElementTree as ET
import zipfile
import zlib
import zoneinfo
from enum import Enum

import jsonschema
import lxml.etree
import marshmallow
import openpyxl
import pyarrow
import pyarrow.parquet
import pydantic
import xmlschema
import yaml

D, I = "data", "infrastructure"


class Order(pydantic.BaseModel):
    number: str
    quantity: int = pydantic.Field(gt=0)
    due: datetime.date | None = None


class OrderSchema(marshmallow.Schema):
    number = marshmallow.fields.Str(required=True)
    price = marshmallow.fields.Decimal()


class Country(Enum):
    DE = "DE"


XSD = '<x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:element name="q" type="x:int"/></x:schema>'


def programs(w):
    csv_text = "a,b\n1,2\n"
    for name, act in {
        "json/html": lambda: json.loads("<html>"),
        "json/cut": lambda: json.loads('{"order": "SO-1'),
        "json/empty": lambda: json.loads(""),
        "json/comma": lambda: json.loads('{"a": 1,}'),
        "json/extra": lambda: json.loads('{"a": 1}{"b": 2}'),
        "json/control": lambda: json.loads('"a\nb"'),
        "json/nan": lambda: json.dumps(float("nan"), allow_nan=False),
        "csv/nul": lambda: list(csv.reader(['a,"b'], strict=True)),
        "csv/field_size": lambda: list(csv.reader(["x" * 200_000])),
        "csv/missing_column": lambda: next(csv.DictReader(csv_text.splitlines()))["price"],
        "decimal/text": lambda: decimal.Decimal("12,50"),
        "decimal/zero": lambda: decimal.Decimal(1) / decimal.Decimal(0),
        "decimal/quantize": lambda: decimal.Decimal("1e30").quantize(decimal.Decimal("0.01")),
        "int/text": lambda: int("n/a"),
        "int/none": lambda: int(""),
        "float/text": lambda: float("1.234,50"),
        "fractions/text": lambda: fractions.Fraction("a/b"),
        "datetime/iso": lambda: datetime.date.fromisoformat("29.11.2026"),
        "datetime/day": lambda: datetime.date(2026, 2, 30),
        "datetime/format": lambda: datetime.datetime.strptime("2026-11-29", "%d.%m.%Y"),
        "datetime/rest": lambda: datetime.datetime.strptime("29.11.2026 10:00", "%d.%m.%Y"),
        "datetime/overflow": lambda: datetime.datetime.fromtimestamp(10**15),
        "zoneinfo/unknown": lambda: zoneinfo.ZoneInfo("Europe/Berln"),
        "uuid/text": lambda: uuid.UUID("SO-1042"),
        "enum/value": lambda: Country("XX"),
        "ipaddress/text": lambda: ipaddress.ip_address("10.0.0.300"),
        "base64/padding": lambda: base64.b64decode("abc"),
        "binascii/hex": lambda: bytes.fromhex("zz"),
        "unicode/utf8": lambda: b"Gr\xfc\xdfe".decode("utf-8"),
        "unicode/ascii": lambda: "Grüße".encode("ascii"),
        "unicode/latin1": lambda: "€".encode("latin-1"),
        "xml/mismatch": lambda: ET.fromstring("<a><b></a>"),
        "xml/empty": lambda: ET.fromstring(""),
        "xml/entity": lambda: ET.fromstring("<a>&nbsp;</a>"),
        "lxml/syntax": lambda: lxml.etree.fromstring("<a><b></a>"),
        "lxml/schema": lambda: lxml.etree.XMLSchema(lxml.etree.fromstring(XSD)).assertValid(
            lxml.etree.fromstring("<q>x</q>")
        ),
        "xmlschema/value": lambda: xmlschema.XMLSchema(XSD).validate("<q>x</q>"),
        "yaml/tab": lambda: yaml.safe_load("a:\n\t- b"),
        "yaml/mapping": lambda: yaml.safe_load("a: b: c"),
        "yaml/tag": lambda: yaml.safe_load("!!python/object:os.x {}"),
        "toml/value": lambda: tomllib.loads("a = "),
        "configparser/header": lambda: _config("a = 1"),
        "plistlib/text": lambda: plistlib.loads(b"abc"),
        "struct/short": lambda: struct.unpack("<I", b"ab"),
        "pickle/text": lambda: pickle.loads(b"hello"),
        "zlib/text": lambda: zlib.decompress(b"abc"),
        "gzip/text": lambda: gzip.decompress(b"plain text"),
        "gzip/cut": lambda: gzip.decompress(gzip.compress(b"x" * 999)[:20]),
        "lzma/text": lambda: lzma.decompress(b"abc"),
        "zipfile/text": lambda: zipfile.ZipFile(io.BytesIO(b"abc")),
        "zipfile/no_member": lambda: _zip().read("orders.csv"),
        "tarfile/text": lambda: tarfile.open(fileobj=io.BytesIO(b"abc")),
        "pydantic/missing": lambda: Order(quantity=1),
        "pydantic/type": lambda: Order(number="1", quantity="many"),
        "pydantic/range": lambda: Order(number="1", quantity=0),
        "pydantic/json": lambda: Order.model_validate_json("{"),
        "pydantic/date": lambda: Order(number="1", quantity=1, due="2026-02-30"),
        "jsonschema/required": lambda: jsonschema.validate({}, {"required": ["number"]}),
        "jsonschema/type": lambda: jsonschema.validate(
            {"q": "x"}, {"properties": {"q": {"type": "integer"}}}
        ),
        "jsonschema/enum": lambda: jsonschema.validate("XX", {"enum": ["DE", "AT"]}),
        "jsonschema/pattern": lambda: jsonschema.validate("a", {"pattern": "^SO-"}),
        "marshmallow/required": lambda: OrderSchema().load({}),
        "marshmallow/unknown": lambda: OrderSchema().load({"number": "1", "x": 1}),
        "openpyxl/no_xlsx": lambda: openpyxl.load_workbook(_file(w, "orders.xlsx", b"abc")),
        "openpyxl/old": lambda: openpyxl.load_workbook(_file(w, "orders.xls", b"abc")),
        "openpyxl/no_sheet": lambda: openpyxl.Workbook()["Prices"],
        "pyarrow/text": lambda: pyarrow.array([1, "a"]),
        "pyarrow/cast": lambda: pyarrow.array(["n/a"]).cast("int64"),
        "pyarrow/no_parquet": lambda: pyarrow.parquet.read_table(_file(w, "orders.parquet", b"not parquet")),
        "email/address": lambda: _address(),
        "ast/literal": lambda: ast.literal_eval("{'a': "),
        "dict/key": lambda: {"number": 1}["sku"],
        "list/index": lambda: "SO".split("-")[1],
        "unpack/few": lambda: _unpack("SO"),
        "locale/int": lambda: int("1 000"),
    }.items():
        yield name, D, act
    yield "jsonschema/bad_schema", I, lambda: jsonschema.Draft202012Validator.check_schema({"type": "strin"})
    yield "json/not_serializable", "unknown", lambda: json.dumps({"at": datetime.datetime.now()})
    yield "lxml/xpath", "unknown", lambda: lxml.etree.fromstring("<a/>").xpath("//n:b")
    yield "configparser/no_option", I, lambda: _option()


def _unpack(text):
    series, number = text.split("-")


def _config(text):
    configparser.ConfigParser().read_string(text)


def _option():
    parser = configparser.ConfigParser()
    parser.read_string("[erp]\nurl = x\n")
    return parser.get("erp", "password")


def _zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", "x")
    return zipfile.ZipFile(out)


def _file(w, name, raw):
    path = w.folder / name
    path.write_bytes(raw)
    return str(path)


def _address():
    from email.headerregistry import Address

    return Address(addr_spec="anna at example.com")
