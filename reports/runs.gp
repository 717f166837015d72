# Shares of runs so far, small multiples on logarithmic axes. figure.gp: panels, of_group (panels of
# one combination), columns, rows_of_group, header, panel_height; title_N, axis_N, count_N, low_N,
# high_N, zero_N (the left edge is 0), lines_N, colour_N_L. Tables: panel-N-L "value percent".
load 'reports/common.gp'
set multiplot
unset key
set logscale x
set yrange [0:103]
set ytics ('0' 0, '50' 50, '100 %%' 100)
do for [p = 1:panels] {
    group = (p - 1) / of_group
    cell = (p - 1) % of_group
    left = (cell % columns) * width / columns
    top = header + (group * rows_of_group + cell / columns) * panel_height
    set lmargin at screen px(left + 58)
    set rmargin at screen px(left + width / columns - 22)
    set tmargin at screen py(top + 24)
    set bmargin at screen py(top + panel_height - 44)
    name = value(sprintf('title_%d', p))
    set label 1001 (strlen(name) > 0 ? name.', ' : '').value(sprintf('count_%d', p)).' values' \
        at screen px(left + 58),py(top + 12) left
    set label 1002 value(sprintf('axis_%d', p)) \
        at screen px(left + 18 + width / columns / 2),py(top + panel_height - 11) center
    low = value(sprintf('low_%d', p))
    high = value(sprintf('high_%d', p))
    set xrange [low:high]
    set format x '%g'
    if (value(sprintf('zero_%d', p))) { set xtics add ('0' low) } \
    else { if (high / low > 5e4) { set xtics low,100 } }
    if (value(sprintf('count_%d', p)) == 0) {
        plot -1
    } else {
        plot for [l = 1:value(sprintf('lines_%d', p))] sprintf('panel-%d-%d', p, l) using 1:2 \
            with steps lw 1.7 lc rgb value(sprintf('colour_%d_%d', p, l))
    }
    unset label
    set xtics autofreq
    unset object
    unset arrow
}
unset multiplot
