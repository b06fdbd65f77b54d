//go:build unix

package checker

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// newSlab is zeroed memory outside the garbage collector's heap. There, pages
// would make the collector let the heap grow to twice their size before it
// collects what decoding leaves behind.
func newSlab(size int) ([]byte, error) {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("get %d bytes for state: %w", size, err)
	}
	return b, nil
}

func freeSlab(b []byte) error { return syscall.Munmap(b) }

// giveBack returns memory to the system, and keeps its addresses. It can only
// whole pages of the system's; what stands there afterwards is not to be trusted.
func giveBack(b []byte) bool {
	return len(b)%syscall.Getpagesize() == 0 && unix.Madvise(b, unix.MADV_DONTNEED) == nil
}
