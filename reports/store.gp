# What stores did. figure.gp: as time.gp; rows, ytics. Table: bars "low high from to colour".
load 'reports/time.gp'
set border 1 lw 0.8
set yrange [rows:0]
set ytics scale 0
set grid noytics
plot 'bars' using 3:(($1 + $2) / 2):3:4:1:2:5 \
         with boxxyerror fillstyle solid noborder lc rgb variable
