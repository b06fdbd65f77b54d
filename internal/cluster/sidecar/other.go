//go:build !linux

package sidecar

import (
	"errors"
	"sync"
)

var errNotLinux = errors.New("this is done in the engine's Linux only")

func dropFrom([]peer) error { return errNotLinux }

func dropping() (bool, error) { return false, errNotLinux }

// impaired is one peer whose packets pass late, or not at all.
type impaired struct {
	peer
	Impairment
	Passage
	count sync.Mutex
}

func impairFrom([]*impaired, <-chan struct{}, func(), func()) error { return errNotLinux }

func fillDisk(string) (int64, error) { return 0, errNotLinux }

func freeDisk(string) error { return errNotLinux }

func spaceOf(string) (int64, error) { return 0, errNotLinux }
