# Latencies over time on a logarithmic axis. figure.gp: as time.gp; low, high, ytics; dots, failed
# (how many). Tables: dots, failed "at_s ms", points "at_s p50 p99 p99.9".
load 'reports/time.gp'
set logscale y
set yrange [low:high]
plot dots > 0 ? 'dots' : 'points' using 1:(dots > 0 ? $2 : NaN) with points pt 7 ps 0.3 lc rgb '#902f86d0', \
     'points' using 1:4 with linespoints pt 7 ps 0.2 lw 1.3 lc rgb '#c2412d', \
     '' using 1:3 with linespoints pt 7 ps 0.2 lw 1.3 lc rgb '#e0861a', \
     '' using 1:2 with linespoints pt 7 ps 0.2 lw 1.6 lc rgb '#1f9e89', \
     failed > 0 ? 'failed' : 'points' using 1:(failed > 0 ? $2 : NaN) with points pt 2 ps 0.5 lw 1.4 lc rgb '#d6336c'
