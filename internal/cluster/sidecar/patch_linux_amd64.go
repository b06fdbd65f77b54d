package sidecar

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// The vDSO is the kernel's own little library, which every process has and which tells
// the time without asking the kernel. Behind its last byte the page is empty: code that
// is put there is in reach of the process and in nobody's way. It is the process's own
// copy from the first change on.

// patchRoom is what we take of the end of the last page:
//
//	  0  clock_gettime, gettimeofday, time, 64 bytes each
//	192  the disk's delay (disk_linux_amd64.go)
const (
	patchRoom = 512
	stubSize  = 64
	diskPatch = 3 * stubSize
)

// ownVDSO is this process's, untouched: all of one kernel are the same.
func ownVDSO() (image []byte, entries map[string]uint64, err error) {
	maps, err := readMaps("/proc/self/maps")
	if err != nil {
		return nil, nil, err
	}
	m, ok := find(maps, "[vdso]")
	if !ok {
		return nil, nil, errors.New("this kernel has no vDSO")
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		return nil, nil, err
	}
	defer mem.Close()
	image = make([]byte, m.to-m.from)
	if _, err := mem.ReadAt(image, int64(m.from)); err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(image[len(image)-patchRoom:], func(b byte) bool { return b != 0 }) {
		return nil, nil, fmt.Errorf("the kernel's vDSO leaves fewer than %d bytes of its last page", patchRoom)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, nil, fmt.Errorf("vDSO: %w", err)
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, nil, fmt.Errorf("vDSO: %w", err)
	}
	entries = map[string]uint64{}
	for _, s := range symbols {
		entries[s.Name] = s.Value
	}
	return image, entries, nil
}

// clockStub is the code of one.
type clockStub struct {
	name string
	code []byte
	at   int // of the number in it
}

// clockStubs are what takes the place of the vDSO's functions: each asks the kernel, and
// adds a number of seconds.
var clockStubs = []clockStub{
	{"__vdso_clock_gettime", []byte{
		0xb8, 228, 0, 0, 0, //         mov  eax, SYS_clock_gettime
		0x0f, 0x05, //                 syscall
		0x85, 0xc0, //                 test eax, eax
		0x75, 0x16, //                 jne  end
		0x85, 0xff, //                 test edi, edi   CLOCK_REALTIME
		0x74, 0x05, //                 je   add
		0x83, 0xff, 0x05, //           cmp  edi, 5     CLOCK_REALTIME_COARSE
		0x75, 0x0d, //                 jne  end
		0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, // add: mov rcx, seconds
		0x48, 0x01, 0x0e, //           add  [rsi], rcx
		0xc3, //                       end: ret
	}, 22},
	{"__vdso_gettimeofday", []byte{
		0xb8, 96, 0, 0, 0, //          mov  eax, SYS_gettimeofday
		0x0f, 0x05, //                 syscall
		0x85, 0xc0, //                 test eax, eax
		0x75, 0x12, //                 jne  end
		0x48, 0x85, 0xff, //           test rdi, rdi
		0x74, 0x0d, //                 je   end
		0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, // mov rcx, seconds
		0x48, 0x01, 0x0f, //           add  [rdi], rcx
		0xc3, //                       end: ret
	}, 18},
	{"__vdso_time", []byte{
		0xb8, 201, 0, 0, 0, //         mov  eax, SYS_time
		0x0f, 0x05, //                 syscall
		0x48, 0xb9, 0, 0, 0, 0, 0, 0, 0, 0, // mov rcx, seconds
		0x48, 0x01, 0xc8, //           add  rax, rcx
		0x48, 0x85, 0xff, //           test rdi, rdi
		0x74, 0x03, //                 je   end
		0x48, 0x89, 0x07, //           mov  [rdi], rax
		0xc3, //                       end: ret
	}, 9},
}

const jumpSize = 5

// skewClock makes the process's wall clock be ahead of the host's by so much, in whole
// seconds; 0 makes it right again. Its monotonic clocks stay.
func skewClock(pid int, ahead time.Duration) error {
	image, entries, err := ownVDSO()
	if err != nil {
		return err
	}
	graft := uint64(len(image) - patchRoom)
	busy := func(t *tracee, ip uint64) bool { // within an instruction that a jump replaces
		m, _ := find(t.maps, "[vdso]")
		return slices.ContainsFunc(clockStubs, func(s clockStub) bool {
			at := m.from + entries[s.name]
			return ip > at && ip < at+jumpSize
		})
	}
	return withTracee(pid, busy, func(t *tracee) error {
		m, ok := find(t.maps, "[vdso]")
		if !ok || m.to-m.from != uint64(len(image)) {
			return fmt.Errorf("process %d has another vDSO: it is none of this machine's 64-bit programs", pid)
		}
		for i, s := range clockStubs {
			entry, known := entries[s.name]
			if !known {
				return fmt.Errorf("the kernel's vDSO has no %s", s.name)
			}
			stub := graft + uint64(i*stubSize)
			code := slices.Clone(s.code)
			binary.LittleEndian.PutUint64(code[s.at:], uint64(int64(ahead/time.Second)))
			if err := t.write(m.from+stub, code); err != nil {
				return err
			}
			patch := image[entry : entry+jumpSize]
			if ahead != 0 {
				patch = binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(stub-entry-jumpSize)) // jmp stub
			}
			if err := t.write(m.from+entry, patch); err != nil {
				return err
			}
		}
		return nil
	})
}
