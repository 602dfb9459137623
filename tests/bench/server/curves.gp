# SPDX-License-Identifier: ISC
# Three panels: the cost of a message by connections and by its bytes, and bytes
# a second.  charts.py sets the strings; the table has the panel, the line, and
# the place and value of the point.
set terminal svg size 1200,460 font "sans,12" background "white"
set encoding utf8
set output chart
set datafile separator ","
# A line goes on where points are of other lines.
set datafile missing NaN
set multiplot layout 1,3 margins 0.05, 0.98, 0.13, 0.8 spacing 0.06
set logscale xy
set grid linecolor rgb "#dddddd" linetype 1
colors = "#d62728 #000000 #1f77b4 #2ca02c #9467bd #ff7f0e #17becf #8c564b"
title(p) = p == 1 ? "processor time of a message of 64 bytes, µs" : \
    p == 2 ? "processor time of a message, µs" : "bytes a second"
do for [p = 1:3] {
	if (p == 1) {
		set key at screen 0.5, screen 0.98 center top maxrows 1 \
		    width -2 samplen 2 noenhanced
		set xrange [0.8:25000]
		set xtics ("1" 1, "10" 10, "100" 100, "1,000" 1000, \
		    "10,000" 10000)
		set xlabel "connections"
	} else {
		set key off
		set xrange [12:1500000]
		set xtics ("16" 16, "256" 256, "4 KiB" 4096, "64 KiB" 65536, \
		    "1 MiB" 1048576)
		set xlabel "a message"
	}
	set format y (p == 3 ? "%.0s%c" : "%g")
	set title title(p)
	plot for [k = 1:words(servers)] table using \
	    (column(1) == p && column(2) == k ? column(3) : NaN):4 \
	    with linespoints pointtype 7 pointsize 0.5 linewidth 1.5 \
	    linecolor rgb word(colors, k) title word(servers, k)
}
unset multiplot
