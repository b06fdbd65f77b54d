// Package sidecar is the program that runs in the network or process namespace of a
// broker's container, and does there what the broker's image cannot: packet filters and
// queues (netlink), full disks, and patches of the broker's process (ptrace). It is this
// program's own executable, copied into a container beside the broker's.
//
//	cluster (docker) ── starts, with Env set ──> sidecar ──> nftables, nfqueue, ptrace
package sidecar

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Env marks a process that docker.sidecar started in a container. Any
// Program that links this package is its own sidecar then, test binaries
// included: that is why an init, and not a command, looks for it. No other
// process has the variable.
const Env = "ONCEPROOF_SIDECAR_ROLE"

func init() {
	if os.Getenv(Env) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // this process is the sidecar; nothing else is to run in it
	}
}

// reachTimeout is how long a peer may take to accept a connection. A dropped
// SYN is sent again after a second; a healthy peer on the same host needs none.
const reachTimeout = 1500 * time.Millisecond

const roundTripTimeout = 20 * time.Second

// run is one command of sidecarCommands.
func run(args []string, out, errOut io.Writer) int {
	err := errors.New("no command")
	if len(args) > 0 {
		do, known := commands[args[0]]
		if err = fmt.Errorf("%s: no such command", args[0]); known {
			err = do(args[1:], out)
		}
	}
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	return 0
}

// commands are what is done beside a node.
var commands = map[string]func(args []string, out io.Writer) error{
	// hold: until SIGTERM, the container that the others are executed in.
	"hold": func([]string, io.Writer) error {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		<-term
		return nil
	},
	// drop [IP[:PORT]…]: drop packets from these, and only these.
	"drop": func(args []string, _ io.Writer) error {
		var peers []peer
		for _, a := range args {
			p, err := parsePeer(a)
			if err != nil {
				return err
			}
			peers = append(peers, p)
		}
		return dropFrom(peers)
	},
	// dropping: print whether anything is dropped.
	"dropping": func(_ []string, out io.Writer) error {
		on, err := dropping()
		if err == nil {
			fmt.Fprintln(out, on)
		}
		return err
	},
	// reach HOST:PORT: print whether packets come there and back. A refusal has, too: the
	// node is there, and its broker not yet.
	"reach": one(func(addr string, out io.Writer) error {
		conn, err := net.DialTimeout("tcp", addr, reachTimeout)
		if err == nil {
			conn.Close()
		}
		fmt.Fprintln(out, err == nil || errors.Is(err, syscall.ECONNREFUSED))
		return nil
	}),
	// fill DIR: take every byte of its file system, and print how many they were.
	"fill": one(func(dir string, out io.Writer) error {
		took, err := fillDisk(dir)
		fmt.Fprintln(out, took)
		return err
	}),
	// free DIR: give back what fill took.
	"free": one(func(dir string, _ io.Writer) error { return freeDisk(dir) }),
	// space DIR: print how many bytes are left.
	"space": one(func(dir string, out io.Writer) error {
		left, err := spaceOf(dir)
		fmt.Fprintln(out, left)
		return err
	}),
	// impair LINK…: see impairUntil.
	"impair": impairUntil(os.Stdin),
	// roundtrip HOST:PORT: print how long it takes to make a connection.
	"roundtrip": one(func(addr string, out io.Writer) error {
		began := time.Now()
		conn, err := net.DialTimeout("tcp", addr, roundTripTimeout)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, time.Since(began))
		return conn.Close()
	}),
	// skew PID DURATION: the process's wall clock is so much ahead of the host's.
	"skew": ofProcess(skewClock),
	// drag PID DURATION: its writes to files take so much longer; a negative one freezes them.
	"drag": ofProcess(func(pid int, by time.Duration) error {
		return slowDisk(pid, drag{by: max(by, 0), frozen: by == Frozen})
	}),
}

// impairUntil: packets of the links of args pass as those say, until in ends. It prints
// a line when that holds, and then what passed, as JSON, whenever it changes.
func impairUntil(in io.Reader) func(args []string, out io.Writer) error {
	return func(args []string, out io.Writer) error {
		var links []*impaired
		for _, a := range args {
			l, err := parseImpaired(a)
			if err != nil {
				return err
			}
			links = append(links, l)
		}
		ends := make(chan struct{})
		go func() {
			defer close(ends)
			io.Copy(io.Discard, in)
		}()
		print := json.NewEncoder(out)
		var last []Passage
		return impairFrom(links, ends, func() { fmt.Fprintln(out, "ready") }, func() {
			var now []Passage
			for _, l := range links {
				l.count.Lock()
				now = append(now, l.Passage)
				l.count.Unlock()
			}
			if !slices.Equal(now, last) {
				last = now
				print.Encode(now)
			}
		})
	}
}

// parseImpaired reads what Impairment.arg writes, "10.0.0.2:9094 50ms 150ms 0.05 1024".
func parseImpaired(arg string) (*impaired, error) {
	var addr, by, most string
	l := &impaired{}
	if _, err := fmt.Sscan(arg, &addr, &by, &most, &l.Loss, &l.Rate); err != nil {
		return nil, fmt.Errorf("link %q: %w", arg, err)
	}
	var errs [3]error
	l.peer, errs[0] = parsePeer(addr)
	l.By, errs[1] = time.ParseDuration(by)
	l.Most, errs[2] = time.ParseDuration(most)
	return l, errors.Join(errs[:]...)
}

// ofProcess is a command with a process and a duration.
func ofProcess(do func(int, time.Duration) error) func([]string, io.Writer) error {
	return func(args []string, _ io.Writer) error {
		if len(args) != 2 {
			return fmt.Errorf("%d arguments: want a process and a duration", len(args))
		}
		pid, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		by, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return do(pid, by)
	}
}

// one is a command of one argument.
func one(do func(arg string, out io.Writer) error) func([]string, io.Writer) error {
	return func(args []string, out io.Writer) error {
		if len(args) != 1 {
			return fmt.Errorf("%d arguments: want one", len(args))
		}
		return do(args[0], out)
	}
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
