package consumer

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"sunsetwatch/rules/access"
)

// grow raises the number of partitions of a topic.
func (k *cluster) grow(topic string, to int32) {
	k.t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, to
	req.Topics = append(req.Topics, rt)
	req.TimeoutMillis = 1000
	resp, err := req.RequestWith(context.Background(), k.producer)
	if err != nil || resp.Topics[0].ErrorCode != 0 {
		k.t.Fatalf("create partitions: %v, %+v", err, resp)
	}
	k.newProducer()
}

// newProducer forgets what the producer knows of topics.
func (k *cluster) newProducer() {
	k.producer.Close()
	k.producer = newProducer(k.t, k.ListenAddrs())
}

// refuse answers the first n offset commits with an error for each partition.
func (k *cluster) refuse(refused *int, n int, code int16) func(kmsg.Request) (kmsg.Response, error, bool) {
	return func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if *refused == n {
			return nil, nil, false
		}
		*refused++
		req := kreq.(*kmsg.OffsetCommitRequest)
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	}
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestBrokerDownAtStartAndLater(t *testing.T) {
	port, dir := freePort(t), t.TempDir()
	m := newMemory(t)
	r := start(t, newClient(t, "127.0.0.1:"+strconv.Itoa(port)), m, Options{})
	eventually(t, "the log says that Kafka is down", func() bool { return r.logged("Kafka does not answer; trying until it does") == 1 })
	if st := r.Status(); len(st.Missing) != 1 || !strings.Contains(st.Err, "connection refused") {
		t.Errorf("missing: %v, %q", st.Missing, st.Err)
	}
	up := func() *cluster {
		return newCluster(t, kfake.Ports(port), kfake.DataDir(dir), kfake.SeedTopics(2, "access"))
	}
	k := up()
	for p := range int32(2) {
		k.produce("access", p, 0, 50)
	}
	for p := range int32(2) {
		m.await("access", p, 50)
	}
	k.producer.Close()
	k.Close()
	eventually(t, "the log says that the broker is down", func() bool { return r.logged("broker does not answer; trying until it does") == 1 })
	eventually(t, "no partition is connected", func() bool {
		st := r.Status().Partitions
		return !st[0].Connected && !st[1].Connected && st[0].Err != ""
	})
	k = up()
	for p := range int32(2) {
		k.produce("access", p, 50, 50)
	}
	for p := range int32(2) {
		m.await("access", p, 100)
	}
	r.halt()
	for p := range int32(2) {
		m.wantEvents("access", p, 0, 100)
		if n := m.read("access", p).recreated; n != 0 {
			t.Errorf("partition %d: taken for re-created %d times", p, n)
		}
	}
	if n := r.logged("broker answers again"); n != 1 {
		t.Errorf("the log says %d times that the broker is back", n)
	}
}

func TestLeaderMoves(t *testing.T) {
	k := newCluster(t, kfake.NumBrokers(3), kfake.SeedTopics(2, "access"))
	m := newMemory(t)
	r := start(t, k.client(), m, Options{})
	for i := range 6 {
		for p := range int32(2) {
			k.produce("access", p, i*20, 20)
			m.await("access", p, int64(i+1)*20)
			if err := k.MoveTopicPartition("access", p, int32(i)%3); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.halt()
	for p := range int32(2) {
		m.wantEvents("access", p, 0, 120)
		if n := m.read("access", p).recreated; n != 0 {
			t.Errorf("partition %d: taken for re-created %d times", p, n)
		}
	}
}

func TestRetentionPassedThePosition(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.batches("access", 0, 10, 10)
	m := newMemory(t)
	start(t, k.client(), m, Options{}).await(m, 100).halt()
	k.batches("access", 0, 10, 10)
	if err := k.DeleteRecords("access", 0, 130); err != nil {
		t.Fatal(err)
	}
	t.Run("stop", func(t *testing.T) {
		err := start(t, k.client(), m, Options{OnGap: Stop}).end()
		if err == nil || !strings.Contains(err.Error(), "offsets 100 to 129") || !strings.Contains(err.Error(), "kafka.on_gap") {
			t.Errorf("Run: %v", err)
		}
		if a := m.read("access", 0); a.saved.Next != 100 {
			t.Errorf("the position moved to %d", a.saved.Next)
		}
	})
	r := start(t, k.client(), m, Options{}).await(m, 200)
	if err := k.DeleteRecords("access", 0, -1); err != nil { // while it runs, and has read all
		t.Fatal(err)
	}
	k.produce("access", 0, 0, 1)
	r.await(m, 201).halt()
	a := m.read("access", 0)
	want := access.Coverage{Records: 171, Events: 171}
	want.Skipped[access.SkipRetention] = 30
	if a.covered != want || a.recreated != 0 {
		t.Errorf("covered %+v, re-created %d times; want %+v", a.covered, a.recreated, want)
	}
}

func TestRetentionPassesTheWorkerWhileItRuns(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.batches("access", 0, 20, 10)
	entered, release := make(chan struct{}), make(chan struct{})
	m := newMemory(t)
	first := true
	m.advance = func(_ key, p Progress) error {
		if p.Next > p.From && first {
			first = false
			close(entered)
			<-release
		}
		return nil
	}
	r := start(t, k.client(), m, Options{PartitionBytes: 1, QueueBytes: 1})
	<-entered
	if err := k.DeleteRecords("access", 0, 100); err != nil {
		t.Fatal(err)
	}
	close(release)
	r.await(m, 200).halt()
	a := m.read("access", 0)
	lost := a.covered.Skipped[access.SkipRetention]
	if lost == 0 || a.covered.Records+lost != 200 || uint64(len(a.events)) != a.covered.Records {
		t.Errorf("covered %+v", a.covered)
	}
}

func TestTopicCreatedAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		events int
	}{{"empty", 0}, {"shorter", 5}, {"as long", 30}, {"longer", 60}} {
		t.Run(c.name+" while stopped", func(t *testing.T) {
			t.Parallel()
			k := newCluster(t, kfake.SeedTopics(1, "access"))
			k.batches("access", 0, 3, 10)
			m := newMemory(t)
			start(t, k.client(), m, Options{}).await(m, 30).halt()
			k.recreate(1000, c.events)
			r := start(t, k.client(), m, Options{})
			m.until("a new history has begun", func() bool { return m.partitions[key{"access", 0}].recreated == 1 })
			k.produce("access", 0, 1000+c.events, 3)
			r.await(m, int64(c.events)+3).halt()
			m.wantEvents("access", 0, 1000, c.events+3)
		})
		t.Run(c.name+" while it runs", func(t *testing.T) {
			t.Parallel()
			k := newCluster(t, kfake.SeedTopics(1, "access"))
			k.batches("access", 0, 3, 10)
			m := newMemory(t)
			r := start(t, k.client(), m, Options{}).await(m, 30)
			k.recreate(1000, c.events)
			m.until("a new history has begun", func() bool { return m.partitions[key{"access", 0}].recreated == 1 })
			k.produce("access", 0, 1000+c.events, 3)
			r.await(m, int64(c.events)+3).halt()
			m.wantEvents("access", 0, 1000, c.events+3)
			if n := r.logs.FilterMessageSnippet("deleted and created again").Len(); n != 1 {
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}

// recreate deletes the topic and creates it again, with events from first on.
func (k *cluster) recreate(first, n int) {
	k.t.Helper()
	if err := k.DeleteTopic("access"); err != nil {
		k.t.Fatal(err)
	}
	if err := k.CreateTopic("access", 1, nil); err != nil {
		k.t.Fatal(err)
	}
	k.newProducer()
	if n > 0 {
		k.produce("access", 0, first, n)
	}
}

func TestIdlePartitionIsNotMisjudged(t *testing.T) {
	k := newCluster(t, kfake.SeedTopics(1, "access"))
	k.produce("access", 0, 0, 10)
	m := newMemory(t)
	start(t, k.client(), m, Options{}).await(m, 10).halt()
	for range 3 {
		r := start(t, k.client(), m, Options{})
		eventually(t, "it is opened", func() bool { p := r.Status().Partitions; return len(p) == 1 && p[0].Connected })
		r.halt()
	}
	if err := k.DeleteRecords("access", 0, -1); err != nil { // the record of the fingerprint is gone
		t.Fatal(err)
	}
	r := start(t, k.client(), m, Options{})
	eventually(t, "it is opened", func() bool { p := r.Status().Partitions; return len(p) == 1 && p[0].Connected })
	k.produce("access", 0, 10, 1)
	r.await(m, 11).halt()
	if a := m.read("access", 0); a.recreated != 0 {
		t.Error("taken for re-created")
	}
	m.wantEvents("access", 0, 0, 11)
}
