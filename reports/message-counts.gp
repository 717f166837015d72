# What became of messages, phase by phase: a table with bars. figure.gp: rows, columns, left, header,
# labels. Table: bars "row from to colour" (a column is 1 wide).
load 'reports/common.gp'
set lmargin at screen px(left)
set rmargin at screen 1
set tmargin at screen py(header)
set bmargin at screen py(height - 4)
unset border
unset xtics
set grid noxtics noytics
set ytics scale 0
set xrange [0:columns]
set yrange [rows:0]
unset key
plot 'bars' using 2:($1 + 0.5):2:3:($1 + 0.2):($1 + 0.8):4 \
         with boxxyerror fillstyle solid noborder lc rgb variable
