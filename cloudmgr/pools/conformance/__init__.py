"""The conformance suite of the pool interface: what any pool is asked, and what it showed."""
