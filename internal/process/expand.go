package process

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/onceproof/onceproof/worker"
)

// spec is what incarnation n of the instance gets: its Proc set, and ${…}
// expanded in every property. ${random} is drawn from the seed and Proc, so that
// it differs for every incarnation and is the same when a run is replayed.
func (c *Config) spec(n int) (worker.Spec, error) {
	spec := c.Spec
	spec.Protocol = worker.ProtocolVersion
	spec.Proc = c.proc(n)
	spec.Config = make(map[string]string, len(c.Spec.Config))
	words := c.words(n)
	for name, value := range c.Spec.Config {
		expanded, err := expand(value, words)
		if err != nil {
			return worker.Spec{}, fmt.Errorf("client: property %s of %s: %w", name, c.instance(), err)
		}
		spec.Config[name] = expanded
	}
	return spec, nil
}

// words are what incarnation n has in the place of ${…}.
func (c *Config) words(n int) map[string]string {
	return map[string]string{
		"client":      c.Name,
		"instance":    strconv.Itoa(c.Instance),
		"incarnation": strconv.Itoa(n),
		"random":      random(c.Spec.Seed, c.proc(n)),
	}
}

func (c *Config) bootstrap() string { return strings.Join(c.Spec.Bootstrap, ",") }

// programWords are words, and what only a program has.
func (c *Config) programWords(n int) map[string]string {
	words := c.words(n)
	words["bootstrap"] = c.bootstrap()
	if c.RunDir != "" {
		words["run"] = c.RunDir
	}
	return words
}

// environment is what incarnation n of a program has besides ours.
func (c *Config) environment(n int) ([]string, error) {
	if !c.Program {
		return c.Env, nil
	}
	env := make([]string, len(c.Env), len(c.Env)+1)
	for i, e := range c.Env {
		var err error
		if env[i], err = expand(e, c.programWords(n)); err != nil {
			return nil, fmt.Errorf("client: environment of %s: %w", c.instance(), err)
		}
	}
	return append(env, "BOOTSTRAP_SERVERS="+c.bootstrap()), nil
}

// arguments are the command of incarnation n, of which only a program's has ${…}.
func (c *Config) arguments(n int) ([]string, error) {
	if !c.Program {
		return c.Command, nil
	}
	words := c.programWords(n)
	args := make([]string, len(c.Command))
	for i, arg := range c.Command {
		var err error
		if args[i], err = expand(arg, words); err != nil {
			return nil, fmt.Errorf("client: program of %s: %w", c.instance(), err)
		}
	}
	return args, nil
}

func expand(s string, words map[string]string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := words[name]
		if !closed || !known {
			return "", fmt.Errorf("%q: there is ${%s} and nothing else", s, strings.Join(slices.Sorted(maps.Keys(words)), "}, ${"))
		}
		out.WriteString(value)
		s = after
	}
}

func random(seed uint64, proc string) string {
	h := fnv.New64a()
	h.Write([]byte(proc))
	return fmt.Sprintf("%08x", rand.New(rand.NewPCG(seed, h.Sum64())).Uint32())
}
