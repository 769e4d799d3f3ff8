"""A server with an OpenAI-compatible interface: JSON is posted to it, and tried again.

Its address comes from the user, its key from the environment into the header alone. No redirect is
followed, and of an answer no more is read than asked for.
"""

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from curation.networks.weights import MissingModelError

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)  # states of a server that may pass
CONNECTING = 5.0  # seconds until a server that is there has answered


class EndpointError(Exception):
    """No answer. ``passes``: another time there may be one; ``status`` is the server's, 0 where
    there was none; ``said`` is what it gave as a reason.
    """

    def __init__(self, message: str, *, passes: bool, status: int = 0, said: str = "") -> None:
        super().__init__(message)
        self.passes, self.status, self.said = passes, status, said


class Server:
    """Connections to the interface at ``url``, such as ``http://localhost:8000/v1``, of which so
    many are used at once. Each request is tried again ``retries`` times, after a pause that
    doubles, or that the server asks for where it ``obeys_pauses``; ``timeout`` seconds for one.
    The key is in the variable ``key_variable``.
    """

    def __init__(
        self,
        url: str,
        key_variable: str,
        *,
        concurrency: int,
        retries: int,
        timeout: float,
        obeys_pauses: bool = True,
    ) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        self._url, self._timeout = url.rstrip("/"), timeout
        self._session = requests.Session()
        self._session.trust_env = False  # no password of a .netrc goes to it
        self._session.max_redirects = 0
        self._key = os.environ.get(key_variable)
        if self._key:
            self._session.headers["Authorization"] = f"Bearer {self._key}"
        again = Retry(
            total=retries,
            redirect=0,
            allowed_methods={"POST"},
            status_forcelist=AGAIN,
            backoff_factor=0.5,
            backoff_max=30,
            backoff_jitter=0.5,
            respect_retry_after_header=obeys_pauses,
            raise_on_status=False,
        )
        adapter = HTTPAdapter(pool_maxsize=concurrency, max_retries=again)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def post(self, path: str, body: dict[str, Any], largest: int) -> bytes:
        """What is answered at ``path`` below the address, at most ``largest`` bytes.

        Raises ``EndpointError``.
        """
        import requests

        url = f"{self._url}/{path}"
        try:
            with self._session.post(url, json=body, timeout=self._timeout, stream=True) as response:
                status, answer = response.status_code, bytearray()
                for chunk in response.iter_content(65536):
                    answer += chunk
                    if len(answer) > largest:
                        raise EndpointError(f"{url}: more than {largest} bytes", passes=False)
                if status != requests.codes.ok:
                    said = bytes(answer[:500]).decode(errors="replace")
                    said = said.replace(self._key, "(key)") if self._key else said
                    message = f"{url}: {status} {response.reason}"
                    raise EndpointError(message, passes=status in AGAIN, status=status, said=said)
                return bytes(answer)
        except requests.RequestException as error:
            raise EndpointError(f"{url}: {type(error).__name__}", passes=True) from None


def check(url: str, named: str = "the setting 'url'") -> None:
    """Raises ``MissingModelError`` unless a server answers at the address, which a user ``named``
    so.
    """
    try:
        place = urlsplit(url)
        host, port = place.hostname, place.port or (443 if place.scheme == "https" else 80)
    except ValueError:  # a port that is none, half an IPv6 address
        host = None
    if not url.startswith(("http://", "https://")) or not host:
        raise MissingModelError(
            f"needs the address of a server, as in http://localhost:8000/v1: {url!r} is none;"
            f" correct {named}"
        )
    try:
        socket.create_connection((host, port), CONNECTING).close()
    except (OSError, UnicodeError) as error:
        raise MissingModelError(
            f"needs the server at {url}, which does not answer ({error}): start it, or "
            f"correct {named}"
        ) from None
