package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// sidecarEnv marks a process that docker.sidecar started in a container. Any
// program that links this package is its own sidecar then, test binaries
// included: that is why an init, and not a command, looks for it. No other
// process has the variable.
const sidecarEnv = "ONCEPROOF_SIDECAR_ROLE"

func init() {
	if os.Getenv(sidecarEnv) != "" {
		os.Exit(sidecarMain(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // this process is the sidecar; nothing else is to run in it
	}
}

// reachTimeout is how long a peer may take to accept a connection. A dropped
// SYN is sent again after a second; a healthy peer on the same host needs none.
const reachTimeout = 1500 * time.Millisecond

// sidecarMain runs inside a broker's network namespace:
//
//	hold            until SIGTERM: the container that the others are executed in
//	drop [IP…]      drop packets from these, and only these
//	dropping        print whether anything is dropped
//	reach HOST:PORT print whether a connection can be made
//	netem DEVICE    delay a device by nothing: does the kernel have it?
func sidecarMain(args []string, out, errOut io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintln(errOut, err)
		return 1
	}
	if len(args) == 0 {
		return fail(errors.New("no command"))
	}
	switch cmd, args := args[0], args[1:]; {
	case cmd == "hold":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		<-term
	case cmd == "drop":
		var peers []peer
		for _, a := range args {
			p, err := parsePeer(a)
			if err != nil {
				return fail(err)
			}
			peers = append(peers, p)
		}
		if err := dropFrom(peers); err != nil {
			return fail(err)
		}
	case cmd == "dropping":
		on, err := dropping()
		if err != nil {
			return fail(err)
		}
		fmt.Fprintln(out, on)
	case cmd == "reach" && len(args) == 1:
		conn, err := net.DialTimeout("tcp", args[0], reachTimeout)
		if err == nil {
			conn.Close()
		}
		fmt.Fprintln(out, err == nil)
	case cmd == "netem" && len(args) == 1:
		if err := addNetem(args[0]); err != nil {
			return fail(err)
		}
	default:
		return fail(fmt.Errorf("%s: no such command", cmd))
	}
	return 0
}

// peer is whose packets are dropped: all, or those to and from one port.
type peer struct {
	addr netip.Addr
	port uint16 // 0 = all
}

// parsePeer reads "10.0.0.2" or "10.0.0.2:9094".
func parsePeer(s string) (peer, error) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return peer{ap.Addr(), ap.Port()}, nil
	}
	addr, err := netip.ParseAddr(s)
	return peer{addr: addr}, err
}
