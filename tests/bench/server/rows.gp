# SPDX-License-Identifier: ISC
# A panel for each scenario and a row for each server.  charts.py sets the
# strings; the table has the panel, the row, the value and the server.
rows = words(servers)
n = words(panels)
width = 170 * n + 180
height = 22 * rows + 110
set terminal svg size width,height font "sans,12" background "white"
set encoding utf8
set output chart
set datafile separator ","
set multiplot layout 1,n margins 160.0 / width, 1 - 20.0 / width, \
    40.0 / height, 1 - 70.0 / height spacing 16.0 / width
set label heading at screen 0.5, screen 1 - 20.0 / height center \
    font "sans,14"
set logscale x
set yrange [rows + 0.5:0.5]
set grid xtics ytics linecolor rgb "#dddddd" linetype 1
set tics scale 0
set key off
if (ratio ne "") {
	set xrange [0.1:50]
	set xtics ("0.1" 0.1, "0.3" 0.3, "1" 1, "3" 3, "10" 10, "30" 30)
	set arrow from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#888888"
} else {
	set xrange [0.1:100000]
	set xtics ("1" 1, "64" 64, "1 K" 1024, "32 K" 32768)
}
# Ours is red and the floor is black; with a buffer of a given size the others
# are outlined.
color(name) = name[1:7] eq "upcased" ? 0xd62728 : \
    name eq "epoll" ? 0x000000 : 0x1f77b4
shape(name) = strstrt(name, ":") > 0 ? 6 : 7
do for [p = 1:n] {
	set ytics ("" 0)
	do for [r = 1:rows] { set ytics add ((p == 1 ? word(servers, r) : "") r) }
	set title word(panels, p)
	plot table using (column(1) == p ? column(3) : NaN):2: \
	    (shape(strcol(4))):(color(strcol(4))) with points \
	    pointtype variable pointsize 0.8 linecolor rgb variable
	unset label
}
unset multiplot
