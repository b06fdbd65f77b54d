package sidecar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Packets of an impaired link go from the kernel to us (nfnetlink_queue) before the node
// gets them: we say of each, later, that it may pass, or that it may not.

// queueTable is the nftables table that sends packets here, and does nothing else.
const queueTable = "onceproof-queue"

// queueLength is how many packets may wait: what comes on top is lost.
const queueLength = 1 << 16

// Of include/uapi/linux/netfilter/nfnetlink_queue.h.
const (
	nfqPacket, nfqVerdict, nfqConfig         = 0, 1, 2
	nfqaConfigCommand, nfqaConfigParams      = 1, 2
	nfqaConfigMaxLen                         = 3
	nfqaConfigMask, nfqaConfigFlags          = 4, 5
	nfqaPacketHeader, nfqaVerdict, nfqaBytes = 1, 2, 10
	nfqCommandBind, nfqCopyPacket            = 1, 2
	nfqFlagGSO                               = 1 << 2
	headerSize                               = 40 // of IPv4 and the beginning of TCP
)

// impaired is one peer whose packets pass late, or not at all.
type impaired struct {
	peer
	Impairment
	Passage
	free  time.Time // when the rate lets the next one pass
	last  time.Time // when the last one passes
	lane  chan waiting
	count sync.Mutex // guards Passage
}

type waiting struct {
	id  uint32
	due time.Time
}

// impairFrom holds the packets that come from peers until ends does, and tells of each
// change of their counts now and then.
func impairFrom(links []*impaired, ends <-chan struct{}, ready func(), tell func()) (err error) {
	fd, err := openQueue()
	if err != nil {
		return fmt.Errorf("packet queue: %w", err)
	}
	var lanes sync.WaitGroup
	stop := make(chan struct{})
	defer func() {
		close(stop)
		lanes.Wait()
		err = errors.Join(err, unix.Close(fd))
	}()
	var peers []peer
	for _, l := range links {
		peers = append(peers, l.peer)
		l.lane = make(chan waiting, queueLength)
		lanes.Go(func() { l.release(fd, stop) })
	}
	if err := enqueue(peers); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, steer(queueTable, afterDrop, nil, nil)) }()
	ready()
	told := time.Now()
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-ends:
			return nil
		default:
		}
		n, _, err := unix.Recvfrom(fd, buf, 0) // returns after receiveWait at the latest
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS): // packets were lost on the way to us, as on any way
		case err != nil:
			return fmt.Errorf("packet queue: %w", err)
		default:
			take(fd, links, buf[:n])
		}
		if time.Since(told) > tellEvery {
			told = time.Now()
			tell()
		}
	}
}

// afterDrop is a priority: what is dropped need not wait.
const afterDrop = 10

// enqueue sends packets to queue 0: by nftables' own expression, or, in kernels that are
// built without, by iptables' target, which nftables can use too.
func enqueue(peers []peer) error {
	const one, bypass = 1, 1 // queue; and where nobody listens, packets pass
	own := expr("queue", attr(1, []byte{0, 0}), attr(2, []byte{0, one}), attr(3, []byte{0, bypass}))
	var info []byte // struct xt_NFQ_info_v3, padded
	for _, field := range []uint16{0, one, bypass, 0} {
		info = binary.NativeEndian.AppendUint16(info, field)
	}
	target := expr("target", attr(1, str("NFQUEUE")), attr(2, be32(3)), attr(3, info))
	err := steer(queueTable, afterDrop, peers, own)
	if err == nil {
		return nil
	}
	if again := steer(queueTable, afterDrop, peers, target); again != nil {
		return fmt.Errorf("by nft_queue: %w; by xt_NFQUEUE: %w", err, again)
	}
	return nil
}

const (
	tellEvery   = 200 * time.Millisecond
	receiveWait = 100 * time.Millisecond
)

// openQueue binds queue 0, which a rule's bare verdict means.
func openQueue() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: receiveWait.Microseconds()}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20),
		configure(fd, attr(nfqaConfigCommand, []byte{nfqCommandBind, 0, 0, unix.AF_INET})),
		configure(fd, attr(nfqaConfigParams, append(be32(headerSize), nfqCopyPacket)),
			attr(nfqaConfigMaxLen, be32(queueLength)), attr(nfqaConfigMask, be32(nfqFlagGSO)), attr(nfqaConfigFlags, be32(nfqFlagGSO))),
	)
	if err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// configure is acknowledged before any packet comes: there are no rules yet.
func configure(fd int, attrs ...[]byte) error {
	if err := send(fd, nfqConfig, unix.NLM_F_ACK, attrs...); err != nil {
		return err
	}
	answer := make([]byte, 1<<12)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	if n >= unix.NLMSG_HDRLEN+4 && binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		if code := int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
			return unix.Errno(-code)
		}
	}
	return nil
}

func send(fd int, kind, flags uint16, attrs ...[]byte) error {
	body := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, 0} // queue 0
	for _, a := range attrs {
		body = append(body, a...)
	}
	return unix.Sendto(fd, message(unix.NFNL_SUBSYS_QUEUE<<8|kind, flags, 1, body), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

func decide(fd int, id uint32, verdict uint32) error {
	return send(fd, nfqVerdict, 0, attr(nfqaVerdict, append(be32(verdict), be32(id)...)))
}

// take gives each packet of a datagram its time to pass.
func take(fd int, links []*impaired, datagram []byte) {
	for p := datagram; len(p) >= unix.NLMSG_HDRLEN+4; {
		size := int(binary.NativeEndian.Uint32(p))
		if size < unix.NLMSG_HDRLEN+4 || size > len(p) {
			return
		}
		if binary.NativeEndian.Uint16(p[4:]) == unix.NFNL_SUBSYS_QUEUE<<8|nfqPacket {
			if id, from, length, ok := packetOf(p[unix.NLMSG_HDRLEN+4 : size]); ok {
				impair(fd, links, id, from, length)
			}
		}
		p = p[min(len(p), (size+3)&^3):]
	}
}

// packetOf reads the attributes of a packet: its number, and of its IPv4 header whom it
// is from and how long it is.
func packetOf(attrs []byte) (id uint32, from netip.Addr, length int, ok bool) {
	for len(attrs) >= 4 {
		size, kind := int(binary.NativeEndian.Uint16(attrs)), binary.NativeEndian.Uint16(attrs[2:])
		if size < 4 || size > len(attrs) {
			return 0, netip.Addr{}, 0, false
		}
		value := attrs[4:size]
		switch {
		case kind == nfqaPacketHeader && len(value) >= 4:
			id, ok = binary.BigEndian.Uint32(value), true
		case kind == nfqaBytes && len(value) >= 20:
			length = int(binary.BigEndian.Uint16(value[2:]))
			from, _ = netip.AddrFromSlice(value[12:16])
		}
		attrs = attrs[min(len(attrs), (size+3)&^3):]
	}
	return id, from, length, ok
}

func impair(fd int, links []*impaired, id uint32, from netip.Addr, length int) {
	now := time.Now()
	for _, l := range links {
		if l.addr != from {
			continue
		}
		if l.Loss > 0 && rand.Float64() < l.Loss { //nolint:forbidigo // packets come in no order that a seed could fix
			l.note(0, true)
			_ = decide(fd, id, nfDrop) // an error means that it is gone already
			return
		}
		due := now
		if l.Rate > 0 {
			if l.free.Before(now) {
				l.free = now
			}
			l.free = l.free.Add(time.Duration(float64(length) / float64(l.Rate) * float64(time.Second)))
			due = l.free
		}
		due = due.Add(l.By)
		if jitter := l.Most - l.By; jitter > 0 {
			due = due.Add(rand.N(jitter)) //nolint:forbidigo // as above
		}
		if due.Before(l.last) { // one overtakes no other
			due = l.last
		}
		l.last = due
		select {
		case l.lane <- waiting{id, due}:
			l.note(due.Sub(now), false)
		default:
			l.note(0, true)
			_ = decide(fd, id, nfDrop)
		}
		return
	}
	_ = decide(fd, id, nfAccept)
}

func (l *impaired) note(wait time.Duration, dropped bool) {
	l.count.Lock()
	defer l.count.Unlock()
	l.Packets++
	l.Waited = max(l.Waited, wait)
	if dropped {
		l.Dropped++
	}
}

// release lets packets pass when they are due; at the end, those that still wait.
func (l *impaired) release(fd int, stop <-chan struct{}) {
	for {
		select {
		case w := <-l.lane:
			timer := time.NewTimer(time.Until(w.due))
			select {
			case <-timer.C:
			case <-stop:
				timer.Stop()
			}
			_ = decide(fd, w.id, nfAccept) // an error means that it is gone already
		case <-stop:
			for {
				select {
				case w := <-l.lane:
					_ = decide(fd, w.id, nfAccept)
				default:
					return
				}
			}
		}
	}
}
