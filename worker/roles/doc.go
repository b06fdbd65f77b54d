// Package roles is what workers written in Go share: the printer of events, the
// pacer, and, for a Library that needs nothing special, the roles and commit
// patterns of docs/worker-protocol.md as a whole.
//
//	func main() {
//		os.Exit(roles.Main(context.Background(), newLibrary, os.Stdin, os.Stdout, os.Stderr))
//	}
package roles
