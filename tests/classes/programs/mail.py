"""Mail and FTP: servers that answer with the codes of the RFCs."""

import ftplib
import imaplib
import poplib
import smtplib

from world import scripted

B, D, I = "business", "data", "infrastructure"
HELLO = {"EHLO": "250-mail\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000", "QUIT": "221 bye"}


def programs(w):
    def send(greeting="220 mail", login=False, size="x", **answers):
        port = scripted(HELLO | {"DATA": "354 go", "*": "250 OK"} | answers, greeting)
        with smtplib.SMTP("127.0.0.1", port, timeout=2) as smtp:
            if login:
                smtp.login("shop", "wrong")
            smtp.sendmail("shop@example.com", ["anna@example.org"], f"Subject: x\r\n\r\n{size}")

    yield "smtplib/refused", I, lambda: smtplib.SMTP("127.0.0.1", w.refused)
    yield "smtplib/silent", I, lambda: smtplib.SMTP("127.0.0.1", w.silent, timeout=0.2)
    yield "smtplib/hangup", I, lambda: smtplib.SMTP("127.0.0.1", w.hangup, timeout=1)
    yield "smtplib/not_ready", I, lambda: send("554 no SMTP service here")
    yield "smtplib/busy", I, lambda: send("421 too many connections, try again later")
    yield "smtplib/auth", I, lambda: send(login=True, AUTH="535 5.7.8 Authentication credentials invalid")
    yield (
        "smtplib/no_recipient",
        D,
        lambda: send(RCPT="550 5.1.1 <anna@example.org>: Recipient address rejected: User unknown"),
    )
    yield "smtplib/bad_recipient", D, lambda: send(RCPT="501 5.1.3 Bad recipient address syntax")
    yield (
        "smtplib/greylisted",
        I,
        lambda: send(RCPT="451 4.7.1 Greylisting in action, please come back later"),
    )
    yield "smtplib/relay", I, lambda: send(RCPT="554 5.7.1 <anna@example.org>: Relay access denied")
    yield (
        "smtplib/sender",
        I,
        lambda: send(MAIL="553 5.7.1 <shop@example.com>: Sender address rejected: not owned by user"),
    )
    yield (
        "smtplib/too_big",
        D,
        lambda: send(
            **{
                "X": "552 5.3.4 Message size exceeds fixed limit",
                ".": "552 5.3.4 Message size exceeds fixed limit",
                "DATA": "552 5.3.4 Message size exceeds fixed limit",
            }
        ),
    )
    yield "smtplib/disk", I, lambda: send(DATA="452 4.3.1 Insufficient system storage")
    yield "smtplib/helo", I, lambda: send(EHLO="500 what", HELO="501 no", login=True)
    yield (
        "smtplib/no_tls",
        I,
        lambda: smtplib.SMTP("127.0.0.1", scripted(HELLO, "220 mail"), timeout=2).starttls(),
    )
    yield (
        "smtplib/tls_plain",
        I,
        lambda: smtplib.SMTP_SSL("127.0.0.1", scripted(HELLO, "220 mail"), timeout=2),
    )
    yield "smtplib/lost", I, lambda: send(MAIL="HANG UP")

    def ftp(act, **answers):
        port = scripted(
            {
                "USER": "331 password",
                "PASS": "230 in",
                "TYPE": "200 ok",
                "PASV": "502 no",
                "QUIT": "221 bye",
                "*": "200 ok",
            }
            | answers,
            "220 files",
        )
        client = ftplib.FTP(timeout=2)
        client.connect("127.0.0.1", port)
        client.login("shop", "x")
        act(client)

    yield "ftplib/refused", I, lambda: ftplib.FTP().connect("127.0.0.1", w.refused)
    yield "ftplib/login", I, lambda: ftp(None, PASS="530 Login incorrect.")
    yield (
        "ftplib/no_file",
        D,
        lambda: ftp(lambda c: c.size("orders.csv"), SIZE="550 orders.csv: No such file or directory"),
    )
    yield "ftplib/no_folder", D, lambda: ftp(lambda c: c.cwd("in"), CWD="550 in: No such directory.")
    yield "ftplib/denied", I, lambda: ftp(lambda c: c.mkd("out"), MKD="550 Permission denied.")
    yield "ftplib/busy", I, lambda: ftp(lambda c: c.delete("a"), DELE="450 File busy")
    yield (
        "ftplib/shutting_down",
        I,
        lambda: ftp(lambda c: c.cwd("in"), CWD="421 Service not available, closing control connection."),
    )
    yield "ftplib/full", I, lambda: ftp(lambda c: c.sendcmd("STOR a"), STOR="552 Quota exceeded")
    yield (
        "ftplib/data_connection",
        I,
        lambda: ftp(lambda c: c.sendcmd("LIST"), LIST="425 Can't open data connection"),
    )
    yield "ftplib/hangup", I, lambda: ftp(lambda c: c.cwd("in"), CWD="HANG UP")
    yield "ftplib/no_ftp", I, lambda: ftplib.FTP().connect("127.0.0.1", w.garbage, 1)
    yield "imaplib/login", I, lambda: _imap()
    yield "imaplib/refused", I, lambda: imaplib.IMAP4("127.0.0.1", w.refused)
    yield "imaplib/hangup", I, lambda: imaplib.IMAP4("127.0.0.1", w.hangup, 1)
    yield "poplib/login", I, lambda: _pop()


def _imap():
    import socket
    import threading

    server = socket.create_server(("127.0.0.1", 0))

    def talk():
        conn, _ = server.accept()
        conn.sendall(b"* OK ready\r\n")
        for line in conn.makefile("rb"):
            tag, word = line.split()[:2]
            conn.sendall(
                b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n"
                if word == b"CAPABILITY"
                else tag + b" NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
            )

    threading.Thread(target=talk, daemon=True).start()
    imaplib.IMAP4("127.0.0.1", server.getsockname()[1]).login("shop", "x")


def _pop():
    client = poplib.POP3(
        "127.0.0.1",
        scripted({"USER": "+OK", "PASS": "-ERR [AUTH] invalid credentials"}, "+OK ready"),
        timeout=1,
    )
    client.user("shop")
    client.pass_("x")
