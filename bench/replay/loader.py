"""Runs SQL in DuckDB, with nothing of Python between but the start:

    python -I -S loader.py LIBRARY FILE

LIBRARY is the shared library of DuckDB, or of its Python package, which has the
same functions; importing the package would take four times as long.
"""
import ctypes
import sys

duckdb = ctypes.CDLL(sys.argv[1])
duckdb.duckdb_result_error.restype = ctypes.c_char_p
with open(sys.argv[2], "rb") as file:
    sql = file.read()
database, connection = ctypes.c_void_p(), ctypes.c_void_p()
result = (ctypes.c_byte * 256)()
if duckdb.duckdb_open(None, ctypes.byref(database)) or duckdb.duckdb_connect(database, ctypes.byref(connection)):
    sys.exit("no database")
if duckdb.duckdb_query(connection, sql, result):
    sys.exit(duckdb.duckdb_result_error(result).decode())
