package cluster

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"github.com/onceproof/onceproof/internal/network"
)

// Ports come from below the range that systems hand to outgoing connections
// (Linux: from 32768): the port of a broker that is down must not be taken by
// some client's source port before the broker returns.
const (
	portLow  = 20000
	portHigh = 32000
	portTry  = 2000
)

// tcp is where containers meet, whatever a context says.
var tcp = network.TCP

var errNoPort = errors.New("no free loopback port")

// freePorts returns n different loopback ports that were free a moment ago.
func freePorts(in network.Network, n int) ([]int, error) {
	ports := make([]int, 0, n)
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	var last error
	for try := 0; len(ports) < n; try++ {
		if try == portTry {
			return nil, fmt.Errorf("%w between %d and %d: %w", errNoPort, portLow, portHigh, last)
		}
		p := portLow + int(randomUint16())%(portHigh-portLow)
		l, err := in.Listen("tcp", loopback(p))
		if err != nil {
			last = err
			continue
		}
		held = append(held, l)
		ports = append(ports, p)
	}
	return ports, nil
}

// randomUint16 has no seed: runs that start at the same time must seldom meet, and
// nothing in a run's outcome depends on a port's number.
func randomUint16() uint16 {
	var b [2]byte
	rand.Read(b[:])
	return binary.NativeEndian.Uint16(b[:])
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
