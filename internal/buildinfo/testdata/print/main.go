// Command print prints what it knows of itself, for TestLinkerFlags.
package main

import (
	"os"

	"github.com/onceproof/onceproof/internal/buildinfo"
)

func main() {
	if err := buildinfo.Read().Print(os.Stdout); err != nil {
		panic(err)
	}
}
