package lint

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/settings"
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
	HandsOff  bool          // it hands polled records to another thread
	Observes  bool          // a scenario's reader of what others write: it stands for whoever looks
	Reads     Origin        // how what it reads was written

	Framework string                       // that the files belong to; "" = none
	Inferred  bool                         // Commit was concluded from the configuration
	Because   Setting                      // what Commit was concluded from; the zero value = nothing in particular
	Defaults  map[Part]map[string]Property // the framework's own, over the library's; a Line says what set them
	Facts     map[string]Property          // what else the framework is told
	Unread    []settings.Key               // keys that nobody knows and that may bear on delivery

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
	Line            int    // 0 = it is the default
	Column          int    // 0 = not known
	Written         string // "fromBeginning=false", where the file says it in other words; "" = as Property and Value
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
	if p, ok := a.Defaults[part][name]; ok {
		s := Setting{Property: name, Value: p.Value, Line: p.Line, Column: p.Column}
		if p.Key != "" {
			s.Written = p.Key + "=" + p.Raw
		}
		if f != nil {
			s.File = f.Path
		}
		return s
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
	s := Setting{Property: p.Name, Value: v, File: f.Path, Line: p.Line, Column: p.Column}
	if p.Written() != p.Name {
		s.Written = p.Written() + "=" + settings.Mask(p.Written(), strings.TrimSpace(cmp.Or(p.Raw, p.Value)))
	}
	return s
}

// commit is the commit pattern as a setting.
func (a *Application) commit() Setting {
	if a.Because.Property != "" {
		return Setting{Property: "commit", Value: a.Commit, File: a.Because.File, Line: a.Because.Line, Column: a.Because.Column, Written: a.Because.Written}
	}
	s := Setting{Property: "commit", Value: a.Commit, Line: a.Line}
	if a.Inferred {
		s.Written = inferredMark
	}
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
	case a.framesTransactions():
		return true, s // whatever the files say, the framework asks for it by name
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

// framesTransactions says whether the framework makes the producer transactional by
// itself, as Streams and Connect do under exactly once.
func (a *Application) framesTransactions() bool {
	_, ok := a.Defaults[Producer]["transactional.id"]
	return ok
}

// inferredMark is how a commit pattern is shown that no file says.
const inferredMark = "inferred"

// take keeps of a file what is no property of Kafka's: facts, and keys that may matter.
func (a *Application) take(facts map[string]Property, r *settings.Reading) {
	for name, p := range facts {
		if a.Facts == nil {
			a.Facts = map[string]Property{}
		}
		if filled, open, _ := settings.Fill(p.Value, nil); open {
			p.Key, p.Name = "", p.Written()
			a.Unread = append(a.Unread, settings.Key{Property: p, Fate: settings.Used})
		} else {
			p.Value = filled
		}
		a.Facts[name] = p
	}
	for _, k := range r.Keys {
		if k.Fate == settings.Unknown && k.Matters {
			a.Unread = append(a.Unread, k)
		}
	}
}

// partOf is a client's file of a part.
func partOf(c *settings.Client, part Part) *File {
	return map[Part]*File{Producer: c.Producer, Consumer: c.Consumer, Broker: c.Broker}[part]
}
