# Time from left to right; the field, its axis, what time_picture_put wrote. figure.gp: left, right,
# header, footer, end_s, and commands that shade faults.
load 'reports/common.gp'
set lmargin at screen px(left)
set rmargin at screen px(width - right)
set tmargin at screen py(header)
set bmargin at screen py(height - footer)
set xrange [0:end_s]
set label 'seconds of the run' at screen px((left + width - right) / 2),py(height - 12) center
unset key
