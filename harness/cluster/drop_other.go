//go:build !linux

package cluster

import (
	"errors"
	"net/netip"
)

var errNotLinux = errors.New("packet filters need Linux")

func dropFrom([]netip.Addr) error { return errNotLinux }

func dropping() (bool, error) { return false, errNotLinux }

func addNetem(string) error { return errNotLinux }
