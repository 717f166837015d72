# Small multiples of one distribution each: share per bin (bars, left axis), share so far (line,
# right axis), bounds of theory (dashed, in the colour of the mechanism they hold for).
# figure.gp: panels, columns, header, panel_height; title_N, count_N, axis_N, low_N, high_N,
# step_N (between marks), tags_N, top_N; tag_colour[], tag_legend[]. Tables: panel-N-TAG.bars, panel-N-0.ecdf,
# panel-N-0.bounds.
load 'reports/common.gp'
rgb(tag) = int(sprintf('0x%s', tag_colour[tag][2:7]))
set border 11 lw 0.8
set multiplot
unset key

# Legend: one line when wide, one entry a line when narrow.
legend_x = narrow ? 8 : 58
legend_y = 12
do for [tag = 1:tag_count] {
    if (strlen(tag_legend[tag]) > 0) {
        set object 100 + tag rectangle from screen px(legend_x),py(legend_y + 5) \
            to screen px(legend_x + 10),py(legend_y - 5) \
            fillcolor rgb tag_colour[tag] fillstyle solid noborder
        set label 100 + tag tag_legend[tag] at screen px(legend_x + 15),py(legend_y) left
        if (narrow) { legend_y = legend_y + 16 } \
        else { legend_x = legend_x + 36 + font_px * 0.46 * strlen(tag_legend[tag]) }
    }
}
set arrow 100 from screen px(legend_x),py(legend_y) to screen px(legend_x + 16),py(legend_y) \
    nohead lw 1.6
set label 110 'share so far (right axis)' at screen px(legend_x + 21),py(legend_y) left
if (narrow) { legend_y = legend_y + 16 } else { legend_x = legend_x + 190 }
set arrow 101 from screen px(legend_x),py(legend_y) to screen px(legend_x + 16),py(legend_y) \
    nohead lw 1.4 dt (4,3)
set label 111 'bounds of theory' at screen px(legend_x + 21),py(legend_y) left

set y2range [0:103]
set y2tics ('0' 0, '50' 50, '100 %%' 100)
set yrange [0:*]
set format y '%g %%'
set style fill solid 0.9 noborder
do for [p = 1:panels] {
    left = ((p - 1) % columns) * width / columns
    top = header + ((p - 1) / columns) * panel_height
    set lmargin at screen px(left + 58)
    set rmargin at screen px(left + width / columns - 50)
    set tmargin at screen py(top + 24)
    set bmargin at screen py(top + panel_height - 44)
    if (value(sprintf('count_%d', p)) eq '0') {
        # The neighbour has values, this one has none: an empty field.
        set label 1 'no values' at screen px(left + width / columns / 2),py(top + panel_height / 2) center
        set xrange [0:1]
        set yrange [0:1]
        unset xtics
        unset ytics
        plot 2 # out of range
        set xtics nomirror out scale 0.5 offset 0,0.45
        set ytics nomirror out scale 0.5
        set yrange [0:*]
    } else {
        low = value(sprintf('low_%d', p))
        high = value(sprintf('high_%d', p))
        name = value(sprintf('title_%d', p))
        set label 1 (strlen(name) > 0 ? name.', ' : '').value(sprintf('count_%d', p)).' values' \
            at screen px(left + 58),py(top + 12) left
        set label 2 value(sprintf('axis_%d', p)) \
            at screen px(left + 4 + width / columns / 2),py(top + panel_height - 11) center
        set xrange [low:high]
        set xtics value(sprintf('step_%d', p))
        highest = value(sprintf('top_%d', p))
        set ytics highest > 60 ? 25 : highest > 24 ? 10 : highest > 10 ? 5 : highest > 4 ? 2 : 1
        plot for [t in value(sprintf('tags_%d', p))] sprintf('panel-%d-%s.bars', p, t) \
                 using 1:2 with filledcurves closed lc rgb tag_colour[int(t)], \
             sprintf('panel-%d-0.bounds', p) using 2:(0):(0):(103):(rgb(column(1))) axes x1y2 \
                 with vectors nohead lw 1.4 dt (4,3) linecolor rgb variable, \
             '' using 3:(0):(0):(103):(rgb(column(1))) axes x1y2 \
                 with vectors nohead lw 1.4 dt (4,3) linecolor rgb variable, \
             sprintf('panel-%d-0.ecdf', p) using 1:2 axes x1y2 with steps lw 1.6 lc rgb 'black'
    }
    # The legend belongs to the first panel only.
    unset object
    unset arrow
    unset label
}
unset multiplot
