class OAuthError(Exception):
    """Intuit's OAuth server refused. `error` is its code; `retryable`: trying again may help."""

    retryable = False

    def __init__(self, message: str, *, error: str | None = None, intuit_tid: str | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.intuit_tid = intuit_tid


class GrantInvalid(OAuthError):
    """The code or refresh token is expired, used, revoked or of another application: connect again."""


class ClientInvalid(OAuthError):
    """Client id or secret is wrong: correct the configuration; every company's grant is as good as before."""


class OAuthUnavailable(OAuthError):
    """No usable answer. A refresh may have happened unseen: try again with the same refresh token."""

    retryable = True
