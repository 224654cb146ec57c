"""Tables of the fingerprint: words that show what distinguishes causes, and the letters of words."""

from __future__ import annotations

from typing import Final

FILLERS: Final = frozenset("is was of with a an the from for at non zero name named called".split())
CODED: Final = frozenset(
    "status code errno winerror error exit exited rc returncode signal sqlstate http statuscode errorcode"
    " exitcode sqlcode retcode".split()
)
"""Words before a number that distinguishes causes."""
ANSWERED: Final = frozenset("returned answered got response received replied responded".split())
NOT_CODED: Final = frozenset(
    "zip postal post promo coupon discount voucher product country verification security tracking bar qr"
    " order item booking reference".split()
)
FOLLOWED: Final = frozenset(
    "client server not bad internal service unauthorized forbidden gateway too conflict gone unprocessable"
    " method request payment precondition".split()
)
"""Words after a status of HTTP."""
NAMING: Final = frozenset(
    "key keys table relation column field attribute module host hostname server broker constraint index"
    " schema database db function method parameter argument variable property option setting queue topic"
    " bucket"
    " type class section role operator dependency extension sequence view driver command zone region channel"
    " endpoint service collection keyspace partition package library plugin"
    " feature".split()
)
"""Words before, or right after, a name that distinguishes causes."""
UNITS: Final = frozenset(
    "b kb mb gb tb kib mib gib byte bytes ns us ms s sec secs second seconds min mins minute minutes h hour"
    " hours day days".split()
)
"""What a number counts is as much a value as the number: one message says 900 ms, another 2 s."""
TELLING_KEYS: Final = frozenset(
    "host hostname server table column type code status errno error reason method exit port state schema"
    " database constraint field sqlstate service".split()
)
KEYED: Final = frozenset(
    "KeyError AttributeError TypeError NameError UnboundLocalError ModuleNotFoundError ImportError"
    " UndefinedError NoSectionError NoOptionError ReferenceError ColumnNotFoundError".split()
)
"""Types of errors whose quoted value is the name that is missing."""

OF_CODE: Final = frozenset(
    "KeyError IndexError TypeError AttributeError ValueError AssertionError ZeroDivisionError NameError"
    " UnboundLocalError RecursionError NotImplementedError StopIteration NullPointerException"
    " NullReferenceException ClassCastException InvalidCastException IndexOutOfRangeException"
    " IndexOutOfBoundsException ArrayIndexOutOfBoundsException IllegalStateException IllegalArgumentException"
    " ReferenceError RangeError ArithmeticException NumberFormatException FormatException".split()
)
READING: Final = ("DecodeError", "ParseError", "ParserError", "SyntaxError", "ParserException")
"""Ends of types that say what is wrong with a text, and nothing of where it came from."""

_COMMON_PAIRS: Final = {
    "a": "bcdfgiklmnprstuvwxy", "b": "aceijlorsuy", "c": "acdehiklmorstuy", "d": "abdefilnorstu",
    "e": "abcdefgilmnopqrstvwxy", "f": "adefilorstu", "g": "aeghilnorsu", "h": "aeiort",
    "i": "abcdefglmnoprstvxz", "j": "eu", "k": "aeis", "l": "acdeilnopstuy", "m": "abdeilmopsu",
    "n": "acdefgiklnopstuv", "o": "abcdfgiklmnoprstuvw", "p": "adehiloprstuy", "q": "u",
    "r": "acdefgiklmnoprstuvy", "s": "acdefhiklmnoprstuwy", "t": "acdefhilmnoprstuwy",
    "u": "abcdefgilmnoprst", "v": "aeio", "w": "aehinors", "x": "ceipt", "y": "lmnpst", "z": "e",
}  # fmt: skip
"""The 300 most common pairs of letters in 10,000 words of documentation and code."""
PAIRS: Final = frozenset(a + b for a, followers in _COMMON_PAIRS.items() for b in followers)

TERMS: Final = frozenset(
    "utf8 utf-8 utf16 utf-16 latin1 iso8859 cp1252 sha1 sha256 sha512 md5 base64 base32 x509 s3 ec2 k8s ipv4"
    " ipv6 oauth2 http2 h2 int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 i18n p12"
    " pkcs12 tls1 log4j db2 pop3 imap4 win32 rs256 es256 hs256 crc32 oauth1 x86 python3 e11000 neo4j mp3 mp4"
    " h264 pg8000 v1 v2 v3 v4".split()
)
"""Words with digits in them that are the name of a thing."""
