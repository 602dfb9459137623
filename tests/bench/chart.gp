# SPDX-License-Identifier: ISC
# The chart of the benchmark: a panel for each length of a call, a row for each
# text and a point for each contender.  results.py sets the strings.
rows = words(texts)
panels = words(calls)
width = 260 * panels + 140
height = 22 * rows + 160
set terminal svg size width,height font "sans,12" background "white"
set encoding utf8
set output chart
set datafile separator ","
set multiplot layout 1,panels margins 110.0 / width, 1 - 20.0 / width, \
    60.0 / height, 1 - 90.0 / height spacing 16.0 / width

set logscale x
set xrange [0.015:120]
set xtics ("0.1" 0.1, "1" 1, "10" 10, "100" 100)
set xlabel "GB/s of input"
set yrange [rows + 0.5:0.5]
set grid xtics ytics linecolor rgb "#dddddd" linetype 1
set tics scale 0

# The kernels are large and filled, memcpy is a cross, peers are outlined: those
# of one language have one colour.
memcpy = kernels + 1
shapes = "4 6 8 10 12 14"
kernel_colors = "#d62728 #ff7f0e #e377c2 #8c564b"
peer_colors = "#1f77b4 #17becf #2ca02c #9467bd #bcbd22 #7f7f7f #393b79"
root(k) = word(contenders, k)[1:2]
# How many first letters there are up to this peer.
group(k) = k <= memcpy + 1 ? 1 : group(k - 1) + (root(k) ne root(k - 1))
color(k) = k <= kernels ? word(kernel_colors, k) : k == memcpy ? "#000000" : \
    word(peer_colors, (group(k) - 1) % words(peer_colors) + 1)
shape(k) = k <= kernels ? 7 : k == memcpy ? 2 : \
    int(word(shapes, (group(k) - 1) % words(shapes) + 1)) \
    + (strstrt(word(contenders, k), "-str") > 0)
size(k) = k <= kernels ? 1.0 : 0.6

do for [p = 1:panels] {
	set ytics ("" 0)
	do for [r = 1:rows] { set ytics add ((p == 1 ? word(texts, r) : "") r) }
	if (p == 1) {
		set key at screen 0.5, screen 1 - 6.0 / height center top \
		    maxrows 2 noenhanced
	} else {
		set key off
	}
	set title "calls of " . word(titles, p)
	plot for [k = 1:words(contenders)] table using \
	    (strcol(1) eq word(calls, p) && strcol(4) eq word(contenders, k) \
	    ? column(6) : NaN):2 with points pointtype shape(k) \
	    pointsize size(k) linecolor rgb color(k) title word(contenders, k)
}
unset multiplot
