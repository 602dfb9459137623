// SPDX-License-Identifier: ISC

// Go's bytes.ToUpper as a contender: see contender.h.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
)

var pieces [][]byte

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(path, cuts string) string {
	text, err := os.ReadFile(path)
	must(err)
	lines, err := os.ReadFile(cuts)
	must(err)
	pieces = nil
	begin := 0
	for _, line := range strings.Fields(string(lines)) {
		end, err := strconv.Atoi(line)
		must(err)
		pieces = append(pieces, text[begin:end])
		begin = end
	}
	return "loaded"
}

func measure(least int64) string {
	var count, length, spent int64
	begin := time.Now()
	for {
		for _, piece := range pieces {
			count += int64(len(piece))
			length += int64(len(bytes.ToUpper(piece)))
		}
		spent = time.Since(begin).Nanoseconds()
		if spent >= least {
			return fmt.Sprintf("%d\t%d\t%d", count, spent, length)
		}
	}
}

func writeAnswer(path string) string {
	var answer []byte
	for _, piece := range pieces {
		answer = append(answer, bytes.ToUpper(piece)...)
	}
	must(os.WriteFile(path, answer, 0o666))
	return "written"
}

func serve(line string) string {
	words := strings.Split(line, "\t")
	switch words[0] {
	case "load":
		return load(words[1], words[2])
	case "time":
		least, err := strconv.ParseInt(words[2], 10, 64)
		must(err)
		return measure(least)
	default:
		return writeAnswer(words[2])
	}
}

func main() {
	fmt.Printf("go\tGo %s, Unicode %s: bytes.ToUpper, UTF-8 to UTF-8, "+
		"simple mappings alone\nready\n",
		strings.TrimPrefix(runtime.Version(), "go"), unicode.Version)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(serve(lines.Text()))
	}
}
