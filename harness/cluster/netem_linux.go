package cluster

import (
	"encoding/binary"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// addNetem gives a device the delay queue with a delay of nothing. Many kernels
// are built without it, and only trying tells.
func addNetem(device string) error {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	body := []byte{unix.AF_UNSPEC, 0, 0, 0} // struct tcmsg
	body = binary.NativeEndian.AppendUint32(body, uint32(dev.Index))
	body = binary.NativeEndian.AppendUint32(body, 0)          // handle: any
	body = binary.NativeEndian.AppendUint32(body, 0xffffffff) // parent: the root
	body = binary.NativeEndian.AppendUint32(body, 0)          // info
	body = append(body, attr(unix.TCA_KIND, str("netem"))...)
	options := make([]byte, 24)                      // struct tc_netem_qopt
	binary.NativeEndian.PutUint32(options[4:], 1000) // packets that it may hold
	body = append(body, attr(unix.TCA_OPTIONS, options)...)
	if err := netlink(unix.NETLINK_ROUTE, message(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK, 1, body), 1); err != nil {
		return fmt.Errorf("netem: %w", err)
	}
	return nil
}
