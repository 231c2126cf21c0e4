"""Usage readings: batches in, quarantine, the lake, and the one rollup (Arrow in and out)."""
