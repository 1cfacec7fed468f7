"""One module a provider: what is sent and what comes back; sockets belong to ``core``."""
