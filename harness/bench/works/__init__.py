"""The works of harness/bench/real: one file per subject; each measure_... gives a dict of figures."""
