"""Files, processes and what the operating system refuses."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import multiprocessing
import concurrent.futures
import asyncio
import importlib

D, I = "data", "infrastructure"


def programs(w):
    f = w.folder
    (f / "in").mkdir(exist_ok=True)
    (f / "in" / "a.txt").write_text("a")
    yield "os/no_file", D, lambda: open(f / "orders-2026-11-29.csv")
    yield "os/folder", D, lambda: open(f / "in")
    yield "os/no_folder", D, lambda: os.listdir(f / "in" / "a.txt")
    yield "os/exists", D, lambda: os.mkdir(f / "in")
    yield "os/not_empty", D, lambda: os.rmdir(f / "in")
    yield "os/name_too_long", D, lambda: open(f / ("x" * 300), "w")
    yield "os/denied", I, lambda: _as_nobody(lambda: open("/etc/shadow"))
    yield (
        "os/read_only",
        I,
        lambda: open("/proc/version", "w") if os.getuid() else open("/sys/kernel/notes", "w"),
    )
    yield "os/no_space", I, lambda: open("/dev/full", "w", buffering=1).write("x\n")
    yield "os/too_many_open", I, lambda: _open_many(f)
    yield "os/loop", I, lambda: _loop(f)
    yield (
        "os/cross_device",
        I,
        lambda: (
            os.rename(f / "in" / "a.txt", "/dev/shm/a-of-the-automation.txt")
            if os.stat(f).st_dev != os.stat("/dev/shm").st_dev
            else os.rename("/dev/shm", "/tmp/shm2")
        ),
    )
    yield "os/file_too_large", I, lambda: _large(f)
    yield "os/bad_descriptor", "unknown", lambda: os.write(9999, b"x")
    yield "os/would_block", I, lambda: _block()
    yield "os/busy", I, lambda: os.rmdir("/proc")
    yield "os/memory", I, lambda: _memory()
    yield "os/nul", D, lambda: open("a\0b")
    yield "shutil/same_file", D, lambda: shutil.copy(f / "in" / "a.txt", f / "in" / "a.txt")
    yield "shutil/archive", D, lambda: shutil.unpack_archive(str(f / "in" / "a.txt"))
    yield (
        "shutil/exists",
        D,
        lambda: (
            shutil.copy(f / "in" / "a.txt", f / "a.txt"),
            shutil.move(str(f / "in" / "a.txt"), str(_busy(f))),
        ),
    )
    yield "subprocess/no_program", I, lambda: subprocess.run(["pdftotext-4"], check=True)
    yield "subprocess/not_executable", I, lambda: subprocess.run([str(f / "a.txt")])
    yield "subprocess/timeout", I, lambda: subprocess.run(["sleep", "5"], timeout=0.2)
    yield "subprocess/killed", I, lambda: subprocess.run(["sh", "-c", "kill -9 $$"], check=True)
    yield (
        "subprocess/not_found_code",
        I,
        lambda: subprocess.run("no-such-program 2>/dev/null", shell=True, check=True),
    )
    yield "subprocess/denied_code", I, lambda: subprocess.run(["sh", "-c", "exit 126"], check=True)
    yield "subprocess/temp_failure", I, lambda: subprocess.run(["sh", "-c", "exit 75"], check=True)
    yield "subprocess/data_code", D, lambda: subprocess.run(["sh", "-c", "exit 65"], check=True)
    yield "subprocess/one", "unknown", lambda: subprocess.run(["false"], check=True)
    yield "futures/broken_pool", I, lambda: _broken_pool()
    yield "futures/timeout", I, lambda: _future_timeout()
    yield "asyncio/timeout", I, lambda: asyncio.run(asyncio.wait_for(asyncio.sleep(5), 0.05))
    yield "asyncio/incomplete_read", I, lambda: asyncio.run(_incomplete(w))
    yield "importlib/no_module", I, lambda: importlib.import_module("cx_Oracle")
    yield "importlib/no_name", I, lambda: exec("from json import load_all")
    yield "os/environment", I, lambda: os.environ["ERP_PASSWORD"]
    yield "interrupt/keyboard", I, lambda: signal.raise_signal(signal.SIGINT)


def _as_nobody(act):
    os.seteuid(65534)
    try:
        act()
    finally:
        os.seteuid(0)


def _open_many(f):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    kept = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, hard))
    try:
        while True:
            kept.append(open(f / "in" / "a.txt"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in kept:
            one.close()


def _loop(f):
    (f / "loop").symlink_to(f / "loop")
    open(f / "loop")


def _large(f):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with open(f / "large", "wb", buffering=0) as out:
            out.write(b"x" * 900)
            out.write(b"x" * 900)
            out.write(b"x" * 900)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _block():
    one, _two = os.pipe()
    os.set_blocking(one, False)
    os.read(one, 1)


def _memory():
    return bytearray(1 << 60)


def _busy(f):
    (f / "out").mkdir(exist_ok=True)
    (f / "out" / "a.txt").write_text("x")
    return f / "out"


def _die():
    os._exit(1)


def _broken_pool():
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(_die).result(10)


def _future_timeout():
    concurrent.futures.Future().result(0.05)


async def _incomplete(w):
    reader, _ = await asyncio.open_connection("127.0.0.1", w.hangup)
    _.write(b"x")
    await reader.readexactly(10)
