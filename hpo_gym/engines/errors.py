"""What can go wrong with an engine itself; every message is one line and says what to do."""


class EngineError(Exception):
    """Workers cannot be had or died. What the work itself raises is never turned into this."""
