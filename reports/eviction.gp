# When brokers are removed: since the last registration (left), since the fault (right).
load 'reports/panels.gp'
