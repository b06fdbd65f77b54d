// Command worker is the worker around another version of franz-go than the one
// that is built into onceproof; clients/franz-go/build makes it.
package main

import (
	"context"
	"os"

	franzgo "github.com/onceproof/onceproof/clients/franz-go"
)

func main() {
	os.Exit(franzgo.Main(context.Background(), os.Stdin, os.Stdout, os.Stderr))
}
