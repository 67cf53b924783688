class CannotBook(Exception):
    """This record cannot become what the books need until a person changes something.

    `cause` is a stable code, `message` says in words what is wrong and what to do.
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
