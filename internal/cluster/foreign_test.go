package cluster

import (
	"context"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// An image that was not built for us, laid out as confluentinc/cp-kafka is: jars
// elsewhere, Java by JAVA_HOME, another user, nothing formatted in advance.
func TestDockerForeignImage(t *testing.T) {
	long(t)
	e := needDocker(t)
	ctx := t.Context()
	ours, _, err := e.image(ctx, defaultImage, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	made, err := e.api.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &container.Config{
		Image: ours,
		Entrypoint: []string{"/bin/sh", "-ec", `
			mkdir -p /usr/share/java
			mv /opt/kafka/libs /usr/share/java/kafka
			mv /opt/java /opt/jdk
			rm -rf /opt/kafka
			echo appuser:x:1000:1000::/tmp:/bin/sh >>/etc/passwd`},
		Labels: self().labels("foreign"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.removeContainer(ctx, made.ID)
	if _, err := e.api.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	w := e.api.ContainerWait(ctx, made.ID, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case r := <-w.Result:
		if r.StatusCode != 0 {
			t.Fatalf("rearranging the image: exit code %d", r.StatusCode)
		}
	case err := <-w.Error:
		t.Fatal(err)
	}
	const foreign = "onceproof/foreign:test"
	if _, err := e.api.ContainerCommit(ctx, made.ID, client.ContainerCommitOptions{Reference: foreign, Changes: []string{
		"ENV JAVA_HOME=/opt/jdk", "ENV PATH=/bin", "USER appuser", `ENTRYPOINT ["/bin/false"]`,
	}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the cluster that uses it is closed
		if _, err := e.api.ImageRemove(context.Background(), foreign, client.ImageRemoveOptions{PruneChildren: true}); err != nil {
			t.Errorf("remove %s: %v", foreign, err)
		}
	})

	c := startTest(t, Spec{Name: "foreign", Backend: "docker", Brokers: 1, Image: foreign, Topics: []Topic{{Name: "orders", Partitions: 1, Replicas: 1}}})
	if err := transact(ctx, addrs(c)); err != nil {
		t.Error(err)
	}
	if err := c.(Partitioner).Block(ctx, nil); err != nil { // nothing to heal, no sidecar made
		t.Error(err)
	}
	if err := c.(Killer).Kill(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if err := c.(Killer).Start(ctx, 1); err != nil {
		t.Fatal(err)
	}
	answers(t, c)
}
