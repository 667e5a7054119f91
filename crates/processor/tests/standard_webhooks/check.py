#!/usr/bin/env python3
"""Webhooks out as seen by the libraries of Standard Webhooks and of Svix, which no one here wrote.

usage: check.py PROGRAM

Receives what the program PROGRAM (`webhooks_out` of testkit, with the real processor behind it) has a resort's own tool told,
and verifies every request with both libraries, under each secret. Exit code 0 when all of it was as expected.
`scripts/test webhooks` makes the environment and calls this.
"""

import base64
import http.server
import json
import queue
import subprocess
import sys
import threading
import time

import standardwebhooks
from svix.webhooks import Webhook as SvixWebhook
from svix.webhooks import WebhookVerificationError as SvixError

# The first one is about to be replaced by the second.
SECRETS = ["whsec_" + base64.b64encode(bytes(range(first, first + 32))).decode() for first in (1, 101)]
STRANGERS = "whsec_" + base64.b64encode(bytes(range(201, 233))).decode()
EXPECTED = {"message.not_delivered", "guest.opted_out", "guest.answered", "alert.raised"}
# Far more than anything here takes; only a webhook that never comes waits so long.
PATIENCE_SECONDS = 60

received = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        received.put((dict((name.lower(), value) for name, value in self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def verify_standard(secret, body, headers):
    return standardwebhooks.Webhook(secret).verify(body, headers)


def verify_svix(secret, body, headers):
    return SvixWebhook(secret).verify(body, headers)


def refuses(verify, error, secret, body, headers):
    try:
        verify(secret, body, headers)
    except error:
        return True
    return False


def check(headers, body):
    libraries = [
        (verify_standard, standardwebhooks.WebhookVerificationError),
        (verify_svix, SvixError),
    ]
    for verify, error in libraries:
        for secret in SECRETS:
            verify(secret, body, headers)
        assert refuses(verify, error, STRANGERS, body, headers), "a stranger's secret fits"
        assert refuses(verify, error, SECRETS[0], body + b" ", headers), "a changed body fits"
        late = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}
        assert refuses(verify, error, SECRETS[0], body, late), "a changed time fits"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < PATIENCE_SECONDS
    assert headers["content-type"] == "application/json"
    return json.loads(body)


def next_request(running, seen):
    """The next webhook. Names what is missing when none comes, and why where the program has ended."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        try:
            return received.get(timeout=1)
        except queue.Empty:
            assert running.poll() is None, f"the program ended with exit code {running.returncode}"
    sys.exit(f"no webhook came for {PATIENCE_SECONDS} s; missing: {', '.join(sorted(EXPECTED - seen.keys()))}")


def main(program):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hook?tool=crm"
    running = subprocess.Popen([program, url, *SECRETS], stdin=subprocess.PIPE)
    seen, count = {}, 0
    while not EXPECTED <= seen.keys():
        headers, body = next_request(running, seen)
        event = check(headers, body)
        count += 1
        seen[event["type"]] = event["data"]
    running.stdin.close()
    assert running.wait(timeout=PATIENCE_SECONDS) == 0, "the program failed"
    assert seen["message.not_delivered"]["reason"] == "invalid_phone", seen
    assert seen["guest.opted_out"]["bookings"] == ["CART-1"], seen
    assert seen["guest.answered"]["guest"]["phone"] == "+306912345679", seen
    print(f"{count} webhooks verified by standardwebhooks and svix: {', '.join(sorted(seen))}")


if __name__ == "__main__":
    main(sys.argv[1])
