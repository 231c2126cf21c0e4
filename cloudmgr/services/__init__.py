"""Use cases: one function per command, `(world, command, actor, now) -> result`."""
