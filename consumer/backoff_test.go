package consumer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"sunsetwatch/consumer/fetch"
)

func TestBackoffStaysInItsBounds(t *testing.T) {
	for range 1000 {
		var b backoff
		last := time.Duration(0)
		for i := range 20 {
			d := b.next()
			if d < shortestWait || d > longestWait || i < 6 && d < last {
				t.Fatalf("wait %d is %v after %v", i, d, last)
			}
			last = d
		}
		if last < longestWait/2 {
			t.Fatalf("the wait after many is %v", last)
		}
		if b.reset(); b.next() >= 2*shortestWait {
			t.Fatal("the wait after a success is long")
		}
	}
}

// scripted is a Client that can be told to fail, and counts.
type scripted struct {
	Client
	down     atomic.Bool
	behind   atomic.Bool // the high watermark lags, as behind a new leader
	throttle time.Duration
	most     int32 // a larger response does not arrive in time; 0: any does
	fetches  atomic.Int64
	layouts  atomic.Int64
}

var errDown = errors.New("connection refused")

func (s *scripted) Fetch(ctx context.Context, req *fetch.Request) (*fetch.Response, error) {
	s.fetches.Add(1)
	if s.down.Load() {
		return nil, errDown
	}
	if s.most > 0 && req.MaxBytes > s.most {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	resp, err := s.Client.Fetch(ctx, req)
	if err == nil {
		resp.Throttle = s.throttle
		for i := range resp.Partitions {
			if s.behind.Load() {
				resp.Partitions[i].HighWatermark = 0
			}
		}
	}
	return resp, err
}

func (s *scripted) Layout(ctx context.Context, topics []string) (fetch.Layout, error) {
	s.layouts.Add(1)
	if s.down.Load() {
		return fetch.Layout{}, errDown
	}
	return s.Client.Layout(ctx, topics)
}

// virtual runs a test in virtual time, with a cluster in memory.
func virtual(t *testing.T, test func(*testing.T, *cluster, *scripted), opts ...kfake.Opt) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		k, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.ListenFn(network.Listen), kfake.SeedTopics(2, "access"))...)
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		producer, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.Dialer(network.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		transport := &kafka.Transport{Dial: network.DialContext, MetadataTTL: time.Second}
		defer transport.CloseIdleConnections()
		client := fetch.NewClient(fetch.Options{Addr: kafka.TCP(k.ListenAddrs()...), Transport: transport})
		test(t, &cluster{Cluster: k, t: t, producer: producer}, &scripted{Client: client})
	})
}

func TestNoStormAndFewLinesWhileKafkaIsDown(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		m := newMemory(t)
		s.down.Store(true)
		r := start(t, s, m, Options{MetadataInterval: 10 * time.Second, MaxWait: 500 * time.Millisecond})
		defer r.halt()
		<-time.After(time.Hour) // down at the start
		if n := s.layouts.Load(); n < 720 || n > 1500 || s.fetches.Load() != 0 {
			t.Errorf("in an hour, %d looks at the layout and %d fetches", n, s.fetches.Load())
		}
		s.down.Store(false)
		k.produce("access", 0, 0, 10)
		k.produce("access", 1, 0, 10)
		m.await("access", 0, 10)
		m.await("access", 1, 10)
		s.down.Store(true) // and later
		s.fetches.Store(0)
		s.layouts.Store(0)
		<-time.After(time.Hour)
		if n := s.fetches.Load(); n < 720 || n > 1500 {
			t.Errorf("in an hour, %d fetches", n)
		}
		if n := s.layouts.Load(); n < 360 || n > 1500 {
			t.Errorf("in an hour, %d looks at the layout", n)
		}
		s.down.Store(false)
		before := time.Now()
		k.produce("access", 0, 10, 10)
		m.await("access", 0, 20)
		if d := time.Since(before); d > longestWait+time.Second {
			t.Errorf("it took %v to read on", d)
		}
		<-time.After(time.Minute)
		for _, line := range []string{"Kafka does not answer; trying until it does", "Kafka answers again"} {
			if n := r.logged(line); n != 2 {
				t.Errorf("%d lines %q", n, line)
			}
		}
		for _, line := range []string{"broker does not answer; trying until it does", "broker answers again"} {
			if n := r.logged(line); n != 1 {
				t.Errorf("%d lines %q", n, line)
			}
		}
	})
}

func TestIdleTopicIsPolledGently(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		r := start(t, s, newMemory(t), Options{MetadataInterval: 10 * time.Second, MaxWait: 500 * time.Millisecond})
		defer r.halt()
		<-time.After(100 * time.Second)
		if n := s.fetches.Load(); n > 210 {
			t.Errorf("%d fetches in 100 s", n)
		}
		if n := s.layouts.Load(); n > 12 {
			t.Errorf("%d looks at the layout in 100 s", n)
		}
	})
}

func TestThrottleIsHonoured(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		s.throttle = 10 * time.Second
		for i := range 100 {
			k.produce("access", 0, i, 1)
		}
		m := newMemory(t)
		r := start(t, s, m, Options{MaxWait: time.Millisecond, PartitionBytes: 1})
		defer r.halt()
		<-time.After(105 * time.Second)
		if n := s.fetches.Load(); n > 12 {
			t.Errorf("%d fetches in 105 s, asked to wait 10 s after each", n)
		}
	})
}

func TestRefusedPartitionHoldsNoOtherUp(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		m := newMemory(t)
		r := start(t, s, m, Options{MaxWait: 500 * time.Millisecond})
		defer r.halt()
		m.await("access", 0, 0)
		m.await("access", 1, 0)
		fault := k.Fault(kfake.Fault{Topic: "access", Partitions: []int32{0}, Count: -1})
		for i := range 20 {
			k.produce("access", 1, i, 1)
			before := time.Now()
			m.await("access", 1, int64(i)+1)
			if d := time.Since(before); d > time.Second {
				t.Fatalf("the other partition waited %v", d)
			}
			<-time.After(time.Minute)
		}
		if n := s.fetches.Load(); n > 20*60*3 {
			t.Errorf("%d fetches in 20 minutes", n)
		}
		if n := r.logged("broker refuses the partition; trying until it does not"); n != 1 {
			t.Errorf("%d lines about the refused partition", n)
		}
		fault.Remove()
		k.produce("access", 0, 0, 5)
		m.await("access", 0, 5)
	})
}

func TestLessIsAskedOfASlowLine(t *testing.T) {
	virtual(t, func(t *testing.T, k *cluster, s *scripted) {
		s.most = 2 << 20
		k.produce("access", 0, 0, 10)
		m := newMemory(t)
		r := start(t, s, m, Options{})
		defer r.halt()
		<-time.After(2 * time.Minute)
		m.await("access", 0, 10)
	})
}
