# Who lists whom, over time. figure.gp: rows, end_s, left, right, header, footer, faults (there
# are some), shade (they are few), and the
# labels of lanes and bars. Tables: bars "row kind from to" (1 listed, 2 listed while a fault holds
# the broker, 3 fault), bands "row from to" (faults).
load 'reports/common.gp'
LISTED = 0x1f9e89
STALE = 0xcc4a1c
FAULT = 0x6b7280
colour(kind) = kind == 1 ? LISTED : kind == 2 ? STALE : FAULT
set lmargin at screen px(left)
set rmargin at screen px(width - right)
set tmargin at screen py(header)
set bmargin at screen py(height - footer)
set border 1 lw 0.8
set yrange [rows:0]
set xrange [0:end_s]
set ytics scale 0
set grid noytics
set label 'seconds of the run' at screen px((left + width) / 2),py(height - 12) center
unset key

# Legend
array word[3] = ['listed', narrow ? 'listed, though a fault holds it' \
    : 'still listed while a fault holds the broker (seconds)', 'fault']
x = 8
y = 12
do for [i = 1:3] {
    set object i rectangle from screen px(x),py(y + 5) to screen px(x + 14),py(y - 5) \
        fillcolor rgb colour(i) fillstyle solid noborder
    set label word[i] at screen px(x + 19),py(y) left
    x = x + 36 + font_px * 0.46 * strlen(word[i])
    if (narrow && i == 2) { x = 8; y = 28 }
}
set label narrow ? 'word at a bar''s end: what removed it' \
    : 'word at the end of a bar: what removed the broker' at screen px(x),py(y) left

# Few faults are shaded from top to bottom; one that takes no time is a diamond.
set style fill solid noborder
if (faults) {
    plot 'bands' using (shade ? $2 : NaN):(rows / 2.0):2:3:(0):(rows) \
             with boxxyerror fillstyle transparent solid 0.16 noborder lc rgb '#8a8f98', \
         '' using (shade ? $2 : NaN):(0):(0):(rows) \
             with vectors nohead lw 1 dt (3,3) lc rgb '#8a8f98', \
         'bars' using 3:($1 + 0.5):3:4:($1 + 0.2):($1 + 0.8):(colour($2)) \
             with boxxyerror fillstyle solid noborder lc rgb variable, \
         'bands' using ($3 > $2 ? NaN : $2):($1 + 0.5) with points pt 13 ps 0.9 lc rgb '#6b7280'
} else {
    plot 'bars' using 3:($1 + 0.5):3:4:($1 + 0.2):($1 + 0.8):(colour($2)) \
             with boxxyerror fillstyle solid noborder lc rgb variable
}
