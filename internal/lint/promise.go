package lint

import (
	"slices"

	"github.com/onceproof/onceproof/internal/scenario"
)

// State of a guarantee before any run.
type State string

const (
	Promised   State = "promised"    // nothing that is known forfeits it
	AtRisk     State = "at risk"     // a warning speaks against it
	Forfeited  State = "forfeited"   // an error does
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
	var all []Standing
	for _, g := range scenario.Guarantees {
		s := Standing{Guarantee: g, State: Promised}
		if why := notClaimed(apps, g); why != "" {
			s.State, s.Reason = NotClaimed, why
			all = append(all, s)
			continue
		}
		for _, i := range issues {
			if !slices.Contains(i.Breaks, g) || i.Severity == Info {
				continue
			}
			s.By = append(s.By, i)
			if i.Severity == Error {
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
