"""Run every program and record the exception that it raises: `python record.py OUTPUT [PREFIX]`.

Needs the packages of requirements.txt, PostgreSQL, Redis and openssl. The project's tests read the recording.
A program is `name, label, function`; the label was written by hand before the function ran:
who can do something about it. `business`: who decides about the order. `data`: who owns the record or the
file. `infrastructure`: who runs systems, networks, access and deployments. `unknown`: a fault of the script.
"""

import contextlib
import enum
import faulthandler
import hashlib
import importlib
import importlib.metadata
import io
import json
import logging
import re
import sys
import traceback
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
MODULES = (
    "web",
    "web_errors",
    "tables",
    "postgres",
    "cloud",
    "queues",
    "remote",
    "formats",
    "files",
    "services",
    "mail",
    "plain",
)
DEPTH = 3


def plain(value):
    """Return whether JSON can keep a value as it is."""
    return (
        value is None
        or isinstance(value, (bool, int, float))
        or (isinstance(value, str) and len(value) < 400)
    )


def kept(value):
    """Return what of an attribute the client can read without doing work: plain values, and one level of them."""
    if isinstance(value, enum.Enum):
        return {"enum": value.name, "value": value.value if plain(value.value) else None}
    if plain(value):
        return value
    if isinstance(value, dict):
        return {
            str(k): kept(v)
            for k, v in list(value.items())[:12]
            if k != "HTTPHeaders" and plain(v) or isinstance(v, dict)
        }
    if isinstance(value, (list, tuple)) and len(value) <= 6 and all(plain(v) for v in value):
        return list(value)
    return None


READ = (
    "errno",
    "winerror",
    "strerror",
    "filename",
    "code",
    "status",
    "status_code",
    "http_status",
    "sqlstate",
    "pgcode",
    "sqlite_errorcode",
    "sqlite_errorname",
    "error_code",
    "reason",
    "title",
    "verify_code",
    "smtp_code",
    "smtp_error",
    "retriable",
    "response",
    "args",
    "validator",
    "orig",
    "details",
    "grpc_status_code",
    "decline_code",
    "type",
    "error",
    "errors",
    "diag",
    "returncode",
)


def attributes(error):
    """Return what the exception carries."""
    found = {}
    for name in dict.fromkeys((*READ, *vars(error))):
        try:
            value = getattr(error, name)
        except Exception:
            continue
        if callable(value):
            if name in ("code", "details") and not isinstance(value, type):
                try:
                    result = kept(value())
                except Exception:
                    continue
                if result is not None:
                    found[name] = {"call": result}
            continue
        if name == "orig" and isinstance(value, BaseException):
            continue
        if name in ("response", "diag") and value is not None and not isinstance(value, dict):
            inner = {
                part: kept(getattr(value, part, None))
                for part in ("status_code", "status", "reason", "sqlstate")
            }
            value = {part: one for part, one in inner.items() if one is not None}
            found[name] = {"object": value}
            continue
        small = kept(value)
        if small not in (None, {}, []) and not name.startswith("__"):
            found[name] = small
    return found


def qualified(kind):
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def described(error, depth=0):
    """Return an exception as data."""
    made = {
        "type": qualified(type(error)),
        "bases": [
            qualified(base) for base in type(error).__mro__[1:-1] if base not in (Exception, BaseException)
        ],
        "message": str(error)[:1500],
        "attributes": attributes(error),
    }
    orig = getattr(error, "orig", None)
    if isinstance(orig, BaseException) and depth < DEPTH:
        made["orig"] = described(orig, depth + 1)
    inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if inner is not None and depth < DEPTH:
        made["cause" if error.__cause__ else "context"] = described(inner, depth + 1)
    return made


STARTS = (
    "order %s could not be processed",
    "sync of %s failed",
    "job %s aborted",
    "%s: giving up",
    "error while handling %s",
)
FORMS = ("exception", "message", "repr")


def logged(name, error):
    """Return what the three usual ways to log an exception write, and which of them this program uses."""
    number = int(hashlib.sha256(name.encode()).hexdigest(), 16)
    start, unit = STARTS[number % len(STARTS)], f"SO-{1000 + number % 9000}"
    texts = {}
    for form in FORMS:
        out = io.StringIO()
        handler = logging.StreamHandler(out)
        handler.setFormatter(
            Formatter("%(asctime)s,000 %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        )
        log = logging.Logger("shop.orders")
        log.addHandler(handler)
        if form == "exception":
            log.error(start, unit, exc_info=error)
        else:
            log.error(start + (": %s" if form == "message" else ": %r"), unit, error)
        texts[form] = cleaned(out.getvalue().rstrip("\n"))[:6000]
    return texts, FORMS[number // 7 % 3]


class Formatter(logging.Formatter):
    def formatException(self, info):
        return "".join(traceback.format_exception(*info, limit=-3)).rstrip("\n")


def cleaned(text):
    """Take out the places of this machine."""
    text = re.sub(r'File "[^"]*/site-packages/', 'File "/usr/lib/python3/site-packages/', text)
    text = re.sub(r'File "[^"]*/programs/', 'File "/srv/automation/', text)
    text = re.sub(r"/[^\s'\"()<>]*/lib/python3\.\d+/", "/usr/lib/python3/", text)
    text = re.sub(r"(?:/tmp|/dev/shm)/automation-\w+", "/srv/data", text)
    text = text.replace("/dev/shm", "/mnt/out")
    return re.sub(r"0x[0-9a-f]{9,}", "0x7f0000000000", text)


def clean(value):
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, list) else value


def provoke(function):
    """Return the exception of a program."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function()
    except BaseException as error:
        return error
    return None


def main(output, prefix=""):
    from world import World

    faulthandler.dump_traceback_later(500, exit=True)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL - 10)
    logging.getLogger().setLevel(100)
    world, lines, silent = World(), [], []
    try:
        for module in MODULES:
            if not (HERE / f"{module}.py").exists() or (
                prefix and not prefix.startswith(module) and not module.startswith(prefix)
            ):
                continue
            for name, label, function in importlib.import_module(module).programs(world):
                error = provoke(function)
                if error is None:
                    silent.append(name)
                    continue
                logging.disable(logging.NOTSET)
                texts, form = logged(name, error)
                logging.disable(logging.CRITICAL - 10)
                frames = [
                    f"{cleaned('File ' + chr(34) + f.filename)[6:]}:{f.name}"
                    for f in traceback.extract_tb(error.__traceback__)[-4:]
                ]
                lines.append(
                    {
                        "name": name,
                        "label": label,
                        "library": name.split("/")[0],
                        **clean(described(error)),
                        "frames": frames,
                        "log": texts,
                        "form": form,
                    }
                )
    finally:
        world.close()
    names = [line["name"] for line in lines]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    Path(output).write_text(
        "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
    )
    print(len(lines), "recorded; raised nothing:", silent)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    import os

    os._exit(0)
