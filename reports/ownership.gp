# Who owns which queue. figure.gp: as time.gp; rows, ytics, overlaps (how many), overlap_colour.
# Tables: bars "row from to colour", overlaps "row from to".
load 'reports/time.gp'
set border 1 lw 0.8
set yrange [rows:0]
set ytics scale 0
set grid noytics
set style fill solid noborder
plot 'bars' using 2:($1 + 0.5):2:3:($1 + 0.14):($1 + 0.86):4 \
         with boxxyerror fillstyle solid noborder lc rgb variable, \
     overlaps > 0 ? 'overlaps' : 'bars' using (overlaps > 0 ? $2 : NaN):($1 + 0.5):2:3:($1 + 0.02):($1 + 0.98) \
         with boxxyerror fillstyle solid noborder lc rgb overlap_colour
