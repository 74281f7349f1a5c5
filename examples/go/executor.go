// A Carillon executor in Go: nothing but a NATS client, written from docs/MINIMAL-EXECUTOR.md.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Body is a message that is sent, or a part of one.
type Body map[string]any

// Executor offers handlers by name: a Handler, or for a map-reduce Tasks.
type Executor struct {
	service, instance, session, prefix string
	handlers                           map[string]any
	nc                                 *nats.Conn
	js                                 jetstream.JetStream
	slots                              chan struct{}
	drain                              context.CancelFunc
	running, pulls                     sync.WaitGroup
	cordoned                           atomic.Bool
	fetching                           atomic.Int32
	mu                                 sync.Mutex // of what follows
	held                               map[string]*Task
	pulling                            map[string]bool
}

// Run connects, registers and works until ctx ends or the mesh says "drain".
func Run(ctx context.Context, url, namespace, service string, handlers map[string]any) (err error) {
	e := &Executor{service: service, session: rand.Text()[:16], prefix: "carillon." + namespace + ".", handlers: handlers,
		instance: service + "-" + rand.Text()[:8], slots: make(chan struct{}, 60), held: map[string]*Task{}, pulling: map[string]bool{}}
	ctx, e.drain = context.WithCancel(ctx)
	if e.nc, err = nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectHandler(func(*nats.Conn) { go e.register(ctx) })); err != nil {
		return err
	}
	defer e.nc.Close()
	e.js, _ = jetstream.New(e.nc)
	e.nc.Subscribe(e.prefix+"control."+e.instance, func(m *nats.Msg) { e.obey(ctx, m) })
	e.nc.Subscribe(e.prefix+"direct."+e.instance, func(m *nats.Msg) { e.answerOffer(ctx, m) })
	e.nc.Subscribe(e.prefix+"session."+e.instance+"."+e.session, func(m *nats.Msg) { m.Respond([]byte(`{"alive":true}`)) })
	if err = e.register(ctx); err != nil {
		return err
	}
	fmt.Println("ready", e.instance)
	<-ctx.Done()
	e.pulls.Wait() // each ends by itself; what it still received is held
	late := time.AfterFunc(30*time.Second, func() { e.stop(func(*Task) bool { return true }, errDrained) })
	defer late.Stop()
	e.running.Wait()
	return e.call("instances.leave", e.me(nil), 5*time.Second, nil)
}

// me is a body that says who sends it.
func (e *Executor) me(more Body) Body {
	body := Body{"instance": e.instance, "session": e.session}
	maps.Copy(body, more)
	return body
}

// call asks again while that may help: without an answer, and after a refusal that says so.
func (e *Executor) call(name string, body Body, patience time.Duration, into any) error {
	text, _ := json.Marshal(body)
	for until := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		var refusal struct {
			Error *struct {
				Message string
				Retry   bool
			}
		}
		answer, err := e.nc.Request(e.prefix+"api."+name, text, 5*time.Second)
		if err == nil && json.Unmarshal(answer.Data, &refusal) == nil && refusal.Error == nil {
			if into == nil {
				return nil
			}
			return json.Unmarshal(answer.Data, into)
		}
		if refusal.Error != nil && !refusal.Error.Retry || time.Now().After(until) {
			return errors.Join(err, fmt.Errorf("%s: %+v", name, refusal.Error))
		}
	}
}

const patient, forever = time.Minute, 1000 * time.Hour

// store publishes into a stream until the broker has it; the same id each time makes it one message.
func (e *Executor) store(place string, body Body) {
	text, _ := json.Marshal(body)
	for id := rand.Text(); ; time.Sleep(500 * time.Millisecond) {
		if _, err := e.js.Publish(context.Background(), e.prefix+place, text, jetstream.WithMsgID(id)); err == nil {
			return
		}
	}
}

func (e *Executor) register(ctx context.Context) error {
	handlers := []Body{}
	for name := range e.handlers {
		handlers = append(handlers, e.kind(name, Body{"name": name}))
	}
	var answer struct {
		BeatMs    time.Duration
		Cordoned  bool
		Consumers map[string]struct{ Stream, Consumer string }
	}
	more := Body{"service": e.service, "protocol": 1, "handlers": handlers, "capacity": cap(e.slots)}
	if err := e.call("instances.register", e.me(more), forever, &answer); err != nil {
		return err
	}
	e.cordoned.Store(answer.Cordoned)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.pulling) == 0 {
		go e.beat(min(answer.BeatMs*time.Millisecond, 3*time.Second))
	}
	for name, at := range answer.Consumers {
		if !e.pulling[name] {
			e.pulling[name] = true
			e.pulls.Go(func() { e.pull(ctx, at.Stream, at.Consumer) })
		}
	}
	return nil
}

// kind adds to a body that a handler maps.
func (e *Executor) kind(handler string, body Body) Body {
	if _, maps := e.handlers[handler].(Tasks); maps {
		body["kind"] = "map-reduce"
	}
	return body
}

// beat is a sign of life of the process, and says "still working" for each message that it holds: at least every 3 s.
func (e *Executor) beat(every time.Duration) {
	for ; !e.nc.IsClosed(); time.Sleep(every) {
		idle := e.cordoned.Load() && e.fetching.Load() == 0 // nothing more can come
		e.mu.Lock()
		text, _ := json.Marshal(Body{"running": len(e.held), "session": e.session, "cordoned": idle})
		for _, task := range e.held {
			task.working()
		}
		e.mu.Unlock()
		e.nc.Publish(e.prefix+"beat."+e.instance, text)
	}
}

// pull asks for one message at a time, and only when there is room for it.
func (e *Executor) pull(ctx context.Context, stream, name string) {
	consumer, err := e.js.Consumer(context.Background(), stream, name)
	for ctx.Err() == nil {
		if err != nil { // the consumer may be gone: a registration makes it again
			time.Sleep(time.Second)
			e.register(ctx)
			consumer, err = e.js.Consumer(context.Background(), stream, name)
			continue
		}
		e.slots <- struct{}{}
		if e.fetching.Add(1); e.cordoned.Load() {
			e.fetching.Add(-1)
			<-e.slots
			time.Sleep(100 * time.Millisecond)
			continue
		}
		var batch jetstream.MessageBatch
		if batch, err = consumer.Fetch(1, jetstream.FetchMaxWait(2*time.Second)); err == nil {
			if message := <-batch.Messages(); message != nil {
				e.running.Go(func() { e.take(message) })
				e.fetching.Add(-1)
				continue
			}
			err = batch.Error()
		}
		e.fetching.Add(-1)
		<-e.slots
	}
}

// take has a slot, and gives it back when the message is done with.
func (e *Executor) take(message jetstream.Msg) {
	defer func() { <-e.slots }()
	task, err := e.newTask(message.Data())
	if err != nil {
		message.Term()
		return
	}
	task.message = message
	delivery, _ := message.Metadata()
	if e.hold(task) && e.runClaimed(task, delivery.NumDelivered > 1) {
		e.mu.Lock()
		defer e.mu.Unlock()
		task.message.Ack()
	}
}

// hold is false for an attempt that is here already: from now on the newer delivery counts.
func (e *Executor) hold(task *Task) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := e.held[task.key]
	if known == nil {
		e.held[task.key] = task
	} else if task.message != nil {
		known.message = task.message
		known.working()
	}
	return known == nil
}

func (e *Executor) holds(task *Task) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held[task.key] != nil
}

// runClaimed claims every task before it is run: the mesh knows whether it is still wanted, so nothing needs to be remembered here.
// It is false when the task was given up without a report.
func (e *Executor) runClaimed(task *Task, redelivered bool) bool {
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.held, task.key)
	}()
	for {
		var answer struct {
			Run     bool
			Attempt int
		}
		claim := Body{"taskId": task.TaskID, "attempt": task.Attempt, "redelivered": redelivered}
		if err := e.call("tasks.claim", e.kind(task.Handler, e.me(claim)), forever, &answer); err != nil || !answer.Run {
			return true
		}
		if task.ctx.Err() == nil {
			task.Attempt = answer.Attempt
			return task.execute()
		}
		task.restart() // a cancel came meanwhile: the answer may be older
		redelivered = false
	}
}

func (e *Executor) answerOffer(ctx context.Context, offer *nats.Msg) {
	task, err := e.newTask(offer.Data)
	if session := offer.Header.Get("Carillon-Session"); err != nil || session != "" && session != e.session {
		return // meant for another process of this name
	}
	answer := `{"accepted":true}`
	if ctx.Err() != nil {
		answer = `{"accepted":false,"reason":"draining"}`
	} else if e.handlers[task.Handler] == nil {
		answer = `{"accepted":false,"reason":"unknown-handler"}`
	} else if e.cordoned.Load() && !e.holds(task) {
		answer = `{"accepted":false,"reason":"cordoned"}`
	} else if e.hold(task) {
		select {
		case e.slots <- struct{}{}:
			e.running.Go(func() { e.runClaimed(task, false); <-e.slots })
		default:
			answer = `{"accepted":false,"reason":"busy"}`
			delete(e.held, task.key)
		}
	}
	offer.Respond([]byte(answer))
}

func (e *Executor) obey(ctx context.Context, message *nats.Msg) {
	var order struct {
		Type, RunID, TaskID string
		Attempt             int
	}
	json.Unmarshal(message.Data, &order)
	isMeant := func(task *Task) bool { return task.TaskID == order.TaskID || task.RunID == order.TaskID }
	switch order.Type {
	case "drain":
		e.drain()
	case "cordon", "uncordon":
		e.cordoned.Store(order.Type == "cordon")
	case "register":
		go e.register(ctx)
	case "cancel":
		e.stop(isMeant, errCancelled)
	case "check": // someone else received what we are known to run; what has just ended is applied first
		time.AfterFunc(10*time.Second, func() {
			if e.stop(isMeant, nil) == 0 {
				body := Body{"type": "released", "runId": order.RunID, "taskId": order.TaskID, "attempt": order.Attempt}
				e.store("report."+e.instance, body)
			}
		})
	}
}

// stop tells handlers to end, and counts their tasks; without a reason it only counts.
func (e *Executor) stop(which func(*Task) bool, why error) (count int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, task := range e.held {
		if which(task) {
			count++
			if why != nil {
				task.cancel(why)
			}
		}
	}
	return count
}
