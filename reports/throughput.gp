# Messages per second: sends above, deliveries below, since working off a backlog is so much faster.
# figure.gp: as time.gp; high, high_2, field_px. Table: points "at_s sent acknowledged failed
# delivered".
load 'reports/time.gp'
set multiplot
set bmargin at screen py(header + field_px - 16)
set yrange [0:high]
set format x ''
plot 'points' using 1:2 with lines lw 2.4 lc rgb '#a469c9', \
     '' using 1:3 with lines lw 1.5 lc rgb '#2f86d0', \
     '' using 1:4 with lines lw 1.5 lc rgb '#d6336c'
unset label # drawn once
set tmargin at screen py(header + field_px)
set bmargin at screen py(height - footer)
set yrange [0:high_2]
set format x '%g'
plot 'points' using 1:5 with lines lw 1.5 lc rgb '#1f9e89'
unset multiplot
