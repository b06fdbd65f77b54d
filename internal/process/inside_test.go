package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/worker"
)

// chatty says hello, keeps a connection to the first bootstrap server, and tells of one
// send a second of its bubble, until it is asked to stop or its stdin ends.
func chatty(peer string, ended *sync.WaitGroup) Main {
	ended.Add(1)
	return func(ctx context.Context, stdin io.Reader, stdout, _ io.Writer) int {
		defer ended.Done()
		in := bufio.NewReader(stdin)
		if _, err := in.ReadString('\n'); err != nil {
			return 1
		}
		if _, err := network.Dial(ctx, peer); err != nil {
			return 1
		}
		fmt.Fprintln(stdout, `{"hello":{"protocol":1,"library":"chatty","version":"1","roles":["producer"],"commits":[]}}`)
		lines := make(chan string, 1)
		go func() {
			line, _ := in.ReadString('\n') // "" at the end
			lines <- line
		}()
		print := func(op string, id int, typ string, more string) error {
			_, err := fmt.Fprintf(stdout, `{"t":%d,"type":%q,"op":%q,"id":%d%s}`+"\n", history.Now(), typ, op, id, more)
			return err
		}
		for id := 1; ; id++ {
			select {
			case line := <-lines:
				if line == "" {
					return 1
				}
				print("close", id, "invoke", "")
				print("close", id, "ok", "")
				return 0
			case <-time.After(time.Second):
				if print("send", id, "invoke", fmt.Sprintf(`,"tp":"orders","val":"shop/0/1#%d"`, id)) != nil {
					return 1
				}
			}
		}
	}
}

// inBubble starts an instance of chatty in a bubble with a network in memory.
func inBubble(t *testing.T, test func(t *testing.T, inst *Instance, far func() error, events *[]history.Event)) {
	synctest.Test(t, func(t *testing.T) {
		var ended sync.WaitGroup
		n := network.NewMemory(1)
		l, err := n.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var events []history.Event
		inst, err := New(Config{
			Name: "shop", Main: chatty(l.Addr().String(), &ended), Network: n,
			Spec:   worker.Spec{Role: guarantee.Producer, Bootstrap: []string{l.Addr().String()}, Topic: "orders"},
			Record: func(e history.Event) { mu.Lock(); events = append(events, e); mu.Unlock() }, Now: history.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inst.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		test(t, inst, func() error { _, err := c.Read(make([]byte, 1)); return err }, &events)
		l.Close()
		ended.Wait() // what was killed ends by itself
	})
}

// TestKillInside: what is killed prints nothing more, its connections are reset, and
// what it had open is info.
func TestKillInside(t *testing.T) {
	inBubble(t, func(t *testing.T, inst *Instance, far func() error, events *[]history.Event) {
		time.Sleep(3500 * time.Millisecond)
		if err := inst.Pause(t.Context()); !errors.Is(err, ErrInside) {
			t.Errorf("pause: %v", err)
		}
		if err := inst.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := far(); err == nil || err == io.EOF {
			t.Errorf("its connection ended with %v, want a reset", err)
		}
		n := len(*events)
		time.Sleep(5 * time.Second)
		if len(*events) != n {
			t.Errorf("%d events came after the end", len(*events)-n)
		}
		var invoked, unknown int
		for _, e := range *events {
			switch {
			case e.Op == history.OpSend && e.Type == history.Invoke:
				invoked++
			case e.Op == history.OpSend && e.Type == history.Info:
				unknown++
			}
		}
		if invoked != 3 || unknown != 3 {
			t.Errorf("%d sends, %d of them unknown; want 3 and 3", invoked, unknown)
		}
		if exit := <-inst.Exited(); !exit.Wanted || exit.Signal != "SIGKILL" {
			t.Errorf("exit %+v", exit)
		}
	})
}

func TestStopInside(t *testing.T) {
	inBubble(t, func(t *testing.T, inst *Instance, far func() error, events *[]history.Event) {
		if err := inst.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := far(); err == nil {
			t.Error("its connection is still open")
		}
		if last := (*events)[len(*events)-1]; last.Op != history.OpExit || last.Note != "exit code 0" {
			t.Errorf("the last event is %+v", last)
		}
	})
}
