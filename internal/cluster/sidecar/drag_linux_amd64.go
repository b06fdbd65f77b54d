package sidecar

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// The Java libraries call the C library's functions that change files by a table of
// addresses of their own. slowDisk puts ours there: if it is a file that is written, and
// no socket, the thread sleeps first, and then goes on to the function that it meant.

// dragged are those functions; on some systems two names are one.
var dragged = []string{"write", "writev", "pwrite", "pwrite64", "fsync", "fdatasync"}

// javaLibraries are whose tables are changed.
var javaLibraries = []string{"/libnio.so", "/libjava.so"}

// Where things are in the patch, from its diskPatch on.
const (
	dragEntry  = 96 // behind the code: an entry for each of dragged
	entrySize  = 12
	dragData   = 176 // behind those: timespec, flag, and the function that each entry goes on to
	dragFlag   = dragData + 16
	dragTarget = dragFlag + 8
)

// dragCode sleeps as long as the timespec says, and again while the flag is set, if the
// first argument is a regular file. r11 points to where to go then.
var dragCode = []byte{
	0x57, 0x56, 0x52, 0x51, //                   push rdi, rsi, rdx, rcx
	0x41, 0x53, //                               push r11
	0x48, 0x81, 0xec, 0xa0, 0, 0, 0, //          sub  rsp, 160
	0xb8, 5, 0, 0, 0, //                         mov  eax, SYS_fstat
	0x48, 0x89, 0xe6, //                         mov  rsi, rsp
	0x0f, 0x05, //                               syscall
	0x85, 0xc0, //                               test eax, eax
	0x75, 0x29, //                               jne  out
	0x8b, 0x44, 0x24, 0x18, //                   mov  eax, [rsp+24]   st_mode
	0x25, 0, 0xf0, 0, 0, //                      and  eax, S_IFMT
	0x3d, 0, 0x80, 0, 0, //                      cmp  eax, S_IFREG
	0x75, 0x19, //                               jne  out
	0xb8, 35, 0, 0, 0, //                  again: mov  eax, SYS_nanosleep
	0x48, 0x8d, 0x3d, 0, 0, 0, 0, //             lea  rdi, timespec
	0x31, 0xf6, //                               xor  esi, esi
	0x0f, 0x05, //                               syscall
	0x83, 0x3d, 0, 0, 0, 0, 0, //                cmp  dword flag, 0
	0x75, 0xe7, //                               jne  again
	0x48, 0x81, 0xc4, 0xa0, 0, 0, 0, //     out: add  rsp, 160
	0x41, 0x5b, //                               pop  r11
	0x59, 0x5a, 0x5e, 0x5f, //                   pop  rcx, rdx, rsi, rdi
	0x41, 0xff, 0x23, //                         jmp  [r11]
}

// slowDisk makes each write of a Java process to a file, and each sync of one, take so
// much longer. The zero drag undoes it.
func slowDisk(pid int, d drag) error {
	image, _, err := ownVDSO()
	if err != nil {
		return err
	}
	return withTracee(pid, func(*tracee, uint64) bool { return false }, func(t *tracee) error {
		m, ok := find(t.maps, "[vdso]")
		if !ok || m.to-m.from != uint64(len(image)) {
			return fmt.Errorf("process %d has another vDSO: it is none of this machine's 64-bit programs", pid)
		}
		graft := m.to - patchRoom + diskPatch
		slots, err := t.slots()
		if err != nil {
			return err
		}
		if err := t.write(graft, dragPatch(d)); err != nil {
			return err
		}
		for i, name := range dragged {
			for _, slot := range slots[name] {
				if err := t.redirect(slot, graft, i, d.none()); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
		}
		return nil
	})
}

// dragGraft is the code, and after it the timespec and the flag.
func dragPatch(d drag) []byte {
	if d.frozen {
		d.by = 20 * time.Millisecond // between two looks at the flag
	}
	code := slices.Clone(dragCode)
	put := func(after, to int) { binary.LittleEndian.PutUint32(code[after-4:], uint32(int32(to-after))) }
	lea := slices.Index(code, 0x8d) + 6
	put(lea, dragData)
	cmp := lea + 2 + 2 + 7 // its flag's address comes before a last byte
	binary.LittleEndian.PutUint32(code[cmp-5:], uint32(int32(dragFlag-cmp)))
	code = append(code, make([]byte, dragEntry-len(code))...)
	for i := range dragged {
		at := len(code)
		code = append(code, 0x4c, 0x8d, 0x1d) // lea r11, target
		code = binary.LittleEndian.AppendUint32(code, uint32(int32(dragTarget+8*i-(at+7))))
		code = append(code, 0xe9) // jmp code
		code = binary.LittleEndian.AppendUint32(code, uint32(int32(-(at + entrySize))))
	}
	code = append(code, make([]byte, dragData-len(code))...)
	code = binary.LittleEndian.AppendUint64(code, uint64(d.by/time.Second))
	code = binary.LittleEndian.AppendUint64(code, uint64(d.by%time.Second))
	flag := uint64(0)
	if d.frozen {
		flag = 1
	}
	return binary.LittleEndian.AppendUint64(code, flag)
}

// redirect makes a slot of a table lead to our entry number i, or back.
func (t *tracee) redirect(slot, graft uint64, i int, back bool) error {
	ours, target := graft+dragEntry+uint64(i*entrySize), graft+dragTarget+uint64(8*i)
	now, err := t.read(slot, 8)
	if err != nil {
		return err
	}
	there := binary.LittleEndian.Uint64(now)
	switch {
	case there == ours && back:
		meant, err := t.read(target, 8)
		if err != nil {
			return err
		}
		return t.write(slot, meant)
	case there == ours || back:
		return nil
	}
	if err := t.write(target, now); err != nil {
		return err
	}
	return t.write(slot, binary.LittleEndian.AppendUint64(nil, ours))
}

// slots are the addresses, by function, of the table entries of the Java libraries.
func (t *tracee) slots() (map[string][]uint64, error) {
	slots := map[string][]uint64{}
	for _, lib := range javaLibraries {
		m, ok := find(t.maps, lib)
		if !ok {
			continue
		}
		if err := addSlots(slots, fmt.Sprintf("/proc/%d/root%s", t.pid, m.path), m.from-m.offset); err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
	}
	if len(slots["write"]) == 0 {
		return nil, errors.New("it has none of the JDK's libraries that write files: " + strings.Join(javaLibraries, ", "))
	}
	return slots, nil
}

func addSlots(slots map[string][]uint64, path string, base uint64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return err
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return err
	}
	for _, name := range []string{".rela.plt", ".rela.dyn"} {
		section := f.Section(name)
		if section == nil {
			continue
		}
		table, err := section.Data()
		if err != nil {
			return err
		}
		for ; len(table) >= 24; table = table[24:] {
			info := binary.LittleEndian.Uint64(table[8:])
			kind, symbol := elf.R_X86_64(info&0xffffffff), int(info>>32)
			if symbol == 0 || symbol > len(symbols) || kind != elf.R_X86_64_JMP_SLOT && kind != elf.R_X86_64_GLOB_DAT {
				continue
			}
			if called := symbols[symbol-1].Name; slices.Contains(dragged, called) {
				slots[called] = append(slots[called], base+binary.LittleEndian.Uint64(table))
			}
		}
	}
	return nil
}
