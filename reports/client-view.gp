# When clients drop a broker: since the fault (left), since the name server removed it (right).
load 'reports/panels.gp'
