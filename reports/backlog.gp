# Messages in queues that no member of a group has got. Table: points "at_s count".
load 'reports/time.gp'
set yrange [0:high]
set style fill solid 0.6 noborder
plot 'points' using 1:2 with filledcurves y1=0 lc rgb '#e0861a'
