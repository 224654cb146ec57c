"""psycopg and psycopg2 against a real PostgreSQL."""

import psycopg
import psycopg2

B, D, I = "business", "data", "infrastructure"
SCHEMA = """
create table if not exists customer (id int primary key, name varchar(10) not null, credit numeric(6, 2) check (credit >= 0), born date);
create table if not exists orders (id text primary key, customer int not null references customer, during int4range, exclude using gist (during with &&));
create or replace function over_limit() returns trigger language plpgsql as $$
begin raise exception 'Customer % is over the credit limit by 2208 EUR', new.id; end $$;
create or replace function closed() returns void language plpgsql as $$
begin raise exception 'Accounting period 2026-10 is closed' using errcode = 'P0001'; end $$;
create or replace function own_code() returns void language plpgsql as $$
begin raise exception 'Order must be approved by a second person' using errcode = 'SHOP1'; end $$;
create table if not exists credit (id int);
drop trigger if exists t on credit;
create trigger t before insert on credit for each row execute function over_limit();
do $$ begin create role report login password 'right'; exception when duplicate_object then null; end $$;
insert into customer values (1, 'Anna', 10, null) on conflict do nothing;
"""
STATEMENTS = (
    ("unique", D, "insert into customer values (1, 'Ben', 1)"),
    ("not_null", D, "insert into customer values (2, null, 1)"),
    ("check", D, "insert into customer values (3, 'Cy', -5)"),
    ("foreign_key", D, "insert into orders values ('SO-1', 99)"),
    ("exclusion", D, "insert into orders values ('a', 1, '[1,5)'), ('b', 1, '[3,9)')"),
    ("too_long", D, "insert into customer values (4, 'a name that is too long', 1)"),
    ("no_number", D, "select 'n/a'::int"),
    ("no_date", D, "select '2026-02-30'::date"),
    ("no_date_form", D, "select '30/xx/2026'::date"),
    ("overflow", D, "insert into customer values (5, 'Dan', 1234567)"),
    ("int_range", D, "select 99999999999::int"),
    ("zero", D, "select 1/0"),
    ("json", D, "select '{bad'::json"),
    ("encoding", D, "select convert_from('\\xff'::bytea, 'UTF8')"),
    ("null_byte", D, "select chr(0)"),
    ("rule_trigger", B, "insert into credit values (5399)"),
    ("rule_raise", B, "select closed()"),
    ("rule_own_code", B, "select own_code()"),
    ("timeout", I, "set statement_timeout = 50; select pg_sleep(2)"),
    ("lock", I, "LOCK"),
    ("no_table", I, "select * from invoice"),
    ("no_column", I, "select colour from customer"),
    ("no_function", I, "select tax(1)"),
    ("syntax", I, "selct 1"),
    ("denied", I, "set role report; select * from customer"),
    ("readonly", I, "set transaction read only; delete from orders"),
    ("serialization", I, "SERIAL"),
    ("terminated", I, "select pg_terminate_backend(pg_backend_pid())"),
    ("cancelled", I, "select pg_cancel_backend(pg_backend_pid()), pg_sleep(1)"),
    ("no_database", I, "CONNECT dbname=missing"),
    ("password", I, "CONNECT password=wrong"),
    ("no_user", I, "CONNECT user=nobody2"),
    ("deadlock", I, "DEADLOCK"),
    ("aborted", "unknown", "ABORTED"),
    ("too_many", I, "MANY"),
    ("placeholder", "unknown", "PLACEHOLDER"),
)
TWO = {
    "unique",
    "rule_raise",
    "timeout",
    "no_number",
    "no_table",
    "terminated",
    "lock",
    "password",
    "check",
    "too_long",
}


def programs(w):
    first = True
    for name, label, sql in STATEMENTS:
        for module in (psycopg, psycopg2):
            if module is psycopg2 and name not in TWO:
                continue
            yield f"{module.__name__}/{name}", label, lambda m=module, q=sql: _run(w, m, q)
    for module in (psycopg, psycopg2):
        yield (
            f"{module.__name__}/refused",
            I,
            lambda m=module: m.connect(f"host=127.0.0.1 port={w.refused} user=u"),
        )
        yield (
            f"{module.__name__}/unknown_host",
            I,
            lambda m=module: m.connect("host=db.invalid user=u connect_timeout=2"),
        )
        yield (
            f"{module.__name__}/no_postgres",
            I,
            lambda m=module: m.connect(
                f"host=127.0.0.1 port={w.garbage} user=u sslmode=disable connect_timeout=2"
            ),
        )
        yield f"{module.__name__}/dsn", I, lambda m=module: m.connect("host=db wrong=1")
    yield "psycopg/closed", "unknown", lambda: _closed(w)


def _run(w, module, sql):
    dsn = w.postgres()
    if not getattr(w, "_schema", False):
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(SCHEMA)
        w._schema = True
    if sql.startswith("CONNECT "):
        name, value = sql[8:].split("=")
        parts = dict(p.split("=") for p in dsn.split()) | {name: value}
        return module.connect(" ".join(f"{k}={v}" for k, v in parts.items()))
    if sql == "MANY":
        kept = []
        try:
            while len(kept) < 20:
                kept.append(module.connect(dsn))
        finally:
            for conn in kept:
                conn.close()
    conn = module.connect(dsn)
    other = None
    try:
        cur = conn.cursor()
        if sql == "LOCK":
            other = psycopg.connect(dsn)
            other.execute("lock table orders")
            sql = "set lock_timeout = 50; lock table orders"
        elif sql == "SERIAL":
            return _serial(dsn)
        elif sql == "DEADLOCK":
            return _deadlock(dsn)
        elif sql == "PLACEHOLDER":
            return cur.execute("select %s, %s", (1,))
        elif sql == "ABORTED":
            try:
                cur.execute("select 1/0")
            except Exception:
                pass
            sql = "select 1"
        cur.execute(sql)
        cur.fetchall()
        conn.commit()
    finally:
        conn.close()
        if other:
            other.close()


def _serial(dsn):
    with psycopg.connect(dsn) as one, psycopg.connect(dsn) as two:
        for conn in (one, two):
            conn.execute("set transaction isolation level serializable")
            conn.execute("select credit from customer where id = 1")
        one.execute("update customer set credit = 1 where id = 1")
        one.commit()
        two.execute("update customer set credit = 2 where id = 1")


def _deadlock(dsn):
    import threading

    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("insert into customer values (11, 'x', 1), (12, 'y', 1) on conflict do nothing")
    with psycopg.connect(dsn) as one, psycopg.connect(dsn) as two:
        one.execute("update customer set credit = 2 where id = 11")
        two.execute("update customer set credit = 2 where id = 12")
        failed = []

        def cross():
            try:
                one.execute("update customer set credit = 3 where id = 12")
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=cross)
        thread.start()
        try:
            two.execute("update customer set credit = 3 where id = 11")
        finally:
            thread.join()
            one.rollback()
        raise failed[0]


def _closed(w):
    conn = psycopg.connect(w.postgres())
    conn.close()
    conn.execute("select 1")
