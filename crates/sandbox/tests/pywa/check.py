#!/usr/bin/env python3
"""The sandbox as seen by pywa, a client of the Cloud API that no one here wrote.

usage: check.py SANDBOX TEMPLATES

Starts the program SANDBOX with the templates of the file TEMPLATES and free ports, sends with pywa, and lets pywa
verify and parse what the sandbox reports back. Exit code 0 when all of it was as expected.
`scripts/test pywa` makes the environment and calls this.
"""

import logging
import os
import queue
import re
import subprocess
import sys
import threading
import warnings

import flask
import httpx
from pywa import WhatsApp, errors, types
from pywa.types.templates import BodyText, HeaderText, TemplateLanguage, URLButton
from werkzeug.serving import WSGIRequestHandler, make_server

NUMBER = "106540352242922"
TOKEN = "token-of-the-check"
APP_SECRET = "app-secret-of-the-check"
VERIFY_TOKEN = "verify-token-of-the-check"
GUEST = "+306912345678"
STRANGER = "+306900000001"
# Far more than anything here takes; only a notification that never comes waits so long.
PATIENCE_SECONDS = 30


class ToSandbox(httpx.HTTPTransport):
    """pywa knows no other address than the real one: what goes there comes here instead."""

    def __init__(self, address):
        super().__init__()
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)

    def handle_request(self, request):
        assert request.url.host == "graph.facebook.com", request.url
        request.url = request.url.copy_with(scheme="http", host=self.host, port=self.port)
        return super().handle_request(request)


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


class Sandbox:
    """The running program; its own endpoints are called with plain HTTP."""

    def __init__(self, program, templates, callback):
        environment = {
            "SANDBOX_ADDR": "127.0.0.1:0",
            "SANDBOX_CALLBACK_URL": callback,
            "SANDBOX_APP_SECRET": APP_SECRET,
            "SANDBOX_TEMPLATES": templates,
            "SANDBOX_TOKENS": TOKEN,
            "SANDBOX_NUMBERS": NUMBER,
            "LOG_FORMAT": "text",
        }
        self.process = subprocess.Popen(
            [program], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.address = self.read_address()
        # Whoever does not read a pipe stops its writer in the end.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def read_address(self):
        for line in self.process.stderr:
            if found := re.search(r"listening.*?(127\.0\.0\.1:\d+)", line):
                return found[1]
            print(line, end="", file=sys.stderr)
        raise SystemExit("the sandbox ended before it listened")

    def post(self, path, **body):
        answer = httpx.post(f"http://{self.address}/sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
        assert answer.is_success, f"POST /sandbox/{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def messages(self, to):
        return httpx.get(f"http://{self.address}/sandbox/messages", params={"to": to}).json()

    def end(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE_SECONDS)
        assert code == 0, f"the sandbox ended with {code}"


class Inbox:
    """What pywa has verified and parsed, in the order in which it came."""

    def __init__(self, client):
        self.updates = queue.Queue()
        for subscribe in (
            client.on_message,
            client.on_callback_button,
            client.on_message_status,
            client.on_user_marketing_preferences,
            client.on_phone_number_change,
        ):
            subscribe()(lambda _, update: self.updates.put(update))

    def next(self, kind):
        try:
            update = self.updates.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no {kind.__name__} came") from None
        assert type(update) is kind, f"a {kind.__name__} was awaited, this came: {update}"
        assert update.metadata.phone_number_id == NUMBER, update
        return update

    def statuses(self, sent, expected, tracker=None):
        """The reports about one message, complete and in order."""
        for name in expected:
            status = self.next(types.MessageStatus)
            assert (status.id, status.status, status.tracker) == (sent.id, name, tracker), status
            yield status


def listen():
    """A server for pywa's webhook on a free port."""
    app = flask.Flask("check")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return app, f"http://127.0.0.1:{server.port}/hook"


def refused_with(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except errors.WhatsAppError as refusal:
        assert type(refusal) is error, f"not {error.__name__}: {refusal!r}"
    else:
        raise AssertionError(f"{error.__name__} was awaited, the message was taken")


def reminder(client, to, tracker=None, body=("Ada", "Azure Bay")):
    return client.send_template(
        to=to,
        name="booking_reminder_1",
        language=TemplateLanguage.ENGLISH_US,
        params=[
            HeaderText.params("Azure Bay"),
            BodyText.params(*body),
            URLButton.params(url_variable="r/BK-1001", index=0),
        ],
        tracker=tracker,
    )


def handshake(sandbox, **_):
    """the webhook's handshake"""
    assert sandbox.post("handshake", verify_token=VERIFY_TOKEN) == {"status": 200, "verified": True}
    assert not sandbox.post("handshake", verify_token="another")["verified"]


def template(sandbox, client, inbox, **_):
    """a template: taken, sent, delivered, read"""
    sent = reminder(client, GUEST, tracker="message-1.1")
    assert sent.to == GUEST.lstrip("+"), sent
    for status in inbox.statuses(sent, ["sent", "delivered", "read"], tracker="message-1.1"):
        assert status.from_user.wa_id == GUEST.lstrip("+"), status
        assert status.pricing is None or status.pricing.category == "marketing", status
    [seen] = sandbox.messages(GUEST)
    assert seen["body"].startswith("Hi Ada, your booking at Azure Bay"), seen
    assert seen["button_url"] == "https://book.example/r/BK-1001", seen
    assert seen["wamid"] == sent.id, seen


def closed_window(client, inbox, **_):
    """a text outside the 24-hour window: taken, then failed"""
    sent = client.send_message(to=STRANGER, text="Hello?")
    [status] = inbox.statuses(sent, ["failed"])
    assert type(status.error) is errors.ReEngagementMessage, status


def inbound(sandbox, inbox, **_):
    """a guest's message"""
    made = sandbox.post("inbound", **{"from": GUEST, "text": "Is there parking?", "name": "Ada"})
    message = inbox.next(types.Message)
    assert message.id == made["wamid"], message
    assert (message.text, message.from_user.name) == ("Is there parking?", "Ada"), message
    assert message.from_user.wa_id == GUEST.lstrip("+"), message


def text(client, inbox, **_):
    """a text in the open window"""
    sent = client.send_message(to=GUEST, text="There is.", tracker="message-2.1")
    list(inbox.statuses(sent, ["sent", "delivered", "read"], tracker="message-2.1"))


def reply(sandbox, inbox, **_):
    """a reply to a guest's message, quoting it, to the guest's user id"""
    sandbox.post("inbound", **{"from": GUEST, "text": "Thank you"})
    sent = inbox.next(types.Message).reply_text("You are welcome.", quote=True)
    list(inbox.statuses(sent, ["sent", "delivered", "read"]))


def button(sandbox, inbox, **_):
    """a quick reply that is pressed"""
    sandbox.post("inbound", **{"from": GUEST, "button": {"payload": "stop", "text": "No more offers"}})
    pressed = inbox.next(types.CallbackButton)
    assert (pressed.data, pressed.title) == ("stop", "No more offers"), pressed


def marketing(sandbox, client, inbox, **_):
    """marketing stopped: reported, and the next such template fails"""
    sandbox.post("inbound", **{"from": GUEST, "marketing": "stop"})
    change = inbox.next(types.UserMarketingPreferences)
    assert change.value == "stop" and change.from_user.wa_id == GUEST.lstrip("+"), change
    [status] = inbox.statuses(reminder(client, GUEST), ["failed"])
    assert type(status.error) is errors.UserStoppedMarketingMessages, status


def changed_number(sandbox, inbox, **_):
    """a guest's new number"""
    sandbox.post("inbound", **{"from": GUEST, "changed_number_to": "+306987654321"})
    change = inbox.next(types.PhoneNumberChange)
    assert change.new_wa_id == "306987654321", change


def refusals(sandbox, client, make_client, **_):
    """refusals, as pywa names them"""
    refused_with(errors.ExpiredAccessToken, make_client("another").send_message, to=GUEST, text="Hello")
    refused_with(errors.TemplateParamCountMismatch, reminder, client, STRANGER, body=("Ada",))
    refused_with(
        errors.TemplateNotExists,
        client.send_template,
        to=GUEST,
        name="nowhere",
        language=TemplateLanguage.ENGLISH_US,
        params=[],
    )
    sandbox.post("failures", times=1, answer={"error": 130429})
    refused_with(errors.RateLimitHit, reminder, client, STRANGER)


def nothing_left(inbox, **_):
    """nothing came that was not awaited"""
    assert inbox.updates.empty(), inbox.updates.get()


CHECKS = [
    handshake,
    template,
    closed_window,
    inbound,
    text,
    reply,
    button,
    marketing,
    changed_number,
    refusals,
    nothing_left,
]


def main(program, templates):
    # A warning of pywa's is a finding: signatures that it does not verify, for one.
    warnings.simplefilter("error", errors.PywaWarning)
    logging.getLogger("pywa").setLevel(logging.ERROR)
    app, callback = listen()
    sandbox = Sandbox(program, templates, callback)

    def make_client(token, **webhook):
        session = httpx.Client(transport=ToSandbox(sandbox.address), timeout=PATIENCE_SECONDS)
        return WhatsApp(NUMBER, token, session=session, **webhook)

    client = make_client(
        TOKEN, server=app, webhook_endpoint="/hook", verify_token=VERIFY_TOKEN, app_secret=APP_SECRET
    )
    given = {"sandbox": sandbox, "client": client, "inbox": Inbox(client), "make_client": make_client}
    try:
        for check in CHECKS:
            try:
                check(**given)
            except BaseException:
                print(f"  FAILED  {check.__doc__}", flush=True)
                raise
            print(f"  ok      {check.__doc__}", flush=True)
    finally:
        sandbox.end()
    print(f"pywa: {len(CHECKS)} passed, 0 failed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*map(os.path.abspath, sys.argv[1:]))
