"""A service that answers only to whoever Pagepass vouches for.

With PyJWT 2.6 or newer and cryptography (Debian: python3-jwt python3-cryptography):
  PAGEPASS_JWKS=https://orders-svc.access.example.com/.pagepass/jwks.json \
  PAGEPASS_ISSUER=pagepass:production PAGEPASS_SERVICE=orders-svc PORT=9001 python3 service.py
"""

import json
import os
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

ISSUER = os.environ["PAGEPASS_ISSUER"]
SERVICE = os.environ["PAGEPASS_SERVICE"]
# What a key may verify is said by the key, never by the token.
ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}


class Keys:
    """The public keys by kid. PyJWKClient would fetch anew for every kid that nobody knows."""

    LONGEST = 300  # seconds, after which they are fetched anew
    BETWEEN = 30  # seconds at least between two times for a kid that nobody knows

    def __init__(self, url):
        self._url = url
        self._lock = threading.Lock()
        self._keys = {}
        self._fetched = float("-inf")
        self._not_before = float("-inf")

    def get(self, kid):
        with self._lock:
            now = time.monotonic()
            old = now - self._fetched > self.LONGEST
            if (old or kid not in self._keys) and now >= self._not_before:
                self._not_before = now + 1  # should it fail
                self._keys = self._fetch()
                self._fetched = now
                self._not_before = now + self.BETWEEN
                old = False
            if old or kid not in self._keys:
                raise jwt.InvalidKeyError("nobody knows this key")
            return self._keys[kid]

    def _fetch(self):
        with urllib.request.urlopen(self._url, timeout=5) as response:
            published = json.load(response)["keys"]
        usable = [key for key in published if (key["kty"], key.get("crv")) in ALGORITHMS]
        return {key["kid"]: (jwt.PyJWK(key).key, ALGORITHMS[key["kty"], key["crv"]]) for key in usable}


KEYS = Keys(os.environ["PAGEPASS_JWKS"])


def who_asks(headers):
    """The claims of the one assertion that came with a request. Raises where there is none that holds."""
    sent = headers.get_all("X-Pagepass-Assertion") or []
    if len(sent) != 1:
        raise jwt.InvalidTokenError("there is not exactly one assertion")
    header = jwt.get_unverified_header(sent[0])
    if header.get("typ") != "pagepass-assertion+jwt":
        raise jwt.InvalidTokenError("it is of another type")
    key, algorithm = KEYS.get(header.get("kid"))
    claims = jwt.decode(
        sent[0],
        key,
        algorithms=[algorithm],
        issuer=ISSUER,
        audience=SERVICE,
        leeway=10,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    # The library is content with a list that has us in it.
    if claims["aud"] != SERVICE:
        raise jwt.InvalidAudienceError("it is for others as well")
    return claims


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            claims = who_asks(self.headers)
        except Exception as error:  # Whatever went wrong: nobody was vouched for.
            print(f"refused: {error}", file=sys.stderr, flush=True)
            return self.answer(401, {"error": "no valid assertion"})
        return self.answer(200, {name: claims.get(name) for name in ("sub", "name", "tier", "grant")})

    def answer(self, status, body):
        text = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9001"))), Handler)
    print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
