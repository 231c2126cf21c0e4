"""Recorded and made-up demand. Owns reading it exactly; what a run does with it lies elsewhere.

`registry.open_trace` reads any known format as a stream of chunks, `shares` turns a trace into
the per-VM share of its size that a city follows, `archetypes` makes demand where none was
recorded, `convert` and `inspect` serve the command line.
"""
