#!/usr/bin/env python3
# Prints the figures that the scripts compare with, from the files beside it, with nothing of chute's:
# Python's csv, decimal and hashlib. Run it after changing a file, and copy what it prints into the scripts.
import csv, decimal, hashlib, os

here = os.path.dirname(os.path.abspath(__file__))


def rows(name, **dialect):
    with open(os.path.join(here, name), encoding="utf-8", newline="") as f:
        return list(csv.reader(f, **dialect))


def sum_of(values):
    return sum(decimal.Decimal(v) for v in values)


def text(values):
    """Number of characters, distinct values, and the bytes in all of a column."""
    values = list(values)
    return len(values), len(set(values)), sum(len(v.encode()) for v in values)


airports = rows("airports.csv")[1:]
print("airports rows", len(airports), "latitude", sum_of(r[5] for r in airports), "longitude", sum_of(r[6] for r in airports),
      "states", len({r[3] for r in airports}), "name bytes", text(r[1] for r in airports)[2],
      "Texas", sum(r[3] == "TX" for r in airports))
weather = rows("weather.csv")[1:]
print("weather rows", len(weather), "precipitation", sum_of(r[2] for r in weather), "max", sum_of(r[3] for r in weather),
      "first", min(r[1] for r in weather), "last", max(r[1] for r in weather), "snow", sum(r[6] == "snow" for r in weather))
oui = rows("ieee_oui_part.csv")[1:]
print("oui rows", len(oui), "distinct", len({r[1] for r in oui}), "organisation bytes", text(r[2] for r in oui)[2],
      "address bytes", text(r[3] for r in oui)[2], "with line break", sum("\n" in r[3] for r in oui),
      "with quote", sum('"' in f for r in oui for f in r), "beyond ASCII", sum(not f.isascii() for r in oui for f in r))
unicode = rows("UnicodeData_part.txt", delimiter=";", quoting=csv.QUOTE_NONE)
print("unicode rows", len(unicode), "combining", sum(int(r[3]) for r in unicode), "with digit", sum(r[7] != "" for r in unicode),
      "digits", sum(int(r[7] or 0) for r in unicode), "mirrored", sum(r[9] == "Y" for r in unicode), "name bytes", text(r[1] for r in unicode)[2])
for name in sorted(os.listdir(here)):
    if name.endswith((".csv", ".txt", ".zst")):
        with open(os.path.join(here, name), "rb") as f:
            content = f.read()
        print("file", name, len(content), hashlib.sha256(content).hexdigest())
