"""What the database's tests share; their fixtures are in store_fixtures."""

NOW = 1_795_250_000  # 2026-11-21 08:33:20 UTC


class Clock:
    """The wall clock, as a test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now + 0.5
