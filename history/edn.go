package history

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// form is a piece of EDN.
type form struct {
	kind formKind
	pos  int32  // where it begins in its text
	n    int64  // of an integer; 1 for true
	text string // of a string, keyword, or symbol; of other atoms as they stand
	list []form // of a vector, list or set; of a map key, value, key, value
}

type formKind uint8

const (
	ednNil formKind = iota
	ednBool
	ednInt
	ednString
	ednKeyword
	ednSymbol // also numbers that do not fit, and characters
	ednList   // vectors and lists: Clojure prints what is lazy as a list
	ednSet
	ednMap
)

// get returns the value of a keyword in a map.
func (f *form) get(key string) *form {
	if f.kind == ednMap {
		for i := 0; i+1 < len(f.list); i += 2 {
			if f.list[i].kind == ednKeyword && f.list[i].text == key {
				return &f.list[i+1]
			}
		}
	}
	return &form{}
}

// word is the text of a keyword, string or symbol.
func (f *form) word() string {
	switch f.kind {
	case ednKeyword, ednString, ednSymbol:
		return f.text
	}
	return ""
}

// abridged is the most that notes and errors show of a form, about.
const abridged = 1000

// String is the form as EDN, abridged: for notes and errors.
func (f *form) String() string {
	var b strings.Builder
	f.write(&b, abridged)
	return b.String()
}

// identity is the form as EDN. Of one that is too long to be kept it is the
// beginning and a hash of all, so that two that differ have two.
func (f *form) identity() string {
	var b strings.Builder
	if f.write(&b, math.MaxInt); b.Len() <= abridged {
		return b.String()
	}
	return fmt.Sprintf("%s…%x", strings.ToValidUTF8(b.String()[:abridged/2], ""), sha256.Sum256([]byte(b.String())))
}

func (f *form) write(b *strings.Builder, most int) {
	if b.Len() > most {
		b.WriteString("…")
		return
	}
	brackets := [2]string{"[", "]"}
	switch f.kind {
	case ednNil:
		b.WriteString("nil")
		return
	case ednBool:
		b.WriteString(strconv.FormatBool(f.n == 1))
		return
	case ednInt:
		b.WriteString(strconv.FormatInt(f.n, 10))
		return
	case ednKeyword:
		b.WriteString(":" + f.text)
		return
	case ednString:
		b.WriteString(strconv.Quote(f.text))
		return
	case ednSymbol:
		b.WriteString(f.text)
		return
	case ednSet:
		brackets = [2]string{"#{", "}"}
	case ednMap:
		brackets = [2]string{"{", "}"}
	}
	b.WriteString(brackets[0])
	for i := range f.list {
		if i > 0 {
			b.WriteString(" ")
		}
		if f.list[i].write(b, most); b.Len() > most {
			break
		}
	}
	b.WriteString(brackets[1])
}

// atom is the form of a token.
func atom(text string) form {
	switch text {
	case "nil":
		return form{}
	case "true":
		return form{kind: ednBool, n: 1}
	case "false":
		return form{kind: ednBool}
	}
	if text[0] == ':' {
		return form{kind: ednKeyword, text: strings.TrimLeft(text, ":")}
	}
	if n, err := strconv.ParseInt(strings.TrimSuffix(text, "N"), 10, 64); err == nil {
		return form{kind: ednInt, n: n}
	}
	return form{kind: ednSymbol, text: text}
}
