# Messages per second. Table: points "at_s sent acknowledged delivered failed".
load 'reports/time.gp'
set yrange [0:high]
plot 'points' using 1:2 with lines lw 2.4 lc rgb '#a469c9', \
     '' using 1:3 with lines lw 1.5 lc rgb '#2f86d0', \
     '' using 1:4 with lines lw 1.5 lc rgb '#1f9e89', \
     '' using 1:5 with lines lw 1.5 lc rgb '#d6336c'
