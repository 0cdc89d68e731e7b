package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"sunsetwatch/consumer/archive"
	"sunsetwatch/consumer/codec"
	"sunsetwatch/consumer/fetch"
	"sunsetwatch/consumer/records"
	"sunsetwatch/detector/ledger"
	"sunsetwatch/rules/access"
	"sunsetwatch/rules/document"
)

// kafkaScheme begins the address of a range of a topic.
const kafkaScheme = "kafka://"

// rangeOf is what is read of a partition: offsets [From, To), which were its ends,
// or those of the times that were given, when the run began.
type rangeOf struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"`
	To        int64 `json:"to"`
}

// topicRange is a range of a topic. It belongs to no group and commits nothing.
type topicRange struct {
	address    string
	brokers    string // as they were given
	topic      string
	partitions []rangeOf
	client     *fetch.Client
	transport  *kafka.Transport
	codec      *codec.Compiled
	question   *Question
	window     bool
	patience   time.Duration
}

// bound of a range: an offset or a record's time.
type bound struct {
	given  bool
	offset int64
	at     time.Time // zero: offset
}

// target is an address taken apart.
type target struct {
	brokers  []string
	topic    string
	from, to bound
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func parseTarget(address string) (*target, error) {
	fail := func(format string, args ...any) (*target, error) {
		return nil, fmt.Errorf("%s: %s: write kafka://HOST:PORT[,HOST:PORT]/TOPIC[?from=OFFSET|TIME&to=OFFSET|TIME]", address, fmt.Sprintf(format, args...))
	}
	rest, query, _ := strings.Cut(strings.TrimPrefix(address, kafkaScheme), "?")
	brokers, topic, ok := strings.Cut(rest, "/")
	t := &target{topic: topic}
	if !ok || !topicName.MatchString(topic) {
		return fail("there is no topic")
	}
	for broker := range strings.SplitSeq(brokers, ",") {
		host, port, err := net.SplitHostPort(broker)
		if n, notNumber := strconv.Atoi(port); err != nil || host == "" || notNumber != nil || n < 1 || n > 65535 {
			return fail("%s is no broker address", document.Show(broker))
		}
		t.brokers = append(t.brokers, broker)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return fail("what follows ? cannot be read")
	}
	for name, all := range values {
		to := map[string]*bound{"from": &t.from, "to": &t.to}[name]
		if to == nil || len(all) != 1 {
			return fail("there is no %s, or it is given twice", document.Show(name))
		}
		to.given = true
		if n, err := strconv.ParseInt(all[0], 10, 64); err == nil && n >= 0 {
			to.offset = n
			continue
		}
		at, err := document.ParseInstant(all[0])
		if err != nil {
			return fail("%s is no offset and no time with a zone", name)
		}
		to.at = at.Time()
	}
	return t, nil
}

// openRange asks for the ends of all partitions, or takes those of the run that is
// resumed.
func openRange(ctx context.Context, address string, s *Source, q *Question, saved *checkpoint, tell *teller) (*topicRange, error) {
	t, err := parseTarget(address)
	if err != nil {
		return nil, err
	}
	r := &topicRange{address: address, brokers: strings.Join(t.brokers, ","), topic: t.topic, codec: s.Codec, question: q,
		window: !s.KeepRepeats && !s.Dedupe, patience: cmp.Or(s.Patience, patience)}
	r.transport = &kafka.Transport{ClientID: "sunsetwatch-replay", Dial: fetch.Dial, DialTimeout: 5 * time.Second, IdleTimeout: time.Minute, MetadataTTL: 2 * time.Second, MetadataTopics: []string{t.topic}}
	r.client = fetch.NewClient(fetch.Options{Addr: kafka.TCP(t.brokers...), Transport: r.transport})
	var frozen []rangeOf
	if saved != nil {
		frozen = saved.Ranges[address]
	}
	if err := r.freeze(ctx, t, frozen, tell); err != nil {
		r.close()
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return r, nil
}

// patience is how long brokers may take to answer at all.
const patience = 30 * time.Second

// freeze finds the partitions and their ends, where an earlier run did not.
func (r *topicRange) freeze(ctx context.Context, t *target, frozen []rangeOf, tell *teller) error {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	named := false // the brokers that were given said who leads the partitions
	err := r.trying(ctx, tell, func() error {
		l, err := r.client.Layout(ctx, []string{r.topic})
		if err != nil {
			return err
		}
		named = true
		if i := slices.IndexFunc(l.Partitions, func(p fetch.LeaderOf) bool { return p.Partition < 0 }); i >= 0 {
			return l.Partitions[i].Err
		}
		if frozen != nil {
			r.partitions = frozen
			return nil
		}
		r.partitions = r.partitions[:0]
		for _, p := range l.Partitions {
			start, end, err := r.client.Offsets(ctx, r.topic, p.Partition)
			if err != nil {
				return err
			}
			of := rangeOf{p.Partition, start, end}
			if of.From, err = r.place(ctx, p.Partition, t.from, start, start, end); err != nil {
				return err
			}
			if of.To, err = r.place(ctx, p.Partition, t.to, end, start, end); err != nil {
				return err
			}
			of.To = max(of.From, of.To)
			r.partitions = append(r.partitions, of)
		}
		return nil
	})
	if err != nil {
		return r.advise(err, named)
	}
	return nil
}

// advise says what to check where brokers do not give what is asked of them; named
// says whether those that were given ever said who leads the partitions.
func (r *topicRange) advise(err error, named bool) error {
	var answer kafka.Error
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, kafka.InvalidTopic):
		return fmt.Errorf("the brokers at %s have no topic %s: check its name, and that they are of its cluster", r.brokers, r.topic)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fmt.Errorf("the brokers at %s do not show topic %s to a client without credentials: allow it to describe and read the topic", r.brokers, r.topic)
	case errors.As(err, &answer):
		return fmt.Errorf("the brokers at %s did not serve topic %s for %s (%w): check that each of its partitions has a leader", r.brokers, r.topic, r.patience, err)
	case named:
		return fmt.Errorf("the brokers of topic %s that %s names did not answer for %s (%w): check that they run, and that the addresses in their advertised.listeners can be reached from here", r.topic, r.brokers, r.patience, err)
	}
	return fmt.Errorf("no broker at %s answered about topic %s for %s (%w): check host and port, that a broker runs there, and that it takes connections without TLS and credentials", r.brokers, r.topic, r.patience, err)
}

// place is the offset of a bound, held between the ends.
func (r *topicRange) place(ctx context.Context, partition int32, b bound, otherwise, start, end int64) (int64, error) {
	at := otherwise
	switch {
	case !b.given:
	case b.at.IsZero():
		at = b.offset
	default:
		var err error
		if at, err = r.client.OffsetAt(ctx, r.topic, partition, b.at); err != nil {
			return 0, err
		}
	}
	return min(max(at, start), end), nil
}

// silence is after how long a person is told that nothing came.
const silence = 2 * time.Second

// trying repeats what brokers do not answer, until the context ends, and tells so.
// A topic that is not there is an answer.
func (r *topicRange) trying(ctx context.Context, tell *teller, ask func() error) error {
	deadline, _ := ctx.Deadline()
	said := false
	say := func(why string) {
		if !said {
			tell.say("note: %s: no answer yet%s; trying until %s", r.address, why, deadline.UTC().Format(time.RFC3339))
		}
		said = true
	}
	var last error
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		answer := make(chan error, 1)
		go func() { answer <- ask() }()
		var err error
		select {
		case err = <-answer:
		case <-time.After(min(silence, r.patience/2)):
			say("")
			err = <-answer
		}
		switch {
		case err == nil || errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, kafka.InvalidTopic) || errors.Is(err, kafka.TopicAuthorizationFailed):
			return err
		case ctx.Err() != nil:
			return cmp.Or(last, err) // the last one is about the time alone
		}
		last = err
		say(fmt.Sprintf(" (%v)", err))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func (r *topicRange) inputs() []input {
	var all []input
	for _, p := range r.partitions {
		name := fmt.Sprintf("%s/%d", r.topic, p.Partition)
		all = append(all, input{
			path: fmt.Sprintf("%s/%d", strings.SplitN(r.address, "?", 2)[0], p.Partition), bytes: -1, format: "kafka",
			source: ledger.Source{Name: name, Topic: r.topic, Partition: p.Partition},
			mark:   fmt.Sprintf("offsets %d to %d of %s", p.From, p.To, r.address),
			window: r.window,
		})
	}
	return all
}

func (r *topicRange) parts() []archive.Part {
	var all []archive.Part
	for i, p := range r.partitions {
		all = append(all, archive.Part{Input: i, First: p.From, Bytes: -1})
	}
	return all
}

func (r *topicRange) close() { r.transport.CloseIdleConnections() }

// partBytes is what is asked of a partition at a time.
const partBytes = 4 << 20

// read is that of origin.
func (r *topicRange) read(ctx context.Context, p archive.Part, before resumption, sink archive.Sink) (archive.Counts, int64, error) {
	of := r.partitions[p.Input]
	d := &rangeReader{topicRange: r, of: of, counts: before.Counts, sink: sink, reader: fetch.NewReader(0)}
	d.decoder = records.NewDecoder(r.codec, d)
	d.decoder.Events, d.decoder.Rejected = before.Counts.Events, before.Counts.Rejected
	d.next = max(of.From, before.Next)
	stuck := time.Time{} // since when nothing came; zero: it does
	for d.next < of.To {
		at := d.next
		err := d.fetch(ctx)
		var gap *gap
		switch {
		case ctx.Err() != nil:
			return d.counts, d.next, ctx.Err()
		case errors.As(err, &gap):
			return d.counts, -1, err
		case d.next > at:
			if w, ok := sink.(ranged); ok {
				w.reached(d.counts, d.next)
			}
			stuck = time.Time{}
			continue
		case stuck.IsZero():
			stuck = time.Now()
		case time.Since(stuck) > r.patience && err == nil:
			return d.counts, -1, d.damage(errors.New("nothing more can be read of the range: a transaction was left open"))
		case time.Since(stuck) > r.patience:
			return d.counts, -1, fmt.Errorf("%s/%d at offset %d: %w", r.topic, of.Partition, d.next, r.advise(err, true))
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	if d.counts.OutOfRange > 0 {
		return d.counts, -1, nil // from where to read on, the facts do not know
	}
	return d.counts, d.next, nil
}

// rangeReader reads one partition.
type rangeReader struct {
	*topicRange
	of      rangeOf
	next    int64
	counts  archive.Counts
	sink    archive.Sink
	reader  *fetch.Reader
	decoder *records.Decoder
}

// gap is the error of a range that cannot be read to its end.
type gap struct {
	partition string
	offset    int64
	err       error
}

func (g *gap) Error() string {
	return fmt.Sprintf("%s was not read from offset %d on: %v", g.partition, g.offset, g.err)
}

func (g *gap) Unwrap() error { return g.err }

func (d *rangeReader) damage(err error) error {
	return &gap{fmt.Sprintf("%s/%d", d.topic, d.of.Partition), d.next, err}
}

// fetch reads what one request brings.
func (d *rangeReader) fetch(ctx context.Context) error {
	l, err := d.client.Layout(ctx, []string{d.topic})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(l.Partitions, func(p fetch.LeaderOf) bool { return p.Partition == d.of.Partition })
	if i < 0 {
		return kafka.UnknownTopicOrPartition
	}
	if err := l.Partitions[i].Err; err != nil {
		return err
	}
	resp, err := d.client.Fetch(ctx, &fetch.Request{
		Broker: l.Partitions[i].Leader, MaxWait: 500 * time.Millisecond, MinBytes: 1, MaxBytes: partBytes,
		Partitions: []fetch.Ask{{Topic: d.topic, Partition: d.of.Partition, Offset: d.next, MaxBytes: partBytes}},
	})
	if err != nil {
		return err
	}
	defer resp.Release()
	if len(resp.Partitions) == 0 {
		return errors.New("the broker did not answer for the partition")
	}
	p := &resp.Partitions[0]
	switch {
	case errors.Is(p.Err, kafka.OffsetOutOfRange):
		return d.damage(errors.New("the broker deleted the rest of the range meanwhile"))
	case p.Err != nil:
		return p.Err
	}
	err = d.walk(ctx, p)
	d.counts.Events, d.counts.Rejected = d.decoder.Events, d.decoder.Rejected
	return err
}

// walk reads the records of an answer, up to the end of the range.
func (d *rangeReader) walk(ctx context.Context, p *fetch.Partition) error {
	d.reader.Reset(p, d.next)
	for n := 1; d.reader.Next(); n++ {
		rec := d.reader.Record()
		if rec.Offset >= d.of.To {
			d.next = d.of.To
			return nil
		}
		d.counts.Records++
		d.counts.Bytes += int64(len(rec.Key) + len(rec.Value))
		d.decoder.Decode(rec)
		d.next = rec.Offset + 1
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	d.next = min(max(d.next, d.reader.Position()), d.of.To)
	if err := d.reader.Err(); err != nil && d.next < d.of.To {
		return d.damage(err)
	}
	return nil
}

// Add is that of records.Sink.
func (d *rangeReader) Add(ev *access.Event, at access.Position) {
	if ev.Time < d.question.From || ev.Time >= d.question.until() {
		d.counts.OutOfRange++
		return
	}
	d.counts.Added++
	d.sink.Add(ev, at)
}

// Reject is that of records.Sink.
func (d *rangeReader) Reject(rej *codec.Rejection, at access.Position) { d.sink.Reject(rej, at) }
