// Command sarama is the worker around github.com/IBM/sarama.
package main

import (
	"context"
	"os"

	"github.com/onceproof/onceproof/worker/roles"
)

func main() {
	os.Exit(roles.Main(context.Background(), &library{}, os.Stdin, os.Stdout, os.Stderr))
}
