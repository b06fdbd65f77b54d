package checker

// jepsenNames are the names that jepsen.tests.kafka gives to the same anomaly.
var jepsenNames = map[Anomaly]string{
	LostWrite:          "lost-write",
	DuplicateWrite:     "duplicate",
	InconsistentOffset: "inconsistent-offsets",
	AbortedRead:        "G1a",
	NonmonotonicPoll:   "nonmonotonic-poll",
	SkippedPoll:        "poll-skip",
	NonmonotonicSend:   "nonmonotonic-send",
	DirtyRead:          "precommitted-read",
}

// JepsenName is Jepsen's name for an anomaly, "" where it has none.
func JepsenName(a Anomaly) string { return jepsenNames[a] }
