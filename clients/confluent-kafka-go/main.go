// Command confluent-kafka-go is the worker around librdkafka by its Go binding,
// github.com/confluentinc/confluent-kafka-go.
package main

import (
	"context"
	"os"

	"github.com/onceproof/onceproof/worker/roles"
)

func main() {
	os.Exit(roles.Main(context.Background(), &library{}, os.Stdin, os.Stdout, os.Stderr))
}
