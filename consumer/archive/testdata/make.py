"""Writes the Parquet files of this folder, as programs other than ours write them.

    python3 -m venv v && v/bin/pip install pyarrow duckdb && v/bin/python make.py

Every file holds the events of events.jsonl.
"""
import datetime
import json
import random

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

random.seed(7)
rows = []
at = datetime.datetime(2015, 7, 1, tzinfo=datetime.timezone.utc)
for i in range(600):
    at += datetime.timedelta(microseconds=random.randrange(1, 90_000_000))
    rows.append({
        "time": at,
        "principal": f"app-{random.randrange(12)}",
        "feature": f"feature.{random.randrange(5)}",
        "operation": random.choice(["read", "list", "write", "delete"]),
        "id": f"id-{i}" if random.random() < 0.8 else None,
        "scopes": [f"scope.{random.randrange(6)}" for _ in range(random.randrange(5))] if random.random() < 0.9 else None,
        "direction": random.choice([None, "in", "out"]),
        "subject": f"u{random.randrange(100)}" if random.random() < 0.7 else None,
        "outcome": random.choice([None, "served", "denied", "error"]),
        "records": random.choice([None, random.randrange(1000)]),
        "bytes": random.randrange(1 << 40),
    })

with open("events.jsonl", "w") as f:
    for r in rows:
        line = {k: v for k, v in r.items() if v is not None}
        line["time"] = r["time"].isoformat()
        f.write(json.dumps(line) + "\n")

schema = pa.schema([
    ("time", pa.timestamp("us", tz="UTC")), ("principal", pa.string()), ("feature", pa.string()), ("operation", pa.string()),
    ("id", pa.string()), ("scopes", pa.list_(pa.string())), ("direction", pa.string()), ("subject", pa.string()),
    ("outcome", pa.string()), ("records", pa.int64()), ("bytes", pa.int64()),
])
table = pa.Table.from_pylist(rows, schema=schema)
# Rows of lists that go on in the next page, which version 1 allows.
pq.write_table(table, "arrow_v1.parquet", data_page_size=200, write_batch_size=7, row_group_size=251, compression="snappy")
pq.write_table(table, "arrow_v2.parquet", data_page_size=500, write_batch_size=16, data_page_version="2.0", compression="zstd",
               use_dictionary=["principal", "scopes"],
               column_encoding={"time": "DELTA_BINARY_PACKED", "bytes": "DELTA_BINARY_PACKED", "records": "DELTA_BINARY_PACKED",
                                "id": "DELTA_LENGTH_BYTE_ARRAY", "subject": "DELTA_BYTE_ARRAY", "feature": "DELTA_BYTE_ARRAY"})
pq.write_table(table, "arrow_plain.parquet", use_dictionary=False, data_page_size=300, write_batch_size=11, compression="gzip")
# Dictionaries that grow too large are given up in the middle of a column.
pq.write_table(table, "arrow_fallback.parquet", dictionary_pagesize_limit=60, data_page_size=400, write_batch_size=32, compression="lz4")

con = duckdb.connect()
con.execute("set timezone='UTC'")
con.register("t", table)
con.execute("copy (select * from t) to 'duckdb_v1.parquet' (format parquet, compression zstd, row_group_size 2048)")
con.execute("copy (select * from t) to 'duckdb_v2.parquet' (format parquet, parquet_version v2, compression snappy)")
# As other people's tables are: nested, flags, numbers, times in milliseconds.
other = """(select epoch_ms(time) as eventTime, {'arn': principal, 'kind': 'app'} as identity, feature as eventSource,
    operation in ('read', 'list') as readOnly, array_to_string(scopes, ' ') as scope, case when outcome = 'denied' then 'AccessDenied' end as errorCode,
    records::int as n, bytes::ubigint as size from t)"""
con.execute(f"copy {other} to 'duckdb_other.parquet' (format parquet, compression zstd)")
con.execute(f"copy {other} to 'other.jsonl' (format json)")
con.execute("copy (select time::timestamp as time, principal, feature, operation from t limit 3) to 'no_zone.parquet' (format parquet)")
