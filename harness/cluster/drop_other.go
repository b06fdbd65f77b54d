//go:build !linux

package cluster

import "errors"

var errNotLinux = errors.New("packet filters need Linux")

func dropFrom([]peer) error { return errNotLinux }

func dropping() (bool, error) { return false, errNotLinux }

func addNetem(string) error { return errNotLinux }
