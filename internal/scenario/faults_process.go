package scenario

// processFaults end or stop processes of brokers and clients.
var processFaults = []action{
	{
		kind:     KindKill,
		doc:      "SIGKILL a broker; `for` later it starts again with its data.",
		args:     []field[FaultArgs]{must(argBroker)},
		lasts:    true,
		external: notOurs,
		disturbs: true,
		seenBy: "its address refuses a connection; of an isolated controller: it no longer follows the leader of " +
			"the quorum",
		goneBy: "it answers, is registered and in sync, as its peers tell",
	},
	{
		kind:     KindStop,
		doc:      "SIGTERM a broker, or ask a client to end; `for` later it starts again.",
		args:     []field[FaultArgs]{argBroker, argClient},
		whom:     []string{"broker", "client"},
		lasts:    true,
		external: notOurs,
		disturbs: true,
		seenBy:   "a broker: its address refuses a connection; a client: the process ended",
		goneBy: "a broker: it answers, is registered and in sync, as its peers tell; a client: the next " +
			"incarnation said hello",
	},
	{
		kind:  KindPause,
		doc:   "SIGSTOP a broker or a client; `for` later SIGCONT.",
		args:  []field[FaultArgs]{argBroker, argClient},
		whom:  []string{"broker", "client"},
		lasts: true,
		embedded: "the embedded brokers live in onceproof's own process and cannot be frozen; " +
			"use --backend docker, or pause a client",
		external: notOurs,
		docker:   "cgroup freezer; a client by SIGSTOP",
		disturbs: true,
		seenBy:   "a broker: no answer for 1 s; a client: the kernel shows it stopped",
		goneBy: "a broker: it answers, is registered and in sync, as its peers tell; a client: the kernel shows " +
			"it running",
	},
	{
		kind:     KindRestart,
		doc:      "`stop`, and start at once.",
		args:     []field[FaultArgs]{argBroker, argClient},
		whom:     []string{"broker", "client"},
		external: notOurs,
		disturbs: true,
		seenBy:   "as `stop`",
		goneBy:   "as `stop`",
	},
	{
		kind: KindWipe,
		doc: "SIGKILL a broker and empty its disk; `for` later it starts again with its id and nothing else. " +
			"Docker only.",
		args:     []field[FaultArgs]{must(argBroker)},
		lasts:    true,
		embedded: noProcess,
		external: notOurs,
		disturbs: true,
		leaves:   "a disk that has forgotten what the broker had voted and stored",
		seenBy:   "its address refuses a connection",
		goneBy:   "it said that it found its disk empty; it is in sync",
	},
	{
		kind:   KindCrash,
		doc:    "SIGKILL a client; `for` later a new incarnation starts.",
		args:   []field[FaultArgs]{must(argClient)},
		lasts:  true,
		seenBy: "the kernel: the process ended",
		goneBy: "the next incarnation said hello",
	},
	{
		kind: KindRoll,
		doc: "SIGTERM brokers and start them again, one after the other, each when the last is back in sync; " +
			"all of them unless `broker` says otherwise.",
		args:     []field[FaultArgs]{argBroker},
		external: notOurs,
		disturbs: true,
		seenBy:   "each refused a connection, one after the other",
		goneBy:   "the last is back in sync",
	},
}
