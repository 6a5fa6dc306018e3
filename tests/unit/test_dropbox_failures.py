"""The errors of Dropbox are told apart by what they are, whatever their messages say."""

import json
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from dropbox.exceptions import BadInputError
from requests.exceptions import SSLError
from stone.backends.python_rsrc.stone_validators import ValidationError
from urllib3.exceptions import MaxRetryError
from urllib3.exceptions import SSLError as LineError

from catalog.errors import InvalidPath, StoreError, StoreUnavailable
from catalog.stores.dropbox.connection import Connection, Unreadable
from catalog.stores.dropbox.credentials import Credentials
from catalog.stores.dropbox.failures import is_untrusted, of_exception


def of_line(cause: Exception) -> SSLError:
    """An error of the encryption as requests raises it."""
    return SSLError(MaxRetryError(None, "/2/files/list_folder", LineError(cause)))


def test_a_certificate_that_is_not_trusted_is_known_by_the_error_and_not_by_its_words():
    assert is_untrusted(of_line(ssl.SSLCertVerificationError(1, "self signed")))
    assert not is_untrusted(of_line(ssl.SSLEOFError(8, "EOF after the certificate")))
    assert not is_untrusted(requests.exceptions.ConnectionError("certificate"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps({"error": "invalid_client", "error_description": "?"}), StoreUnavailable),
        (json.dumps({"error": "unsupported", "path": "/invalid_client"}), InvalidPath),
        (json.dumps(["invalid_client"]), InvalidPath),
        ("Error in call: invalid_client is no path", InvalidPath),
    ],
)
def test_an_app_that_is_not_known_is_told_by_the_code_of_the_answer(
    body: str, kind: type[StoreError]
):
    assert type(of_exception(BadInputError("id", body), "dropbox", "/a.jpg")) is kind


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A connection on which everything is answered."""
    monkeypatch.setattr(requests.Session, "send", lambda *_args, **_options: requests.Response())
    return Connection(Credentials("token"))


def refused(_sdk: object) -> None:
    """What the SDK does with an argument that no request could hold."""
    raise ValidationError("the catch-all of all paths")


def test_what_the_sdk_refuses_before_it_asks_is_a_path_that_dropbox_cannot_hold(
    connection: Connection,
):
    for ask in (connection.call, connection.once):
        with pytest.raises(InvalidPath):
            ask(refused, "/a.jpg")


def test_what_the_sdk_refuses_once_it_was_answered_is_an_answer_that_it_cannot_read(
    connection: Connection,
):
    def unread(_sdk: object) -> None:
        connection.session.get("https://api.dropboxapi.com/2/files/move_batch_v2")
        raise ValidationError("unknown")

    with pytest.raises(Unreadable):
        connection.once(unread, "/a.jpg")
    with pytest.raises(StoreError) as caught:
        connection.call(unread, "/a.jpg")
    assert type(caught.value) is StoreError
    with pytest.raises(InvalidPath):  # an answer of before is none of this request
        connection.call(refused, "/a.jpg")


def test_an_answer_that_another_thread_had_is_none_of_this_one(connection: Connection):
    def answered() -> bool:
        connection.session.begin()
        connection.session.get("https://api.dropboxapi.com/2/users/get_current_account")
        return connection.session.is_answered

    connection.session.begin()
    with ThreadPoolExecutor(1) as other:
        assert other.submit(answered).result()
    assert not connection.session.is_answered
