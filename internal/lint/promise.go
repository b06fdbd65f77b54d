package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// State of a guarantee before any run.
type State string

const (
	Promised   State = "promised"    // nothing that is known forfeits it
	AtRisk     State = "at risk"     // a warning speaks against it
	Forfeited  State = "forfeited"   // an error does
	NotKnown   State = "not known"   // it depends on what the files leave open, or on keys that nobody knows
	NotClaimed State = "not claimed" // the configuration does not concern it
)

// Standing is what a configuration can promise of one guarantee at best.
type Standing struct {
	Guarantee string
	State     State
	By        []Issue // that forfeit it, or put it at risk
	Reason    string  // why it is not claimed, or what the promise rests on
}

// Promises says for each guarantee what the applications can promise at best,
// given what Lint found in them.
func Promises(apps []*Application, issues []Issue) []Standing {
	open := choices(apps)
	all := standings(settled(apps, open), issues)
	depends := unsettled(apps, open)
	for _, a := range apps {
		for _, k := range a.Unread {
			why := fmt.Sprintf("%s:%d %s: nobody here knows the key; if it sets what its name says, it decides this", a.place(), k.Line, k.Name)
			if k.Fate == settings.Used {
				why = fmt.Sprintf("%s:%d %s=%s decides this, and is left open", a.place(), k.Line, k.Name, k.Value)
			}
			for _, g := range concerned(k.Name) {
				depends[g] = append(depends[g], why)
			}
		}
	}
	for i := range all {
		s := &all[i]
		if why := slices.Compact(depends[s.Guarantee]); len(why) > 0 && (s.State == Promised || s.State == AtRisk) {
			s.State, s.Reason = NotKnown, strings.Join(why, "; ")
		} else if len(why) > 0 && s.State == Forfeited {
			s.Reason = strings.Join(why, "; ")
		}
	}
	return all
}

// concerned are the guarantees that a key may bear on, by its name.
func concerned(key string) []string {
	low := strings.ToLower(key)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(low, w) })
	}
	switch {
	case has("isolation", "uncommitted"):
		return []string{"isolation"}
	case has("idempot", "flight"):
		return []string{"no-duplicates", "order"}
	case has("ack"):
		return []string{"no-loss", "agreement", "no-duplicates"}
	case has("transaction", "exactly", "guarantee"):
		return []string{"no-loss", "no-duplicates", "atomicity", "isolation", "fencing"}
	case has("commit", "offset", "beginning"):
		return []string{"no-loss", "no-duplicates", "offsets"}
	}
	return scenario.Guarantees
}

func standings(apps []*Application, issues []Issue) []Standing {
	var all []Standing
	for _, g := range scenario.Guarantees {
		s := Standing{Guarantee: g, State: Promised}
		if why := notClaimed(apps, g); why != "" {
			s.State, s.Reason = NotClaimed, why
			all = append(all, s)
			continue
		}
		for _, i := range issues {
			breaks := slices.Contains(i.Breaks, g)
			if !breaks && !slices.Contains(i.Risks, g) || i.Severity == Info {
				continue
			}
			s.By = append(s.By, i)
			if breaks && i.Severity == Error {
				s.State = Forfeited
			} else if s.State == Promised {
				s.State = AtRisk
			}
		}
		if s.State == Promised {
			s.Reason = restsOn(apps, g)
		}
		all = append(all, s)
	}
	return all
}

func notClaimed(apps []*Application, guarantee string) string {
	reads := slices.ContainsFunc(apps, (*Application).reads)
	writes := slices.ContainsFunc(apps, (*Application).writes)
	inTransactions := slices.ContainsFunc(apps, func(a *Application) bool {
		return a.transactional() || a.reads() && (a.Reads == Transactional || a.Reads == Unknown && !a.writes())
	})
	switch guarantee {
	case "atomicity", "fencing":
		if !slices.ContainsFunc(apps, (*Application).transactional) {
			return "there are no transactions"
		}
	case "isolation":
		if !inTransactions {
			return "there are no transactions"
		}
		if !reads {
			return "nothing reads; give --consumer"
		}
	case "offsets":
		if !reads {
			return "nothing reads"
		}
	case "no-loss", "no-duplicates", "order":
		if !writes && !reads {
			return "there are no clients; give --producer or --consumer"
		}
	}
	return ""
}

func restsOn(apps []*Application, guarantee string) string {
	broker := slices.ContainsFunc(apps, func(a *Application) bool { return a.Broker != nil })
	if !broker && (guarantee == "no-loss" || guarantee == "agreement") {
		return "as far as the brokers keep it; give --broker"
	}
	return ""
}
