package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Describe says what f does to whom: "kill the leader of orders/0".
func (f *Fault) Describe() string {
	a := &f.Args
	if f.Random != nil {
		return fmt.Sprintf("a mix of %d faults", len(f.Random.From))
	}
	if f.Kind == KindImpair {
		link := *f
		link.Kind = KindPartition
		return a.describeImpairment() + strings.NewReplacer("partition ", " between ", "drop packets", "", " from the other brokers", " and the other brokers").Replace(link.Describe())
	}
	if f.Kind == KindPartition && a.Listener != "" {
		all := *f
		all.Args.Listener = ""
		return all.Describe() + ", " + a.Listener + " traffic only"
	}
	for _, text := range []string{f.describePartition(), f.describeKafka(), f.describeMachine()} {
		if text != "" {
			return text
		}
	}
	return f.describePlainly()
}

// describePartition is for partitions.
func (f *Fault) describePartition() string {
	a := &f.Args
	switch {
	case f.Kind == KindPartition && a.Isolate != "":
		return fmt.Sprintf("partition %s from the other brokers", a.Isolate.Describe())
	case f.Kind == KindPartition && len(a.Split) > 0:
		var groups []string
		for _, g := range a.Split {
			groups = append(groups, strings.Trim(fmt.Sprint(g), "[]"))
		}
		return "partition brokers " + strings.Join(groups, " | ")
	case f.Kind == KindPartition:
		return fmt.Sprintf("drop packets from %s to %s", a.From.Describe(), a.To.Describe())
	}
	return ""
}

// describeKafka is for what Kafka is asked for.
func (f *Fault) describeKafka() string {
	a := &f.Args
	switch {
	case f.Kind == KindMoveLeader && a.To != "":
		return fmt.Sprintf("move the leader of %s to %s", a.TP, a.To.Describe())
	case f.Kind == KindMoveLeader:
		return "move the leader of " + a.TP
	case f.Kind == KindMoveCoordinator && a.To != "":
		return fmt.Sprintf("move the coordinator of %s to %s", a.describeKey(), a.To.Describe())
	case f.Kind == KindMoveCoordinator:
		return "move the coordinator of " + a.describeKey()
	case f.Kind == KindFence:
		return "fence " + a.describeKey()
	case f.Kind == KindEvict:
		return "evict a member of " + a.describeKey()
	case f.Kind == KindElect && a.Unclean:
		return "elect a leader of " + a.TP + ", in sync or not"
	case f.Kind == KindElect:
		return "elect the preferred leader of " + a.TP
	case f.Kind == KindReassign && len(a.Replicas) > 0:
		return fmt.Sprintf("reassign %s to brokers %s", a.TP, strings.Trim(fmt.Sprint(a.Replicas), "[]"))
	case f.Kind == KindReassign:
		return "reassign a replica of " + a.TP
	case f.Kind == KindShrinkISR:
		return fmt.Sprintf("shrink the ISR of %s to %d", a.TP, max(a.Keep, 1))
	case f.Kind == KindExpire:
		return "let the transaction of " + a.describeKey() + " expire"
	case f.Kind == KindDeleteOffsets && a.Topic != "":
		return fmt.Sprintf("delete the offsets of %s for %s", a.describeKey(), a.Topic)
	case f.Kind == KindDeleteOffsets:
		return "delete the offsets of " + a.describeKey()
	}
	return ""
}

// describeMachine is for what is taken from brokers.
func (f *Fault) describeMachine() string {
	a := &f.Args
	switch {
	case f.Kind == KindSkew && a.Ahead > 0:
		return fmt.Sprintf("set the clock of %s ahead by %v", a.Broker.Describe(), a.Ahead)
	case f.Kind == KindSkew:
		return fmt.Sprintf("set the clock of %s behind by %v", a.Broker.Describe(), a.Behind)
	case f.Kind == KindFillDisk:
		return "fill the disk of " + a.Broker.Describe()
	case f.Kind == KindFreezeDisk:
		return "freeze the disk of " + a.Broker.Describe()
	case f.Kind == KindSlowDisk:
		return fmt.Sprintf("slow the disk of %s by %s", a.Broker.Describe(), a.Delay)
	case f.Kind == KindRoll && a.Broker == "":
		return "restart all brokers, one after the other"
	case f.Kind == KindRoll:
		return fmt.Sprintf("restart %s, one after the other", a.Broker.Describe())
	}
	return ""
}

// describePlainly names the kind, the target and the arguments.
func (f *Fault) describePlainly() string {
	a := &f.Args
	out := string(f.Kind)
	if f.When.On != nil {
		if act, ok := actionOf(f.Kind); ok && act.strikesRequest(f) {
			out = f.describeRequest()
		}
	}
	if a.Client != "" {
		out += " client " + a.Client
	}
	if a.Client != "" && a.Broker != "" {
		out += " from"
	}
	if a.Broker != "" {
		out += " " + a.Broker.Describe()
	}
	if a.Code != "" {
		out += " with " + a.Code
	}
	if a.Delay.Max > 0 {
		out += " by " + a.Delay.String()
	}
	if a.CPU > 0 {
		out += " to " + formatPercent(a.CPU) + " of a processor"
	}
	if a.Memory > 0 {
		out += " to " + formatBytes(a.Memory)
	}
	if a.Rate > 0 {
		out += " to " + formatBytes(a.Rate) + "/s"
	}
	switch a.Way {
	case ToBroker:
		out += ", towards the broker only"
	case ToClient:
		out += ", towards the client only"
	}
	if a.Until != "" {
		out += " or until " + a.Until + " was seen"
	}
	if a.Over == NewConnection {
		out += ", then over a new connection"
	}
	return out
}

// describeImpairment says how bad links are.
func (a *FaultArgs) describeImpairment() string {
	var how []string
	if a.Delay.Max > 0 {
		how = append(how, "delay packets by "+a.Delay.String())
	}
	if a.Loss > 0 {
		how = append(how, "lose "+formatPercent(a.Loss)+" of the packets")
	}
	if a.Rate > 0 {
		how = append(how, "let "+formatBytes(a.Rate)+"/s pass")
	}
	return strings.Join(how, " and ")
}

// describeKey says whose coordinator is meant.
func (a *FaultArgs) describeKey() string {
	if a.TxnID != "" {
		return "transactional.id " + a.TxnID
	}
	return "group " + a.Group
}

// Describe says whom t means: "the leader of orders/0".
func (t Target) Describe() string {
	ref, err := t.Parse()
	if err != nil {
		return string(t)
	}
	switch ref.Kind {
	case TargetBroker:
		return fmt.Sprintf("broker %d", ref.Broker)
	case TargetLeader:
		return fmt.Sprintf("the leader of %s/%d", ref.Topic, ref.Part)
	case TargetFollower:
		return fmt.Sprintf("a follower of %s/%d", ref.Topic, ref.Part)
	case TargetController:
		return "the controller"
	case TargetGroupCoordinator:
		return "the coordinator of group " + ref.Group
	case TargetTxnCoordinator:
		return "the coordinator of transactional.id " + ref.TxnID
	case TargetAny:
		return "any broker"
	case TargetAll:
		return "all brokers"
	}
	return fmt.Sprintf("a %s of the brokers", ref.Kind)
}

// describeRequest is what f does to the request that triggers it.
func (f *Fault) describeRequest() string {
	what := "the request"
	if f.When.On.Phase == PhaseResponse {
		what = "the response"
	}
	switch f.Kind {
	case KindCut:
		return "cut the connection"
	case KindError:
		return "answer"
	case KindBlackhole:
		return "swallow " + what
	case KindDuplicate:
		return "lose the answer and repeat the request"
	}
	return string(f.Kind) + " " + what
}

// String says in words when t strikes: "at 12s", "on the 40th Produce of shop".
func (t Trigger) String() string {
	switch {
	case t.At != nil:
		return "at " + zeroOr(*t.At)
	case t.Every != nil:
		return "every " + t.Every.String()
	case t.Progress != nil:
		return "at " + formatPercent(*t.Progress) + " of the run"
	case len(t.After) == 1:
		return "after " + t.After[0] + " was seen"
	case len(t.After) > 1:
		return "after " + strings.Join(t.After, " and ") + " were seen"
	case t.On != nil:
		return t.On.String()
	}
	return "when warm-up ends"
}

// String says in words what m matches.
func (m *Match) String() string {
	api := m.Request
	if api == "" {
		api = "request"
	}
	if m.Event != "" {
		api = "end of a " + m.Event
		if m.Type != "" {
			api = m.Event + " (" + m.Type + ")"
		}
	}
	if m.Version.Given {
		api += " v" + m.Version.String()
	}
	var b strings.Builder
	switch {
	case m.Nth > 0 && m.Times > 1:
		fmt.Fprintf(&b, "on %d %s from the %s on", m.Times, api, ordinal(m.Nth))
	case m.Times > 0 && m.Nth == 0 && m.Prob == 0:
		fmt.Fprintf(&b, "on the first %d %s", m.Times, api)
	case m.Nth > 0:
		fmt.Fprintf(&b, "on the %s %s", ordinal(m.Nth), api)
	case m.Prob > 0:
		fmt.Fprintf(&b, "on %s of all %s", formatPercent(m.Prob), api)
		if m.Times > 0 {
			fmt.Fprintf(&b, ", %d at most,", m.Times)
		}
	default:
		fmt.Fprintf(&b, "on each %s", api)
	}
	if m.Client != "" {
		b.WriteString(" of " + m.Client)
	}
	if m.ClientID != "" {
		b.WriteString(" as client.id " + m.ClientID)
	}
	if m.TxnID != "" {
		b.WriteString(" of transactional.id " + m.TxnID)
	}
	if m.TP != "" {
		b.WriteString(" for " + m.TP)
	}
	if m.Broker != "" {
		b.WriteString(" to " + m.Broker.Describe())
	}
	switch {
	case m.Event != "":
		b.WriteString(", as the client reports it")
	case m.Phase == PhaseResponse:
		b.WriteString(", once the broker has acted")
	default:
		b.WriteString(", before the broker acts")
	}
	return b.String()
}

func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// ParseVersions reads "4" or "0..4".
func ParseVersions(s string) (Versions, error) {
	low, high, ranged := strings.Cut(s, "..")
	if !ranged {
		high = low
	}
	first, err := strconv.ParseInt(low, 10, 16)
	last, lastErr := strconv.ParseInt(high, 10, 16)
	switch {
	case err != nil || lastErr != nil || first < 0 || last < 0:
		return Versions{}, errors.New("is no version; write 4, or 0..4")
	case first > last:
		return Versions{}, fmt.Errorf("is no range: write %d..%d", last, first)
	}
	return Versions{Min: int16(first), Max: int16(last), Given: true}, nil
}

// String is "" for any version.
func (v Versions) String() string {
	switch {
	case !v.Given:
		return ""
	case v.Min == v.Max:
		return strconv.Itoa(int(v.Min))
	}
	return fmt.Sprintf("%d..%d", v.Min, v.Max)
}
