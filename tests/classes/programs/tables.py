"""SQLite, SQLAlchemy, PyMySQL, DuckDB, pandas and MongoDB: real statements, and real error packets."""

import os
import sqlite3

import bson
import duckdb
import pandas
import pymongo
import pymongo.errors
import pymysql
import sqlalchemy
from pymongo.helpers_shared import _check_command_response
from sqlalchemy import orm

B, D, I = "business", "data", "infrastructure"
SCHEMA = """
create table customer (id integer primary key, name text not null, credit numeric check (credit >= 0));
create table "order" (id text primary key, customer integer not null references customer (id), total numeric, state text);
create trigger over_limit before insert on "order" when new.total > 1000
begin select raise(abort, 'credit limit of the customer is exceeded'); end;
create trigger closed before update on "order" when old.state = 'invoiced'
begin select raise(abort, 'order is already invoiced'); end;
insert into customer values (1, 'Anna', 10);
insert into "order" values ('SO-1', 1, 10, 'invoiced');
"""


def programs(w):
    path = str(w.folder / "shop.db")

    def db():
        if not os.path.exists(path):
            sqlite3.connect(path).executescript(SCHEMA)
        conn = sqlite3.connect(path, timeout=0.1, isolation_level=None)
        conn.execute("pragma foreign_keys = on")
        return conn

    def run(sql, *args):
        return db().execute(sql, args)

    yield "sqlite3/unique", D, lambda: run("insert into customer values (1, 'Ben', 1)")
    yield "sqlite3/not_null", D, lambda: run("insert into customer values (2, null, 1)")
    yield "sqlite3/check", D, lambda: run("insert into customer values (3, 'Cy', -1)")
    yield "sqlite3/foreign_key", D, lambda: run("insert into \"order\" values ('SO-2', 99, 1, 'new')")
    yield "sqlite3/rule_over_limit", B, lambda: run("insert into \"order\" values ('SO-3', 1, 5000, 'new')")
    yield "sqlite3/rule_invoiced", B, lambda: run('update "order" set total = 1')
    yield "sqlite3/locked", I, lambda: _locked(db)
    yield "sqlite3/no_table", I, lambda: run("select * from invoice")
    yield "sqlite3/no_column", I, lambda: run("select colour from customer")
    yield "sqlite3/syntax", I, lambda: run("selct 1")
    yield "sqlite3/no_folder", I, lambda: sqlite3.connect("/srv/missing/shop.db").execute("select 1")
    yield (
        "sqlite3/readonly",
        I,
        lambda: sqlite3.connect(f"file:{_existing(db, path)}?mode=ro", uri=True).execute(
            "delete from customer"
        ),
    )
    yield "sqlite3/no_database", I, lambda: _not_a_db(w)
    yield "sqlite3/corrupt", I, lambda: _corrupt(w)
    yield "sqlite3/too_big", D, lambda: _too_big(db())
    yield "sqlite3/full", I, lambda: _full(w)
    yield "sqlite3/bindings", "unknown", lambda: run("select ?, ?", 1)
    yield "sqlite3/closed", "unknown", lambda: _closed(db())
    yield "sqlite3/interrupted", I, lambda: _interrupted(db())

    engine = sqlalchemy.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0.1})

    def alchemy(sql, **args):
        db()
        with engine.begin() as conn:
            return conn.execute(sqlalchemy.text(sql), args)

    yield "sqlalchemy/unique", D, lambda: alchemy("insert into customer values (1, 'Ben', 1)")
    yield "sqlalchemy/not_null", D, lambda: alchemy("insert into customer (id) values (7)")
    yield "sqlalchemy/locked", I, lambda: _locked(db, lambda: alchemy("update customer set name = 'x'"))
    yield "sqlalchemy/no_table", I, lambda: alchemy("select * from invoice")
    yield "sqlalchemy/rule", B, lambda: alchemy("insert into \"order\" values ('SO-3', 1, 5000, 'new')")
    yield "sqlalchemy/no_row", D, lambda: alchemy("select * from customer where id = 5").one()
    yield "sqlalchemy/many_rows", D, lambda: alchemy("select 1 union select 2").one()
    yield "sqlalchemy/parameter", "unknown", lambda: alchemy("select :a")
    yield (
        "sqlalchemy/refused",
        I,
        lambda: sqlalchemy.create_engine(f"postgresql+psycopg://u:p@127.0.0.1:{w.refused}/x").connect(),
    )
    yield "sqlalchemy/pool", I, lambda: _pool(path)
    yield "sqlalchemy/stale", I, lambda: _stale(engine, db)
    yield "sqlalchemy/no_driver", I, lambda: sqlalchemy.create_engine("oracle+cx_oracle://u@h/x")
    yield "sqlalchemy/no_dialect", I, lambda: sqlalchemy.create_engine("ingres://u@h/x")
    yield (
        "sqlalchemy/mysql_refused",
        I,
        lambda: sqlalchemy.create_engine(f"mysql+pymysql://u:p@127.0.0.1:{w.refused}/x").connect(),
    )
    yield "sqlalchemy/no_such_column", I, lambda: alchemy("select colour from customer")

    # The library's own parsing of the server's error packets.
    for number, state, text, label in (
        (1045, "28000", "Access denied for user 'shop'@'10.0.0.7' (using password: YES)", I),
        (1062, "23000", "Duplicate entry 'SO-1042' for key 'orders.PRIMARY'", D),
        (1048, "23000", "Column 'country' cannot be null", D),
        (1406, "22001", "Data too long for column 'street' at row 1", D),
        (1292, "22007", "Incorrect datetime value: '2026-02-30' for column 'due' at row 1", D),
        (1264, "22003", "Out of range value for column 'quantity' at row 1", D),
        (1366, "HY000", "Incorrect decimal value: 'n/a' for column 'price' at row 1", D),
        (
            1452,
            "23000",
            "Cannot add or update a child row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `fk_customer`)",
            D,
        ),
        (1205, "HY000", "Lock wait timeout exceeded; try restarting transaction", I),
        (1213, "40001", "Deadlock found when trying to get lock; try restarting transaction", I),
        (1040, "08004", "Too many connections", I),
        (1146, "42S02", "Table 'shop.invoices' doesn't exist", I),
        (1054, "42S22", "Unknown column 'colour' in 'field list'", I),
        (1064, "42000", "You have an error in your SQL syntax; check the manual", I),
        (1114, "HY000", "The table 'orders' is full", I),
        (
            1290,
            "HY000",
            "The MySQL server is running with the --read-only option so it cannot execute this statement",
            I,
        ),
        (1644, "45000", "Order exceeds the credit limit of customer 5399", B),
        (3819, "HY000", "Check constraint 'quantity_positive' is violated.", D),
        (1142, "42000", "INSERT command denied to user 'report'@'%' for table 'orders'", I),
    ):
        yield f"pymysql/{number}", label, lambda n=number, s=state, t=text: _mysql(n, s, t)
    yield "pymysql/refused", I, lambda: pymysql.connect(host="127.0.0.1", port=w.refused, user="u")
    yield (
        "pymysql/lost",
        I,
        lambda: pymysql.connect(host="127.0.0.1", port=w.hangup, user="u", connect_timeout=1, read_timeout=1),
    )

    yield "duckdb/no_table", I, lambda: duckdb.sql("select * from invoice")
    yield "duckdb/conversion", D, lambda: duckdb.sql("select 'n/a'::integer").fetchall()
    yield (
        "duckdb/constraint",
        D,
        lambda: duckdb.connect().execute("create table t (i int primary key); insert into t values (1), (1)"),
    )
    yield (
        "duckdb/csv",
        D,
        lambda: duckdb.sql(
            f"select * from read_csv('{_csv(w)}', columns={{'id': 'int', 'price': 'decimal(8,2)'}}, header=true)"
        ).fetchall(),
    )
    yield "duckdb/no_file", D, lambda: duckdb.sql("select * from 'orders-2026-11-29.parquet'")
    yield "pandas/no_column", D, lambda: pandas.DataFrame({"a": [1]})["price"]
    yield "pandas/ragged", D, lambda: pandas.read_csv(_ragged(w))
    yield "pandas/empty", D, lambda: pandas.read_csv(_empty(w))
    yield "pandas/number", D, lambda: pandas.to_numeric(pandas.Series(["1", "n/a"]))
    yield "pandas/date", D, lambda: pandas.to_datetime("30.02.2026", format="%d.%m.%Y")
    yield "pandas/bounds", D, lambda: pandas.Timestamp("99999-01-01")
    yield (
        "pandas/merge",
        D,
        lambda: pandas.DataFrame({"a": [1, 1]}).merge(
            pandas.DataFrame({"a": [1, 1]}), on="a", validate="1:1"
        ),
    )
    yield "pandas/no_file", D, lambda: pandas.read_csv("/srv/in/orders.csv")
    yield "pandas/cast", D, lambda: pandas.Series([1.5, None]).astype("int64")

    yield (
        "pymongo/refused",
        I,
        lambda: pymongo.MongoClient(
            "127.0.0.1", w.refused, serverSelectionTimeoutMS=300
        ).shop.orders.find_one(),
    )
    yield "pymongo/uri", I, lambda: pymongo.MongoClient("mongo://shop")
    for code, name, text, label in (
        (
            11000,
            "DuplicateKey",
            'E11000 duplicate key error collection: shop.orders index: number_1 dup key: { number: "SO-1042" }',
            D,
        ),
        (18, "AuthenticationFailed", "Authentication failed.", I),
        (13, "Unauthorized", "not authorized on shop to execute command", I),
        (50, "MaxTimeMSExpired", "operation exceeded time limit", I),
        (121, "DocumentValidationFailure", "Document failed validation", D),
        (10107, "NotWritablePrimary", "not primary", I),
        (
            112,
            "WriteConflict",
            "WriteConflict error: this operation conflicted with another operation. Please retry your operation",
            I,
        ),
    ):
        yield (
            f"pymongo/{name}",
            label,
            lambda c=code, n=name, t=text: _check_command_response(
                {"ok": 0, "code": c, "codeName": n, "errmsg": t}, None
            ),
        )
    yield "pymongo/decimal", D, lambda: bson.decode(b"\x05\x00\x00")


def _mysql(number, state, text):
    from pymysql.err import raise_mysql_exception

    raise_mysql_exception(b"\xff" + number.to_bytes(2, "little") + b"#" + state.encode() + text.encode())


def _existing(db, path):
    db().close()
    return path


def _locked(db, act=None):
    holder = db()
    holder.execute("begin exclusive")
    try:
        (act or (lambda: db().execute("update customer set name = 'x'")))()
    finally:
        holder.rollback()
        holder.close()


def _not_a_db(w):
    path = w.folder / "export.db"
    path.write_text("id;name\n" * 500)
    sqlite3.connect(path).execute("select * from sqlite_master")


def _corrupt(w):
    path = w.folder / "broken.db"
    conn = sqlite3.connect(path)
    conn.executescript("create table t (a); " + "insert into t values (randomblob(900));" * 40)
    conn.close()
    raw = bytearray(path.read_bytes())
    raw[4096:12000] = b"\x55" * (12000 - 4096)
    path.write_bytes(raw)
    sqlite3.connect(path).execute("select sum(length(a)) from t").fetchall()


def _too_big(conn):
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)
    conn.execute("insert into customer values (8, ?, 1)", ("x" * 5000,))


def _full(w):
    conn = sqlite3.connect(w.folder / "small.db")
    conn.execute("pragma max_page_count = 4")
    conn.execute("create table t (a)")
    for _ in range(50):
        conn.execute("insert into t values (randomblob(900))")


def _closed(conn):
    conn.close()
    conn.execute("select 1")


def _interrupted(conn):
    conn.set_progress_handler(lambda: 1, 10)
    conn.execute(
        "with recursive c(x) as (select 1 union all select x + 1 from c limit 100000) select count(*) from c"
    ).fetchall()


def _pool(path):
    engine = sqlalchemy.create_engine(
        f"sqlite:///{path}",
        poolclass=sqlalchemy.pool.QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.1,
    )
    first = engine.connect()
    try:
        engine.connect()
    finally:
        first.close()


def _stale(engine, db):
    db()
    base = orm.declarative_base()

    class Customer(base):
        __tablename__ = "customer"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        name = sqlalchemy.Column(sqlalchemy.String)

    with orm.Session(engine) as session:
        one = session.get(Customer, 1)
        session.execute(sqlalchemy.text('delete from "order"; '))
        session.execute(sqlalchemy.text("delete from customer"))
        one.name = "Ben"
        session.flush()


def _csv(w):
    path = w.folder / "prices.csv"
    path.write_text("id,price\n1,9.99\n2,n/a\n")
    return path


def _ragged(w):
    path = w.folder / "ragged.csv"
    path.write_text("a,b\n1,2\n1,2,3,4\n")
    return path


def _empty(w):
    path = w.folder / "empty.csv"
    path.write_text("")
    return path
