"""What schemathesis must know of the running ingest: how requests are signed, and what the operator has agreed on.

`check.py` names this module in the configuration of schemathesis, and uses it for its own requests.
"""

import base64
import gzip
import hashlib
import hmac
import itertools
import time

import requests
import schemathesis

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwSw"
APP_SECRET = "app-secret-of-the-check"
VERIFY_TOKEN = "verify-token-of-the-check"
RESORT = "azure-bay"
# The file of each source; the limits are far beyond what runs here.
RATE = "[rate_limit]\nper_second = 100000\nburst = 100000\n"
SOURCES = {
    "direct": f'[auth]\nscheme = "standard-webhooks"\nsecrets = ["plain:{SECRET}"]\n',
    "tokens": '[auth]\nscheme = "url-token"\nsecrets = ["plain:t0ken"]\n',
}
NUMBERS = itertools.count(1)


def agree(document):
    """Narrows the description to what holds for these sources: their names, their resort, their token."""
    paths, schemas = document["paths"], document["components"]["schemas"]
    schemas["Event"]["properties"]["resort"] = {"const": RESORT}
    names = {"/webhooks/{source}": "direct", "/webhooks/{source}/{token}": "tokens"}
    for path, name in names.items():
        source = {"name": "source", "in": "path", "required": True, "schema": {"enum": [name]}}
        paths[path]["parameters"][0] = source
    by_token = paths["/webhooks/{source}/{token}"]
    by_token["parameters"][1]["schema"] = {"enum": ["t0ken"]}
    # Its scheme signs no id that could serve instead.
    event = {
        "allOf": [{"$ref": "#/components/schemas/Event"}],
        "required": ["id"],
        "properties": {"id": {"$ref": "#/components/schemas/Id"}},
    }
    by_token["post"]["requestBody"] = {"required": True, "content": {"application/json": {"schema": event}}}
    for parameter in paths["/webhooks/whatsapp"]["get"]["parameters"]:
        if parameter["name"] == "hub.verify_token":
            parameter["schema"] = {"const": VERIFY_TOKEN}


def signature_headers(body):
    """The headers of Standard Webhooks."""
    identity, timestamp = f"msg_{next(NUMBERS)}", str(int(time.time()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


class Signed(requests.auth.AuthBase):
    """Signs the bytes that are sent, after packing them where the request says that they are packed."""

    def __call__(self, request):
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        encodings = {name.strip().lower() for name in request.headers.get("content-encoding", "").split(",")}
        if encodings & {"gzip", "x-gzip"}:
            body = gzip.compress(body, mtime=0)
            request.prepare_body(body, None)
        request.headers.update(signature_headers(body))
        digest = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        request.headers["x-hub-signature-256"] = f"sha256={digest}"
        return request


@schemathesis.hook
def map_body(_, body):
    """Writes ids that are whole numbers as integers: JSON Schema takes 7.0 for one, and ingest refuses it."""
    places = [(body, "id")]
    if isinstance(body, dict):
        places += [(body.get("booking"), name) for name in ("id", "cart_id")]
    for place, name in places:
        if isinstance(place, dict) and isinstance(place.get(name), float) and place[name].is_integer():
            place[name] = int(place[name])
    return body


@schemathesis.hook
def before_load_schema(_, raw_schema):
    agree(raw_schema)


schemathesis.auth.set_from_requests(Signed())
