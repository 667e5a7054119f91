#!/usr/bin/env python3
"""The sandbox as seen by pywa, a client of the Cloud API that no one here wrote.

usage: check.py SANDBOX TEMPLATES

Starts the program SANDBOX with the templates of the file TEMPLATES and free ports, sends with pywa, and lets pywa
verify and parse what the sandbox reports back. Exit code 0 when all of it was as expected.
`scripts/test pywa` makes the environment and calls this.

pywa reads only the first update of a request, so no two may share one: a status comes alone because a forged copy
goes before it, and guests do nothing before all that went before has come.
"""

import collections
import datetime
import json
import logging
import os
import queue
import re
import subprocess
import sys
import threading
import time
import warnings

import flask
import httpx
from pywa import WhatsApp, errors, types
from pywa.types.templates import (
    BodyText,
    Buttons,
    FooterText,
    HeaderText,
    ParamFormat,
    TemplateCategory,
    TemplateLanguage,
    TemplateStatus,
    URLButton,
)
from werkzeug.serving import WSGIRequestHandler, make_server

NUMBER = "106540352242922"
ACCOUNT = "900800700600500"
TOKEN = "token-of-the-check"
APP_SECRET = "app-secret-of-the-check"
VERIFY_TOKEN = "verify-token-of-the-check"
GUEST = "+306912345678"
STRANGER = "+306900000001"
# Far more than anything here takes; only a notification that never comes waits so long.
PATIENCE_SECONDS = 30
# Wide, for machines whose clock is set meanwhile; milliseconds taken for seconds are still found.
CLOCK_TOLERANCE = datetime.timedelta(hours=1)


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
        self.log = []
        self.addresses = queue.Queue()
        self.process = subprocess.Popen(
            [program], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # To its end: whoever does not read a pipe stops its writer.
        threading.Thread(target=self.read_log, daemon=True).start()

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))
            if found := re.search(r"listening.*?(127\.0\.0\.1:\d+)", line):
                self.addresses.put(found[1])
        self.addresses.put(None)

    def await_address(self):
        try:
            self.address = self.addresses.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise AssertionError("the sandbox does not listen") from None
        assert self.address, "the sandbox ended before it listened"

    def ask(self, method, path, **request):
        # Not through a proxy that the caller's environment may name.
        answer = httpx.request(
            method, f"http://{self.address}/sandbox/{path}", timeout=PATIENCE_SECONDS, trust_env=False, **request
        )
        assert answer.is_success, f"{method} /sandbox/{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def post(self, path, **body):
        return self.ask("POST", path, json=body)

    def messages(self, to):
        return self.ask("GET", "messages", params={"to": to})

    def notifications(self):
        """What became of the updates, once none is on its way any more."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (report := self.ask("GET", "notifications"))["waiting"] and time.monotonic() < deadline:
            time.sleep(0.05)
        return report

    def end(self):
        self.process.terminate()
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the sandbox did not end when it was told to") from None
        assert code == 0, f"the sandbox ended with {code}"


class Inbox:
    """What pywa has verified and parsed, in the order in which it came; raw where it could not be parsed."""

    def __init__(self, client):
        self.updates = queue.Queue()
        self.parsed = None
        self.taken = collections.Counter()
        for subscribe in (
            client.on_message,
            client.on_callback_button,
            client.on_message_status,
            client.on_user_marketing_preferences,
            client.on_phone_number_change,
        ):
            subscribe()(self.note)
        client.on_raw_update()(self.take)

    def note(self, _, update):
        self.parsed = update

    def take(self, _, raw):
        """Called for every update, after what handles its kind."""
        self.updates.put(raw if self.parsed is None else self.parsed)
        self.parsed = None

    def next(self, kind):
        try:
            update = self.updates.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise AssertionError(f"no {kind.__name__} came") from None
        self.taken[kind] += 1
        assert type(update) is kind, f"a {kind.__name__} was awaited, this came: {update}"
        assert update.metadata.phone_number_id == NUMBER, update
        assert abs(update.timestamp - datetime.datetime.now(datetime.timezone.utc)) < CLOCK_TOLERANCE, update
        return update

    def statuses(self, sent, expected, tracker=None):
        """The reports about one message, complete and in order."""
        for name in expected:
            status = self.next(types.MessageStatus)
            assert (status.id, status.status, status.tracker) == (sent.id, name, tracker), status
            yield status


class Webhook:
    """A server for pywa's webhook on a free port, and how often it gave which answer."""

    def __init__(self):
        self.app = flask.Flask("check")
        self.app.after_request(self.count)
        self.answers = collections.Counter()
        # One request at a time, so that what the inbox notes belongs to what it takes.
        server = make_server("127.0.0.1", 0, self.app, threaded=False, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{server.port}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def count(self, answer):
        self.answers[flask.request.method, answer.status_code] += 1
        return answer


def refused_with(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except errors.WhatsAppError as refusal:
        assert type(refusal) is error, f"not {error.__name__}: {refusal!r}"
        assert refusal.message and refusal.type == "OAuthException" and refusal.fbtrace_id, refusal
        return refusal
    raise AssertionError(f"{error.__name__} was awaited, the message was taken")


def is_guest(user, phone=GUEST):
    return user.wa_id == phone.lstrip("+") and user.bsuid


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
    assert sandbox.post("handshake", verify_token="another") == {"status": 403, "verified": False}


def template(sandbox, client, inbox, **_):
    """a template: taken, sent, delivered, read"""
    sent = reminder(client, GUEST, tracker="message-1.1")
    assert (sent.to, sent.input, sent.status) == (GUEST.lstrip("+"), GUEST, "accepted"), sent
    for status in inbox.statuses(sent, ["sent", "delivered", "read"], tracker="message-1.1"):
        assert is_guest(status.from_user), status
        price = status.pricing
        assert (price.category, price.type, price.billable) == ("marketing", "regular", True), status
    [seen] = sandbox.messages(GUEST)
    assert seen["header"] == "Azure Bay", seen
    assert seen["body"].startswith("Hi Ada, your booking at Azure Bay"), seen
    assert seen["button_url"] == "https://book.example/r/BK-1001", seen
    assert seen["wamid"] == sent.id, seen


def closed_window(client, inbox, **_):
    """a text outside the 24-hour window: taken, then failed"""
    sent = client.send_message(to=STRANGER, text="Hello?")
    [status] = inbox.statuses(sent, ["failed"])
    assert type(status.error) is errors.ReEngagementMessage and status.error.details, status
    assert is_guest(status.from_user, STRANGER), status


def inbound(sandbox, inbox, **_):
    """a guest's message"""
    made = sandbox.post("inbound", **{"from": GUEST, "text": "Is there parking?", "name": "Ada"})
    message = inbox.next(types.Message)
    assert message.id == made["wamid"], message
    assert (message.text, message.from_user.name) == ("Is there parking?", "Ada"), message
    assert is_guest(message.from_user), message


def text(client, inbox, **_):
    """a text in the open window"""
    sent = client.send_message(to=GUEST, text="There is.", tracker="message-2.1")
    for status in inbox.statuses(sent, ["sent", "delivered", "read"], tracker="message-2.1"):
        price = status.pricing
        assert (price.category, price.type, price.billable) == ("service", "free_customer_service", False), status


def reply(sandbox, inbox, **_):
    """a reply to a guest's message, quoting it, to the guest's user id"""
    sandbox.post("inbound", **{"from": GUEST, "text": "Thank you"})
    message = inbox.next(types.Message)
    sent = message.reply_text("You are welcome.", quote=True)
    assert sent.to == message.from_user.bsuid, sent
    list(inbox.statuses(sent, ["sent", "delivered", "read"]))


def button(sandbox, inbox, **_):
    """a quick reply that is pressed"""
    [offer, *_] = sandbox.messages(GUEST)
    pressing = {"payload": "stop", "text": "No more offers", "wamid": offer["wamid"]}
    sandbox.post("inbound", **{"from": GUEST, "button": pressing})
    pressed = inbox.next(types.CallbackButton)
    assert (pressed.data, pressed.title) == ("stop", "No more offers"), pressed
    assert pressed.reply_to_message.id == offer["wamid"], pressed
    assert is_guest(pressed.from_user), pressed


def marketing(sandbox, client, inbox, **_):
    """marketing stopped: reported, and the next such template fails"""
    sandbox.post("inbound", **{"from": GUEST, "marketing": "stop"})
    change = inbox.next(types.UserMarketingPreferences)
    assert (change.value, change.category) == ("stop", "marketing_messages"), change
    assert is_guest(change.from_user), change
    [status] = inbox.statuses(reminder(client, GUEST), ["failed"])
    assert type(status.error) is errors.UserStoppedMarketingMessages and status.error.details, status


def changed_number(sandbox, inbox, **_):
    """a guest's new number"""
    sandbox.post("inbound", **{"from": GUEST, "changed_number_to": "+306987654321"})
    change = inbox.next(types.PhoneNumberChange)
    assert (change.old_wa_id, change.new_wa_id) == (GUEST.lstrip("+"), "306987654321"), change


def refusals(sandbox, client, make_client, **_):
    """refusals, as pywa names them"""
    refused_with(errors.ExpiredAccessToken, make_client("another").send_message, to=GUEST, text="Hello")
    refusal = refused_with(errors.TemplateParamCountMismatch, reminder, client, STRANGER, body=("Ada",))
    assert refusal.details, refusal
    refused_with(
        errors.TemplateNotExists,
        client.send_template,
        to=GUEST,
        name="nowhere",
        language=TemplateLanguage.ENGLISH_US,
        params=[],
    )
    sandbox.post("failures", when={"to": STRANGER}, times=1, answer={"error": 130429})
    refused_with(errors.RateLimitHit, reminder, client, STRANGER)


def account(client, templates, **_):
    """number, apps and templates of the account, as pywa reads them"""
    number = client.get_business_phone_number()
    assert (number.id, number.status, number.quality_rating) == (NUMBER, "CONNECTED", "GREEN"), number
    assert number.throughput == {"level": "STANDARD"}, number
    assert number.whatsapp_business_manager_messaging_limit == "TIER_2K", number
    assert number.webhook_configuration["application"].startswith("http://127.0.0.1:"), number
    [app] = client.api.get_waba_subscribed_apps(ACCOUNT)["data"]
    assert app["whatsapp_business_api_data"]["id"], app

    listed = {(one["name"], one["language"]): one for one in json.load(open(templates, encoding="utf-8"))}
    # pywa's own next() fails for templates: it makes the page with an argument that their class does not take.
    page = client.get_templates(waba_id=ACCOUNT, pagination=types.Pagination(limit=2))
    assert page.total_count == len(listed) and page.has_next and not page.has_previous, page
    found = {}
    while True:
        found |= {(one.name, one.language.value): one for one in page}
        if not page.has_next:
            break
        page = client.get_templates(waba_id=ACCOUNT, pagination=types.Pagination(limit=2, after=page.after))
    assert found.keys() == listed.keys(), (found.keys(), listed.keys())
    reminder = found["booking_reminder_1", "en_US"]
    assert (reminder.status, reminder.category) == (TemplateStatus.APPROVED, TemplateCategory.MARKETING), reminder
    assert reminder.parameter_format == ParamFormat.POSITIONAL, reminder
    kinds = [type(component) for component in reminder.components]
    assert kinds == [HeaderText, BodyText, FooterText, Buttons], reminder
    assert client.get_templates(waba_id=ACCOUNT, name="booking_confirmed").total_count == len(listed)
    [confirmed] = client.get_templates(waba_id=ACCOUNT, name="booking_confirmed")
    assert confirmed.category == TemplateCategory.UTILITY, confirmed


def nothing_left(sandbox, inbox, webhook, **_):
    """every update came once, and every forged copy was refused"""
    report = sandbox.notifications()
    assert inbox.updates.empty(), inbox.updates.get()
    taken, forged = inbox.taken.total(), inbox.taken[types.MessageStatus]
    assert report == {"taken": taken, "repeated": 0, "dropped": 0, "waiting": 0}, report
    expected = {("GET", 200): 1, ("GET", 403): 1, ("POST", 200): taken, ("POST", 403): forged}
    assert webhook.answers == expected, (webhook.answers, expected)


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
    account,
    nothing_left,
]


def play(sandbox, webhook, templates):
    sandbox.await_address()

    def make_client(token, **receiving):
        session = httpx.Client(transport=ToSandbox(sandbox.address), timeout=PATIENCE_SECONDS)
        return WhatsApp(NUMBER, token, session=session, **receiving)

    client = make_client(
        TOKEN, server=webhook.app, webhook_endpoint="/hook", verify_token=VERIFY_TOKEN, app_secret=APP_SECRET
    )
    inbox = Inbox(client)
    sandbox.post("failures", notify={"forged_first": True})
    for check in CHECKS:
        try:
            check(
                sandbox=sandbox,
                webhook=webhook,
                client=client,
                inbox=inbox,
                make_client=make_client,
                templates=templates,
            )
        except BaseException:
            print(f"  FAILED  {check.__doc__}", flush=True)
            raise
        print(f"  ok      {check.__doc__}", flush=True)


def main(program, templates):
    # A warning of pywa's is a finding: signatures that it does not verify, for one.
    warnings.simplefilter("error", errors.PywaWarning)
    logging.getLogger("pywa").setLevel(logging.ERROR)
    webhook = Webhook()
    sandbox = Sandbox(program, templates, webhook.url)
    try:
        play(sandbox, webhook, templates)
    except BaseException:
        print("--- the end of the sandbox's log", *sandbox.log[-30:], "---", sep="\n", file=sys.stderr)
        raise
    finally:
        sandbox.end()
    print(f"pywa: {len(CHECKS)} passed, 0 failed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*map(os.path.abspath, sys.argv[1:]))
