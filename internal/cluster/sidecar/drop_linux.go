package sidecar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// dropTable is the nftables table that holds our rules, and nothing else does.
const dropTable = "onceproof"

// Verdicts of include/uapi/linux/netfilter.h.
const nfDrop, nfAccept = 0, 1

// dropFrom makes this network namespace drop every packet that comes from one of
// peers: one table, one chain on the input hook, one rule a peer, or two of one port. It replaces
// what an earlier call set, in one transaction of the kernel; no peers leaves no
// table behind. Needs CAP_NET_ADMIN and a kernel with nf_tables.
func dropFrom(peers []peer) error { return steer(dropTable, 0, peers, drop()) }

// steer has the kernel do so with the packets of peers, in a table of that name.
func steer(table string, priority uint32, peers []peer, so []byte) error {
	var b nftBatch
	// Deleting a table that is not there fails, adding one that is there does
	// not: add, delete, and add only if there is something to say.
	b.msg(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, attr(unix.NFTA_TABLE_NAME, str(table)))
	b.msg(unix.NFT_MSG_DELTABLE, 0, attr(unix.NFTA_TABLE_NAME, str(table)))
	if len(peers) > 0 {
		const chain = "input"
		b.msg(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, attr(unix.NFTA_TABLE_NAME, str(table)))
		b.msg(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
			attr(unix.NFTA_CHAIN_TABLE, str(table)),
			attr(unix.NFTA_CHAIN_NAME, str(chain)),
			nest(unix.NFTA_CHAIN_HOOK,
				attr(unix.NFTA_HOOK_HOOKNUM, be32(unix.NF_INET_LOCAL_IN)),
				attr(unix.NFTA_HOOK_PRIORITY, be32(priority))),
			attr(unix.NFTA_CHAIN_TYPE, str("filter")))
		for _, p := range peers {
			if !p.addr.Is4() {
				return fmt.Errorf("packets from %s: not an IPv4 address", p.addr)
			}
			rule := func(more ...[]byte) {
				exprs := slices.Concat([][]byte{load(unix.NFT_PAYLOAD_NETWORK_HEADER, 12, 4), equals(p.addr.AsSlice())}, more, [][]byte{so})
				b.msg(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
					attr(unix.NFTA_RULE_TABLE, str(table)),
					attr(unix.NFTA_RULE_CHAIN, str(chain)),
					nest(unix.NFTA_RULE_EXPRESSIONS, exprs...))
			}
			if p.port == 0 {
				rule()
				continue
			}
			port := binary.BigEndian.AppendUint16(nil, p.port)
			isTCP := [][]byte{load(unix.NFT_PAYLOAD_NETWORK_HEADER, 9, 1), equals([]byte{unix.IPPROTO_TCP})}
			for _, offset := range []uint32{0, 2} { // the source's port, the destination's
				rule(append(slices.Clone(isTCP), load(unix.NFT_PAYLOAD_TRANSPORT_HEADER, offset, 2), equals(port))...)
			}
		}
	}
	return b.commit()
}

// load puts some bytes of the packet into a register; equals goes on only if they are
// value; drop drops.
func load(base, offset, size uint32) []byte {
	return expr("payload",
		attr(unix.NFTA_PAYLOAD_DREG, be32(unix.NFT_REG_1)),
		attr(unix.NFTA_PAYLOAD_BASE, be32(base)),
		attr(unix.NFTA_PAYLOAD_OFFSET, be32(offset)),
		attr(unix.NFTA_PAYLOAD_LEN, be32(size)))
}

func equals(value []byte) []byte {
	return expr("cmp",
		attr(unix.NFTA_CMP_SREG, be32(unix.NFT_REG_1)),
		attr(unix.NFTA_CMP_OP, be32(unix.NFT_CMP_EQ)),
		nest(unix.NFTA_CMP_DATA, attr(unix.NFTA_DATA_VALUE, value)))
}

func drop() []byte {
	return expr("immediate",
		attr(unix.NFTA_IMMEDIATE_DREG, be32(unix.NFT_REG_VERDICT)),
		nest(unix.NFTA_IMMEDIATE_DATA, nest(unix.NFTA_DATA_VERDICT, attr(unix.NFTA_VERDICT_CODE, be32(nfDrop)))))
}

// dropping tells whether our table is in this network namespace.
func dropping() (bool, error) {
	var b nftBatch
	b.raw(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETTABLE, unix.NLM_F_ACK, unix.NFPROTO_IPV4, 0, attr(unix.NFTA_TABLE_NAME, str(dropTable)))
	err := b.send()
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	return err == nil, err
}

// nftBatch is a sequence of netlink messages to nf_tables.
type nftBatch struct {
	buf  []byte
	seq  uint32
	acks int // answers to wait for
}

func (b *nftBatch) msg(kind uint16, flags uint16, attrs ...[]byte) {
	if b.seq == 0 {
		b.raw(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	}
	b.raw(unix.NFNL_SUBSYS_NFTABLES<<8|kind, flags|unix.NLM_F_ACK, unix.NFPROTO_IPV4, 0, attrs...)
}

func (b *nftBatch) raw(kind, flags uint16, family byte, res uint16, attrs ...[]byte) {
	body := []byte{family, unix.NFNETLINK_V0, byte(res >> 8), byte(res)}
	for _, a := range attrs {
		body = append(body, a...)
	}
	b.seq++
	if flags&unix.NLM_F_ACK != 0 {
		b.acks++
	}
	b.buf = append(b.buf, message(kind, flags, b.seq, body)...)
}

func (b *nftBatch) commit() error {
	b.raw(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
	return b.send()
}

// send sends all messages in one packet. A batch with an error changes nothing.
func (b *nftBatch) send() error {
	if err := netlink(unix.NETLINK_NETFILTER, b.buf, b.acks); err != nil {
		return fmt.Errorf("nf_tables: %w", err)
	}
	return nil
}

// message is one netlink request.
func message(kind, flags uint16, seq uint32, body []byte) []byte {
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, flags|unix.NLM_F_REQUEST)
	m = binary.NativeEndian.AppendUint32(m, seq)
	m = binary.NativeEndian.AppendUint32(m, 0) // the kernel fills in our port
	return append(m, body...)
}

// netlink sends one packet to the kernel and returns the first error that is
// among its answers, of which there are acks.
func netlink(family int, packet []byte, acks int) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		return err
	}
	if err := unix.Sendto(fd, packet, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 1<<16)
	for acks > 0 {
		n, _, err := unix.Recvfrom(fd, answer, 0)
		if err != nil {
			return fmt.Errorf("no answer from the kernel: %w", err)
		}
		for p := answer[:n]; len(p) >= unix.NLMSG_HDRLEN+4; {
			size := int(binary.NativeEndian.Uint32(p))
			if size < unix.NLMSG_HDRLEN || size > len(p) {
				return fmt.Errorf("message of %d bytes in a packet of %d", size, len(p))
			}
			if binary.NativeEndian.Uint16(p[4:]) == unix.NLMSG_ERROR {
				acks--
				if code := int32(binary.NativeEndian.Uint32(p[unix.NLMSG_HDRLEN:])); code != 0 {
					return unix.Errno(-code)
				}
			}
			p = p[min(len(p), (size+3)&^3):]
		}
	}
	return nil
}

// attr is one netlink attribute, padded.
func attr(kind uint16, value []byte) []byte {
	a := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	a = binary.NativeEndian.AppendUint16(a, kind)
	a = append(a, value...)
	for len(a)%4 != 0 {
		a = append(a, 0)
	}
	return a
}

func nest(kind uint16, attrs ...[]byte) []byte {
	var all []byte
	for _, a := range attrs {
		all = append(all, a...)
	}
	return attr(kind|unix.NLA_F_NESTED, all)
}

func expr(name string, attrs ...[]byte) []byte {
	return nest(unix.NFTA_LIST_ELEM, attr(unix.NFTA_EXPR_NAME, str(name)), nest(unix.NFTA_EXPR_DATA, attrs...))
}

func str(s string) []byte { return append([]byte(s), 0) }

func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
