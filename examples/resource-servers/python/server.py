"""An API that is protected by Signet's access tokens. What is checked, and why, is in docs/resource-servers.md."""

import os
import time
from functools import wraps

import jwt
from flask import Flask, g, jsonify, request

ISSUER = os.environ.get("ISSUER", "http://localhost:8080/oidc")
API = os.environ.get("API", "https://orders.example.com")
PORT = int(os.environ.get("PORT", "4000"))
METADATA = "/.well-known/oauth-protected-resource"

ASK_AGAIN = 5

app = Flask(__name__)


class Keys(jwt.PyJWKClient):
    """The library counts from the last answer; while there is none, this does."""

    asked = float("-inf")

    def fetch_data(self):
        if time.monotonic() - self.asked < ASK_AGAIN:
            raise jwt.PyJWKClientConnectionError("the issuer was asked a moment ago")
        self.asked = time.monotonic()
        return super().fetch_data()


# Kept for ten minutes, and asked for again on a `kid` that is not among them, five seconds apart at least.
keys = Keys(f"{ISSUER}/.well-known/jwks.json", lifespan=600, cooldown_duration=ASK_AGAIN, timeout=5)


def verify(token):
    """The claims of an access token for this API; raises `jwt.PyJWTError` if it is none."""
    verified = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["RS256", "ES256"],
        issuer=ISSUER,
        audience=API,
        leeway=60,
        options={"require": ["exp", "iss", "aud", "sub"]},
    )
    if str(verified["header"].get("typ")).lower().removeprefix("application/") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return verified["payload"]


def covers(scope, needed):
    """Whether a token with this `scope` may do what takes `needed`: `*` is every part there, and so is one left out."""

    def parts(item):
        first, *rest = item.split(":")
        action = rest.pop() if rest else "*"
        return [first, *(rest or ["*"]), action]

    def covered(granted, wanted):
        return len(granted) == 3 and all(one in ("*", other) for one, other in zip(granted, wanted))

    return any(covered(parts(item), parts(needed)) for item in scope.split(" "))


def refuse(status, **reason):
    """Says why not in the way of RFC 6750 §3, and where this API says who gives out its tokens (RFC 9728 §5.1)."""
    parameters = {**reason, "resource_metadata": API + METADATA}
    challenge = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())
    return jsonify(reason), status, {"WWW-Authenticate": challenge}


def needs(scope):
    """Lets a request on that brings an access token with this scope; its claims are then in `g.token`."""

    def protect(handler):
        @wraps(handler)
        def protected(*args, **kwargs):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if scheme.lower() != "bearer":
                return refuse(401)
            try:
                g.token = verify(token.strip())
            except jwt.PyJWKClientConnectionError:
                # That the keys cannot be had is not the caller's fault.
                return jsonify(error="temporarily_unavailable"), 503
            except jwt.PyJWTError:
                description = "The access token is not valid for this API."
                return refuse(401, error="invalid_token", error_description=description)
            if not covers(g.token.get("scope", ""), scope):
                return refuse(403, error="insufficient_scope", scope=scope)
            return handler(*args, **kwargs)

        return protected

    return protect


@app.get(METADATA)
def metadata():
    return {
        "resource": API,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["orders:read", "orders:write"],
        "bearer_methods_supported": ["header"],
    }


@app.get("/orders")
@needs("orders:read")
def read():
    return [{"id": 1, "item": "tea"}]


@app.post("/orders")
@needs("orders:write")
def write():
    return {"id": 2, "ordered_by": g.token["sub"]}, 201


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=PORT)
