# Set-up that all pictures share. Reads figure.gp's: terminal, width, height, font_px, narrow.
set encoding utf8
if (terminal eq 'png') {
    set terminal pngcairo size width,height font sprintf('sans,%d', font_px * 3 / 4) noenhanced
} else {
    set terminal svg size width,height font sprintf('sans-serif,%d', font_px) noenhanced
}
set output 'out'
set border 3 lw 0.8
set tics nomirror out scale 0.5
set xtics offset 0,0.45
set grid xtics ytics lt 1 lw 0.5 lc rgb '#c0888888' # alpha comes first; shows on white and black
px(x) = x / (1.0 * width)        # pixels from the left, as screen units
py(y) = 1 - y / (1.0 * height)   # pixels from the top
