# How long sends took.
load 'reports/latency.gp'
