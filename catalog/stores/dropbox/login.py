"""Logging in to Dropbox: OAuth 2 with PKCE, where a person copies a code from the browser;
no secret of the app is needed.
"""

from __future__ import annotations

from pathlib import Path

from dropbox import DropboxOAuth2FlowNoRedirect
from requests.exceptions import HTTPError, RequestException

from catalog.errors import StoreUnavailable, UsageError
from catalog.stores.dropbox.connection import Connection, HttpSession
from catalog.stores.dropbox.credentials import SCOPES, Credentials
from catalog.stores.dropbox.failures import of_exception


class Login:
    """One attempt: `address` is the page where a person allows it,
    `finish` takes the code that the page shows.
    """

    def __init__(self, app_key: str, ca_cert: Path | None) -> None:
        self._app_key = app_key
        self._ca_cert = ca_cert
        self._flow = DropboxOAuth2FlowNoRedirect(
            app_key,
            use_pkce=True,
            token_access_type="offline",  # noqa: S106
            scope=list(SCOPES),
        )
        self._flow.requests_session = HttpSession(ca_cert, 1)
        self.address: str = self._flow.start()

    def finish(self, code: str) -> Credentials:
        """What the code is worth.

        Raises UsageError for a wrong code, StoreUnavailable without a network.
        """
        try:
            answer = self._flow.finish(code)
        except HTTPError as error:
            raise UsageError(
                "Dropbox does not accept this code.",
                hint="A code serves once and for some minutes: log in again.",
            ) from error
        except RequestException as error:
            raise of_exception(error, "dropbox", "") from error
        if not answer.refresh_token:
            raise StoreUnavailable("Dropbox gave no refresh token.", hint="Is the app key right?")
        return Credentials(
            answer.access_token, answer.refresh_token, self._app_key, answer.account_id
        )


def revoke(connection: Connection) -> None:
    """Tell Dropbox that the login is no longer used."""
    connection.call(lambda sdk: sdk.auth_token_revoke())
