// SPDX-License-Identifier: Apache-2.0

// Goroutines share a mutex; told so, one has it and sleeps.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"time"
)

var mutex sync.Mutex
var sum int

func work() {
	for {
		mutex.Lock()
		for i := 0; i < 20000; i++ {
			sum += i % 7
		}
		mutex.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

func main() {
	for i := 0; i < 5; i++ {
		go work()
	}
	fmt.Println("ready")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		mutex.Lock()
		time.Sleep(2 * time.Second)
		mutex.Unlock()
		fmt.Println("thawed")
	}
}
