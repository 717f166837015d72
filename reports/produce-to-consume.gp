# From a send's begin to the message's first delivery.
load 'reports/latency.gp'
