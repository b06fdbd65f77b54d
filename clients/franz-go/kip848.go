//go:build !no_kip848

package franzgo

import "github.com/twmb/franz-go/pkg/kgo"

// serverSide has the broker assign partitions (KIP-848).
func serverSide() []kgo.Opt { return []kgo.Opt{kgo.ServerSideBalancer()} }
