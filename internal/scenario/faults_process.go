package scenario

// processFaults end or stop processes of brokers and clients.
var processFaults = []action{
	{
		kind:     KindKill,
		doc:      "Sends SIGKILL to a broker; after `for` it restarts with its data.",
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
		doc:      "Sends SIGTERM to a broker, or asks a client to stop; after `for` it restarts.",
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
		doc:   "Sends SIGSTOP to a broker or client, and SIGCONT after `for`.",
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
		doc:      "Like `stop`, with an immediate restart.",
		args:     []field[FaultArgs]{argBroker, argClient},
		whom:     []string{"broker", "client"},
		external: notOurs,
		disturbs: true,
		seenBy:   "as `stop`",
		goneBy:   "as `stop`",
	},
	{
		kind: KindWipe,
		doc: "Sends SIGKILL to a broker and empties its disk; after `for` it restarts with the same id " +
			"and no data. Docker only.",
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
		doc:    "Sends SIGKILL to a client; after `for` a new incarnation starts.",
		args:   []field[FaultArgs]{must(argClient)},
		lasts:  true,
		seenBy: "the kernel: the process ended",
		goneBy: "the next incarnation said hello",
	},
	{
		kind: KindRoll,
		doc: "Restarts brokers with SIGTERM one after the other, each when the previous one is back in " +
			"sync; all brokers unless `broker` selects some.",
		args:     []field[FaultArgs]{argBroker},
		external: notOurs,
		disturbs: true,
		seenBy:   "each refused a connection, one after the other",
		goneBy:   "the last is back in sync",
	},
}
