// Package native simulates runs and writes the histories that they would leave:
// workers, programs, brokers and faults, from Kafka's semantics (KIP-98, 360, 447,
// 848, 890) and this project's history format alone.
//
//	Draw(seed) ──> Config ──> Run ──> History ──> judge
//
// It exists to test the judge with histories whose author is not the judge's: it
// shares no code and no assumption with package checker. A world that is correct
// must never be called broken; a world with one Defect must be found broken in
// the guarantee that the defect breaks.
//
// Everything runs in simulated time on one goroutine at a time, and every draw
// comes from the seed: a Config always gives the same History.
package native
