# SPDX-License-Identifier: ISC
# Three panels: the cost of a message by connections and by its bytes, and bytes
# a second.  charts.py sets the strings; the table has the panel, the line, and
# the place and value of the point.
set terminal svg size 1260,440 font "sans,12" background "white"
set encoding utf8
set output chart
set datafile separator ","
set multiplot layout 1,3 margins 0.05, 0.98, 0.13, 0.78 spacing 0.05
set logscale xy
set grid linecolor rgb "#dddddd" linetype 1
set format y "%g"
colors = "#d62728 #000000 #1f77b4 #2ca02c #9467bd #ff7f0e #17becf #8c564b"
heads = "processor\u00a0time\u00a0of\u00a0a\u00a064-byte\u00a0message,\u00a0µs \
processor\u00a0time\u00a0of\u00a0a\u00a0message,\u00a0µs bytes\u00a0a\u00a0second"
foots = "connections bytes\u00a0of\u00a0a\u00a0message bytes\u00a0of\u00a0a\u00a0message"
do for [p = 1:3] {
	if (p == 1) {
		set key at screen 0.5, screen 0.98 center top maxrows 1 noenhanced
		set format x "%g"
	} else {
		set key off
		set format x "%.0b%B"
	}
	set title word(heads, p)
	set xlabel word(foots, p)
	if (p == 3) { set format y "%.0s%c" }
	plot for [k = 1:words(servers)] table using \
	    (column(1) == p && column(2) == k ? column(3) : NaN):4 \
	    with linespoints pointtype 7 pointsize 0.5 linewidth 1.5 \
	    linecolor rgb word(colors, k) title word(servers, k)
}
unset multiplot
