"""The one exception of the package."""


class Error(Exception):
    """What went wrong with a picture, a model or a call.

    Attributes:
        code: one of usage, not_found, unreadable, decode, too_large, checkpoint, shape, backend, output.
        message: ``<thing>: <what> is <actual>, expected <wanted>``, as in the program's rows.
        hint: what to do next; may be empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message
