"""Pure decisions on frozen values: no I/O, no clock, no randomness, no floats for money."""
