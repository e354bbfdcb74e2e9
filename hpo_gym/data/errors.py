"""The two ways in which data can fail a user: it is not there, or it is not what it should be."""


class DataError(Exception):
    """Base of everything that `hpo_gym.data` raises on purpose; the message says what to do."""


class DataNotFoundError(DataError, FileNotFoundError):
    """The data is not on this machine. The message names the one command that gets it."""


class TableError(DataError, ValueError):
    """A file or an array is not the table it claims to be. The message names file, place and value."""
