// SPDX-License-Identifier: ISC

// Go: a goroutine for each connection, and a buffer for each.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
)

const usual = 4096

func echo(conn net.Conn, size int) {
	defer conn.Close()
	buffer := make([]byte, size)
	for {
		n, err := conn.Read(buffer)
		if n > 0 {
			if _, err := conn.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func main() {
	size := usual
	if len(os.Args) > 2 {
		given, err := strconv.Atoi(os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		size = given
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready Go", runtime.Version()[2:])
	for {
		// Connections have TCP_NODELAY unless they are asked not to.
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go echo(conn, size)
	}
}
