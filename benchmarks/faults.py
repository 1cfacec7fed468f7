"""``make bench-faults``: what the connection layer protects from, each with its bound and whether it is met."""

from benchmarks import dead_path, failing_connections, idle_limit


def main() -> None:
    """All three."""
    failing_connections.main()
    idle_limit.main()
    dead_path.main()


if __name__ == "__main__":
    main()
