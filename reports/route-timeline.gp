# Who lists whom, over time. figure.gp: rows, end_s, header, footer, fault_count, labels of lanes.
# Tables: bars "row kind from to" (1 listed, 2 listed while a fault holds the broker, 3 fault),
# marks "row at next reason" (a bar's end), bands "row from to target" (faults).
load 'reports/common.gp'
LISTED = 0x1f9e89
STALE = 0xcc4a1c
FAULT = 0x6b7280
colour(kind) = kind == 1 ? LISTED : kind == 2 ? STALE : FAULT
left = narrow ? 96 : 150
set lmargin at screen px(left)
set rmargin at screen px(width - (narrow ? 14 : 24))
set tmargin at screen py(header)
set bmargin at screen py(height - footer)
set border 1 lw 0.8
set yrange [rows:0]
set xrange [0:end_s]
set ytics scale 0
set grid noytics
set label 905 'seconds of the run' at screen px((left + width) / 2),py(height - 12) center
unset key
s_per_px = end_s / (width - left - 20.0)

# Legend
array word[3] = ['listed', narrow ? 'listed, though a fault holds it' : 'still listed while a fault holds the broker (seconds)', 'fault']
x = 8
y = 12
do for [i = 1:3] {
    set object 100 + i rectangle from screen px(x),py(y + 5) to screen px(x + 14),py(y - 5) \
        fillcolor rgb colour(i) fillstyle solid noborder
    set label 900 + i word[i] at screen px(x + 19),py(y) left
    x = x + 36 + font_px * 0.46 * strlen(word[i])
    if (narrow && i == 2) { x = 8; y = 28 }
}
if (narrow) { set label 904 'word at a bar''s end: what removed it' at screen px(72),py(28) left } \
else { set label 904 'word at the end of a bar: what removed the broker' at screen px(x),py(y) left }

# Few faults are shaded from top to bottom.
set style fill solid noborder
shade = fault_count <= 6
small = sprintf('sans-serif,%d', font_px - 2)
# gnuplot 5.4 crashes over labels of which all are NaN; left of the axis they are left out as well.
OUT = -1e9
# A fault's target stands behind its bar, else inside, else before it.
needs(text) = (strlen(text) * 0.55 * font_px + 10) * s_per_px
fits(c) = shade && end_s - column(c) > needs(strcol(4))
inside(c) = shade && column(c) - column(2) > needs(strcol(4))
plot 'bands' using (shade ? $2 : NaN):(rows / 2.0):2:($3 > $2 ? $3 : $2):(0):(rows) \
         with boxxyerror fillstyle transparent solid 0.16 noborder lc rgb '#8a8f98', \
     '' using (shade ? $2 : NaN):(0):(0):(rows) with vectors nohead lw 1 dt (3,3) lc rgb '#8a8f98', \
     'bars' using 3:($1 + 0.5):3:4:($1 + 0.2):($1 + 0.8):(colour($2)) \
         with boxxyerror fillstyle solid noborder lc rgb variable, \
     'bands' using ($3 > $2 && shade ? NaN : $2):($1 + 0.5) with points pt 13 ps 0.9 lc rgb '#6b7280', \
     '' using (fits(3) ? $3 + 8 * s_per_px : OUT):($1 + 0.5):4 with labels left font small, \
     '' using (!fits(3) && inside(3) ? $3 - 5 * s_per_px : OUT):($1 + 0.5):4 \
         with labels right font small textcolor rgb '#ffffff', \
     '' using (shade && !fits(3) && !inside(3) ? $2 - 9 * s_per_px : OUT):($1 + 0.5):4 \
         with labels right font small, \
     'bars' using ($2 == 2 && $4 - $3 > 30 * s_per_px ? ($3 + $4) / 2 : OUT):($1 + 0.5):(sprintf('%.0f s', $4 - $3)) \
         with labels center font small textcolor rgb '#ffffff', \
     'marks' using ($3 - $2 > 36 * s_per_px ? $2 + 4 * s_per_px : OUT):($1 + 0.5):4 with labels left font small
