#!/usr/bin/env python3
"""The description in /openapi.json against what a running ingest accepts, refuses and answers.

usage: check.py INGEST_ALONE

INGEST_ALONE is testkit's program of that name. First each body of a list at the limits of the description is sent, signed:
ingest must accept exactly those that the description allows. Then schemathesis sends what it makes of the description,
valid and invalid, signed by `hooks.py`: no answer may be one that the description does not have. Exit code 0 when all of it
was as described. `scripts/test openapi` makes the environment and calls this.
"""

import copy
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unicodedata

import jsonschema_rs

import hooks

HERE = pathlib.Path(__file__).parent
# Far more than it takes; a pattern on which a search never ends would.
PATIENCE_SECONDS = 300
RESORT = """name = "Azure Bay Resort"
time_zone = "Europe/Athens"
country = "GR"
language = "en"
[whatsapp]
phone_number_id = "106540352242922"
access_token = "env:NOT_ASKED_FOR"
[abandonment]
after = "30m"
"""
EVENT = {
    "id": "evt_5f2c",
    "type": "booking_started",
    "occurred_at": "2026-11-23T10:00:00Z",
    "resort": hooks.RESORT,
    "notify": True,
    "booking": {
        "id": "BK-1001",
        "cart_id": "CART-77",
        "resume_url": "https://book.example/r/BK-1001",
        "check_in": "2026-12-20",
        "check_out": "2026-12-27",
        "guests": 2,
        "room": "Sea view",
        "total": {"amount": "1240.00", "currency": "EUR"},
    },
    "guest": {"name": "Ada Lovelace", "phone": "+306912345678", "country": "GR", "language": "en", "consent": True},
}
TYPES = (
    "booking_started booking_abandoned reservation_confirmed reservation_modified guest_checked_in guest_checked_out "
    "reservation_cancelled guest_opted_in guest_opted_out"
).split()
ABSENT = object()

STRANGE = [ABSENT, None, True, False, 0, 7, 7.5, "", " ", "\u3000\u2003", "x", "no", [], ["x"], {}, {"id": "x"}]
TEXTS = ["x" * 256, "x" * 257, "ä" * 256, "ä" * 257, "😀" * 256, "😀" * 257, "\u200b", "\ufe0f", "a\u200bb", "a\nb", "\x00"]
IDS = [
    *(letter * length for letter in "xä😀" for length in (1, 128, 129)),
    *(" a", "a ", "a b", "a\n", "a\tb", "\x7f", "\u0085", "a\u200b", "\u200b", "\ufe0f", "a\U000e0041", "a\u202eb"),
    *(0, -1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 0.5),
]
INSTANTS = [
    "2026-11-23t10:00:00z", "2026-11-23 10:00:00Z", "2026-11-23T10:00:00.5+02:00", "2026-11-23T10:00:00.123456789012-23:59",
    "2026-11-23T10:00:00\u221202:00", "2016-12-31T23:59:60Z", "2026-11-23T12:30:60Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z", "2024-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z",
    "2026-11-00T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:00:61Z", "2026-11-23T10:00:00",
    "2026-11-23T10:00:00+24:00", "2026-11-23T10:00:00+02:60", "2026-11-23T10:00:00+0200", "2026-11-23T10:00:00+02",
    "2026-11-23T10:00Z", "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00,5Z", "2026-11-23_10:00:00Z", "2026-11-23",
    " 2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z ", "2026-11-23T10:00:00Z\n", "2026-11-23  10:00:00Z", "+2026-11-23T10:00:00Z",
    "12026-11-23T10:00:00Z", "26-11-23T10:00:00Z", "2026-11-23T10:00:00 Z", "2026-11-23T10:00:00UTC", "٢٠٢٦-11-23T10:00:00Z",
    1763892000,
]  # fmt: skip
DAYS = [
    "2026-12-20", "0000-01-01", "9999-12-31", "2024-02-29", "2000-02-29", "2023-02-29", "1900-02-29", "2026-02-30", "2026-06-31",
    "2026-00-01", "2026-01-00", "2026-1-2", "2026-12- 1", "2026- 1-01", "226-1-\u00a001", "-026-12-20", "+026-12-20",
    "12026-1-01", "20.12.2026", "2026/12/20", "20261220", "2026-12-20T00:00:00Z", " 2026-12-20", "2026-12-20 ", "2026-12-20\n", "\n",
    "٢٠٢٦-12-20", 20261220,
]  # fmt: skip
LINKS = [
    "https://book.example", "HTTPS://BOOK.example:8443/", "https://b", "https://book.example?x", "https://book.example#x",
    "https://book.example:0/", "https://book.example:65535/", "https://book.example:65536/", "https://book.example:443@x/",
    " https://book.example/ ", "https://book.example ", "https://book.example/a b", "https://book.example/ä", "https://a-b.c--d.e/",
    "https://book.example/\n", "https://book.example/\u200b", "https://book.example/\u202ex", "https://book.example/\\", "http://book.example/",
    "ftp://book.example/", "//book.example/", "book.example", "https://", "https:///", "https://user@book.example/", "javascript:alert(1)",
    "https://user:secret@book.example/", "https://a b/", "https://a.1/", "https://[::x]/", "https://%/", "https://a<b/", "mailto:a@b.example",
    "https://book.example/" + "x" * 2027, "https://book.example/" + "x" * 2028, "https://book.example/" + "ä" * 2027,
]  # fmt: skip
GUESTS = [0, -1, 1, 2.0, 2e0, -0.0, 2.5, 2**31 - 1, 2**31, 2147483647.0, 2147483648.0, 10**18, 2**64, -(2**64), 1e300, "2"]
AMOUNTS = [
    "0", "-0", "00", "1240.00", "-1240.00", "1" * 19, "1" * 20, "-" + "1" * 19, "-" + "1" * 20, "1." + "1" * 17, "1." + "1" * 18,
    "-1." + "1" * 17, "-1." + "1" * 18, "1" * 17 + ".1", ".5", "5.", "+5", "1,5", "1e3", "--1", "1.2.3", "-", ".", "٣", "0x1", "NaN",
    1240, 1240.5,
]  # fmt: skip
CURRENCIES = ["EUR", "eur", "EU", "EURO", "€€€", "E R", "E1R", "ÄÖÜ"]

# The fields, and what is tried in each beside STRANGE.
FIELDS = {
    "id": IDS,
    "type": [*TYPES, " booking_started", "Booking_started", "booking_exploded"],
    "occurred_at": INSTANTS,
    "resort": ["olive-hill", " azure-bay", "x" * 129],
    "notify": ["true", 1],
    "booking": [{"id": "x", "total": None}, {"id": "x", "unknown": [1]}],
    "booking.id": IDS,
    "booking.cart_id": IDS,
    "booking.resume_url": LINKS,
    "booking.check_in": DAYS,
    "booking.check_out": DAYS,
    "booking.guests": GUESTS,
    "booking.room": TEXTS,
    "booking.total": [{"amount": "1"}, {"currency": "EUR"}, {"amount": None, "currency": "EUR"}],
    "booking.total.amount": AMOUNTS,
    "booking.total.currency": CURRENCIES,
    "guest": [{"phone": "x"}, {"phone": None}, {"phone": ""}],
    "guest.name": TEXTS,
    "guest.phone": TEXTS,
    "guest.country": ["DE", "Germany", 49],
    "guest.language": ["pt-BR", *TEXTS],
    "guest.consent": ["yes", 1],
}


def event_with(path, value, event=EVENT):
    """The event with one field replaced, or left out."""
    event = copy.deepcopy(event)
    *parents, name = path.split(".")
    parent = event
    for part in parents:
        parent = parent[part]
    if value is ABSENT:
        del parent[name]
    else:
        parent[name] = value
    return event


def characters():
    """Those that show nothing, their neighbours, and some others."""
    invisible = {
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    }
    invisible |= {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFFF0, 0xFFFE)}
    invisible |= {0xFE00, 0xFE0F, 0xE0000, 0xE0080, 0xE00FF, 0xE0100, 0xE01EF, 0xE01F0, 0xE0FFF, *range(0x2060, 0x2070)}
    codes = {near for code in invisible for near in (code - 1, code, code + 1)} | set(range(0x20, 0x7F)) | {0x10FFFF}
    return [chr(code) for code in sorted(codes) if 0 <= code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF]


def bodies():
    """What is sent, each with words for it."""
    for kind in TYPES:
        event = event_with("type", kind)
        for path, values in FIELDS.items():
            # The fields of one type are those of the others; what may be absent is not.
            for value in STRANGE + (values if kind == EVENT["type"] else []):
                yield f"{kind}: {path} = {'absent' if value is ABSENT else ascii(value)[:60]}", event_with(path, value, event)
    for character in characters():
        for path, value in (("booking.id", "a" + character), ("guest.phone", character), ("booking.check_in", character)):
            yield f"{path} = {ascii(value)}", event_with(path, value)
    for body in ([], "x", 1, True, None, {}):
        yield ascii(body), body


class Ingest:
    """The running program."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        assert self.address, "ingest does not start"
        self.connection = http.client.HTTPConnection(self.address, timeout=30)

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def post(self, event):
        body = json.dumps(event).encode()
        headers = {"content-type": "application/json", **hooks.signature_headers(body)}
        return self.ask("POST", "/webhooks/direct", body, headers)

    def end(self):
        self.connection.close()
        self.process.stdin.close()
        code = self.process.wait(60)
        assert code == 0, f"ingest ended with {code}"


def compare(ingest, document):
    """How many bodies were sent, and which were answered otherwise than the description says."""
    hooks.agree(document)
    reference = {"$ref": "#/components/schemas/Event", "components": document["components"]}
    event = jsonschema_rs.validator_for(reference)
    count, wrong = 0, []
    for words, body in bodies():
        count += 1
        status, answer = ingest.post(body)
        if status != (200 if event.is_valid(body) else 400):
            wrong.append(f"{words}: {status} {answer.get('errors', answer.get('type', ''))}")
    return count, wrong


def run_schemathesis(address, folder):
    """Its output goes to ours."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"http://{address}/openapi.json"),
    ]
    return subprocess.run(command, cwd=folder, env=environment, check=False, timeout=PATIENCE_SECONDS).returncode


def main(program):
    with tempfile.TemporaryDirectory(prefix="bellhop_test_") as folder:
        config = pathlib.Path(folder)
        for part in ("resorts", "sources"):
            (config / part).mkdir()
        (config / f"resorts/{hooks.RESORT}.toml").write_text(RESORT)
        for name, text in hooks.SOURCES.items():
            (config / f"sources/{name}.toml").write_text(f'resorts = ["{hooks.RESORT}"]\n{text}{hooks.RATE}')
        ingest = Ingest(program, folder)
        try:
            began_at = time.monotonic()
            _, document = ingest.ask("GET", "/openapi.json")
            count, wrong = compare(ingest, document)
            for line in wrong:
                print(line)
            print(f"{count} bodies in {time.monotonic() - began_at:.1f} s, {len(wrong)} answered otherwise than described")
            sys.stdout.flush()
            code = run_schemathesis(ingest.address, folder)
        finally:
            ingest.end()
    sys.exit(1 if wrong or code else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
