package lint

import (
	"strconv"
	"strings"
	"time"

	"github.com/onceproof/onceproof/guarantee"
)

// Application is what is linted: what one program tells its clients, and what its
// brokers were told. What is not known is left zero, and is not held against it.
type Application struct {
	Client    string        // its name in a scenario, "" for properties files
	Library   string        // "java", or with its version "java@2.8.2"
	Role      string        // producer, consumer, processor
	Commit    string        // commit pattern of a consumer or processor
	Batch     int           // records a transaction, of a producer; 0 = none
	Instances int           // 0 = not known
	Work      time.Duration // the longest on one record; 0 = not known
	Resends   bool          // it sends again by itself what failed
	Reads     Origin        // how what it reads was written

	Producer, Consumer *File // nil = not given, or has none
	Broker             *File // nil = not given
	Topic              *File // settings of the topic that it writes to
	Replicas           int   // of that topic; 0 = not known
	Line               int   // where the client begins, in a scenario
}

// Origin says whether records were written in transactions.
type Origin int

const (
	Unknown Origin = iota
	Plain
	Transactional
)

// Setting is what counts for a property: what the file says, or the default.
type Setting struct {
	Property, Value string
	File            string
	Line            int // 0 = it is the default
}

func (s Setting) is(values ...string) bool {
	for _, v := range values {
		if strings.EqualFold(s.Value, v) {
			return true
		}
	}
	return false
}

func (s Setting) set() bool { return s.Line > 0 }

// number is the value as a whole number, and whether it is one.
func (s Setting) number() (int64, bool) {
	n, err := strconv.ParseInt(s.Value, 10, 64)
	return n, err == nil
}

func (a *Application) writes() bool { return a.Producer != nil }
func (a *Application) reads() bool  { return a.Consumer != nil }

// transactional says whether the application's output is written in transactions.
func (a *Application) transactional() bool {
	return a.writes() && (a.Batch > 0 || a.Commit == guarantee.CommitTxn || a.Commit == guarantee.CommitTxnOutside)
}

func (a *Application) producer(name string) Setting { return a.setting(Producer, a.Producer, name) }
func (a *Application) consumer(name string) Setting { return a.setting(Consumer, a.Consumer, name) }
func (a *Application) broker(name string) Setting   { return a.setting(Broker, a.Broker, name) }

// topic is a setting of the topic that the application writes to, else the brokers'.
func (a *Application) topic(name string) Setting {
	if p, ok := a.Topic.Get(name); ok {
		return found(a.Topic, p)
	}
	return a.broker(name)
}

func (a *Application) setting(part Part, f *File, name string) Setting {
	if p, ok := f.Get(name); ok {
		return found(f, p)
	}
	s := Setting{Property: name, Value: defaultOf(a.Library, part, name)}
	if f != nil {
		s.File = f.Path
	}
	return s
}

func found(f *File, p Property) Setting {
	v := strings.TrimSpace(p.Value)
	if p.Name == "acks" && v == "-1" {
		v = "all"
	}
	return Setting{Property: p.Name, Value: v, File: f.Path, Line: p.Line}
}

// commit is the commit pattern as a setting.
func (a *Application) commit() Setting {
	s := Setting{Property: "commit", Value: a.Commit, Line: a.Line}
	for _, f := range []*File{a.Consumer, a.Producer} {
		if f != nil {
			s.File = f.Path
			break
		}
	}
	return s
}

// idempotence says whether the producer will be idempotent, and which setting
// decides that. asked: somebody set it by name.
func (a *Application) idempotence() (on bool, by Setting) {
	s := a.producer("enable.idempotence")
	lib := library(a.Library)
	switch {
	case lib.noIdempotence:
		return false, s
	case s.set():
		return s.is("true"), s
	case a.producer("transactional.id").set():
		return true, a.producer("transactional.id")
	case !s.is("true"):
		return false, s
	}
	if acks := a.producer("acks"); !acks.is("all") {
		return false, acks
	}
	if retries := a.producer("retries"); retries.is("0") {
		return false, retries
	}
	return true, s
}
