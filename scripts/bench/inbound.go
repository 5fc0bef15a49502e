package main

import (
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

const (
	inboundRounds  = 7
	inboundTexts   = 4000 // a round, each by another customer
	inboundTenants = 50
	inboundPath    = "/api/v1/telnyx/sms/inbound"
)

// contender is one program that takes texts, and what was measured of it in each round.
type contender struct {
	*process
	rate, p50, p99 []float64
	cpu, dbCPU     time.Duration // for all texts
}

// inbound measures taking a text against the floor, and against a floor that puts a task for each text as we do.
func inbound(r *rig) ([]figure, error) {
	db, err := r.database("inbound")
	if err != nil {
		return nil, err
	}
	if err := seedTenants(r.ctx, r, db, "inbound", inboundTenants, 3*time.Second); err != nil {
		return nil, err
	}
	if _, err := db.owner.Exec(r.ctx, `create table floor_texts (id bigint generated always as identity primary key, content text not null);
		grant insert on floor_texts to chattercheatah_app`); err != nil {
		return nil, err
	}
	tasks, err := tasktest.Start(tasktest.Options{Queues: []string{queue}, Manual: true}) // takes the tasks and runs none
	if err != nil {
		return nil, err
	}
	defer tasks.Stop()
	all, err := r.startInbound(settings(db, tasks.Addr()))
	for _, c := range all {
		defer c.stop()
	}
	if err != nil {
		return nil, err
	}
	senders := &customers{telnyx: telnyxtest.New(telnyxtest.Options{PrivateKey: telnyxKey}), tenants: inboundTenants, n: inboundTexts}
	for round := range inboundRounds + 1 {
		for _, c := range all {
			if err := c.take(r, senders.texts(inboundTexts), round > 0); err != nil {
				return nil, err
			}
		}
		if _, err := db.owner.Exec(r.ctx, `update replies set state = 'suppressed', settled_at = now() where state = 'planned'`); err != nil {
			return nil, err
		}
		progress("inbound text, round %d of %d", round, inboundRounds)
	}
	trips, err := r.roundTrips(db, tasks.Addr(), senders)
	if err != nil {
		return nil, err
	}
	return inboundFigures(all[0], all[1], all[2], trips), nil
}

// startInbound starts telnyx-sms, the floor, and the floor that puts tasks.
func (r *rig) startInbound(env boot.Environment) (all []*contender, err error) {
	program, err := r.function("telnyx-sms")
	if err != nil {
		return nil, err
	}
	bare, err := r.program("./scripts/bench/floor")
	if err != nil {
		return nil, err
	}
	for _, run := range []struct{ program, target, queue string }{{program, "TelnyxSms", queue}, {bare, "Floor", ""}, {bare, "Floor", queue}} {
		env["FUNCTION_TARGET"], env["CLOUD_TASKS_QUEUE"] = run.target, run.queue
		p, err := start(r.ctx, run.program, env)
		if err != nil {
			return all, err
		}
		all = append(all, &contender{process: p})
	}
	return all, nil
}

// take posts all texts and adds the round to what was measured, unless it only warms up.
func (c *contender) take(r *rig, texts []webhook, counts bool) error {
	cpu, dbCPU := c.cpuTime(), r.postgresCPU()
	l := flatOut(c.url+inboundPath, texts)
	if l.refused > 0 {
		return fmt.Errorf("%d of %d texts were refused", l.refused, len(texts))
	}
	if !counts {
		return nil
	}
	c.cpu, c.dbCPU = c.cpu+c.cpuTime()-cpu, c.dbCPU+r.postgresCPU()-dbCPU
	c.rate, c.p50, c.p99 = append(c.rate, l.rate), append(c.p50, float64(l.p50)), append(c.p99, float64(l.p99))
	return nil
}

func inboundFigures(ours, floor, floorWithTask *contender, trips float64) []figure {
	perText := func(d time.Duration) string {
		return fmt.Sprintf("%d µs", (d / (inboundRounds * inboundTexts)).Microseconds())
	}
	return []figure{
		{What: "texts a second", Value: fmt.Sprintf("%.0f", median(ours.rate)), Beside: fmt.Sprintf("floor: %.0f", median(floor.rate)), Ratio: ratio(ours.rate, floor.rate), Goal: atLeast(0.67),
			Reason: "the floor writes one row and calls nobody; ours writes three under row security and puts a task, whose server takes its share of the same two cores here"},
		{What: "texts a second", Value: fmt.Sprintf("%.0f", median(ours.rate)), Beside: fmt.Sprintf("floor that puts a task too: %.0f", median(floorWithTask.rate)), Ratio: ratio(ours.rate, floorWithTask.rate)},
		{What: "acknowledged, p50", Value: dur(ours.p50), Beside: "floor: " + dur(floor.p50), Ratio: ratio(ours.p50, floor.p50)},
		{What: "acknowledged, p99", Value: dur(ours.p99), Beside: "floor: " + dur(floor.p99), Ratio: ratio(ours.p99, floor.p99), Goal: atMost(1.5),
			Reason: "sixteen callers keep both cores busy, so the wait is the work of a text times sixteen; see texts a second"},
		{What: "acknowledged, p99", Value: dur(ours.p99), Beside: "floor that puts a task too: " + dur(floorWithTask.p99), Ratio: ratio(ours.p99, floorWithTask.p99)},
		{What: "peak memory", Value: mib(ours.peakMemory()), Beside: "floor: " + mib(floor.peakMemory()), Ratio: float64(ours.peakMemory()) / float64(floor.peakMemory())},
		{What: "round trips to Postgres for a text", Value: fmt.Sprintf("%.2f", trips), Beside: "floor: 1", Ratio: trips, Goal: atMost(1)},
		{What: "processor time of telnyx-sms for a text", Value: perText(ours.cpu), Beside: "floor: " + perText(floor.cpu), Ratio: float64(ours.cpu) / float64(floor.cpu)},
		{What: "processor time of Postgres for a text", Value: perText(ours.dbCPU), Beside: "floor: " + perText(floor.dbCPU), Ratio: float64(ours.dbCPU) / float64(floor.dbCPU)},
	}
}

// ratio is the median of the rounds' ratios: both sides of each were measured within seconds of each other.
func ratio(ours, beside []float64) float64 {
	all := make([]float64, len(ours))
	for i := range ours {
		all[i] = ours[i] / beside[i]
	}
	return median(all)
}

// countedTexts are taken to count round trips, after as many that make known what a process remembers.
const countedTexts = 200

// roundTrips counts how often a text has telnyx-sms wait for Postgres, at the connection itself.
func (r *rig) roundTrips(db *database, tasksAddr string, senders *customers) (float64, error) {
	counter, address, err := storetest.CountTrips(db.app)
	if err != nil {
		return 0, err
	}
	defer func() { _ = counter.Close() }()
	env := settings(db, tasksAddr)
	env["FUNCTION_TARGET"], env["DATABASE_URL"], env["DATABASE_CONNECTIONS"] = "TelnyxSms", address, "1"
	p, err := start(r.ctx, r.programs["telnyx-sms"], env)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	warm := flatOut(p.url+inboundPath, senders.texts(countedTexts))
	before := counter.N()
	counted := flatOut(p.url+inboundPath, senders.texts(countedTexts))
	if refused := warm.refused + counted.refused; refused > 0 {
		return 0, fmt.Errorf("%d texts were refused while round trips were counted", refused)
	}
	return float64(counter.N()-before) / countedTexts, nil
}
