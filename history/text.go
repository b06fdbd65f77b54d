package history

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// String returns "topic/partition", or the bare topic if the partition is not known.
func (tp TopicPartition) String() string { return string(appendTP(nil, tp)) }

// ParseTopicPartition is String's inverse.
func ParseTopicPartition(s string) (TopicPartition, error) {
	slash := strings.LastIndexByte(s, '/')
	if slash < 0 {
		if s == "" {
			return TopicPartition{}, fmt.Errorf("empty topic; want topic/partition")
		}
		return TopicPartition{Topic: s, Part: -1}, nil
	}
	part, err := strconv.ParseUint(s[slash+1:], 10, 31)
	if err != nil || slash == 0 {
		return TopicPartition{}, fmt.Errorf("%.80q is no topic/partition, such as \"orders/0\"", s)
	}
	return TopicPartition{Topic: s[:slash], Part: int32(part)}, nil
}

// String returns "proc#n"; the zero Value, a record that carries none, is "".
func (v Value) String() string { return string(v.Append(nil)) }

// Append appends what String returns.
func (v Value) Append(dst []byte) []byte {
	return appendValue(slices.Grow(dst, len(v.Proc)+20), v)
}

// ParseValue is String's inverse.
func ParseValue(s string) (Value, error) {
	if s == "" {
		return Value{}, nil
	}
	hash := strings.LastIndexByte(s, '#')
	if hash < 0 {
		return Value{}, fmt.Errorf("%.80q is no value, such as \"shop/0/1#41\"", s)
	}
	n, err := strconv.ParseInt(s[hash+1:], 10, 64)
	if err != nil {
		return Value{}, fmt.Errorf("%.80q is no value, such as \"shop/0/1#41\"", s)
	}
	return Value{Proc: s[:hash], N: n}, nil
}

// String returns "topic/partition@offset"; the zero Input, a record made from
// none, is "".
func (in Input) String() string { return string(appendInput(nil, in)) }

// ParseInput is String's inverse.
func ParseInput(s string) (Input, error) {
	if s == "" {
		return Input{}, nil
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return Input{}, fmt.Errorf("%.80q is no input, such as \"orders/0@41\"", s)
	}
	tp, err := ParseTopicPartition(s[:at])
	if err != nil {
		return Input{}, err
	}
	off, err := strconv.ParseInt(s[at+1:], 10, 64)
	if err != nil {
		return Input{}, fmt.Errorf("%.80q is no input, such as \"orders/0@41\"", s)
	}
	return Input{TP: tp, Off: off}, nil
}

func appendTP(dst []byte, tp TopicPartition) []byte {
	dst = append(dst, tp.Topic...)
	if tp.Part < 0 {
		return dst
	}
	dst = append(dst, '/')
	return strconv.AppendInt(dst, int64(tp.Part), 10)
}

func appendValue(dst []byte, v Value) []byte {
	if v == (Value{}) {
		return dst
	}
	dst = append(dst, v.Proc...)
	dst = append(dst, '#')
	return strconv.AppendInt(dst, v.N, 10)
}

func appendInput(dst []byte, in Input) []byte {
	if in == (Input{}) {
		return dst
	}
	dst = appendTP(dst, in.TP)
	dst = append(dst, '@')
	return strconv.AppendInt(dst, in.Off, 10)
}
