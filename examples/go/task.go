package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Handler does a task; its context ends when it has to stop.
type Handler func(ctx context.Context, task *Task) (any, error)

// Tasks are the functions of a map-reduce, by the names of its tasks.
type Tasks map[string]Handler

// Failure is an error that says how to go on: "retryable": false, or "retryAfterMs".
type Failure struct {
	Message string
	Hints   Body
}

func (f Failure) Error() string { return f.Message }

var errCancelled, errDrained, errTimedOut = errors.New("cancelled"), errors.New("drained"), errors.New("timed_out")

// Task is one attempt of a task, and what its handler is given.
type Task struct {
	RunID, TaskID, Handler, Task, key string
	Attempt, TimeoutMs                int
	Payload, Item                     json.RawMessage
	executor                          *Executor
	message                           jetstream.Msg // nil of an offered task
	ctx                               context.Context
	cancel                            context.CancelCauseFunc
	calls, seq                        int
	mu                                sync.Mutex // of the lines
	lines                             []Body
	shipping                          sync.WaitGroup
}

func (e *Executor) newTask(work []byte) (*Task, error) {
	task := &Task{executor: e}
	if err := json.Unmarshal(work, task); err != nil {
		return nil, err
	}
	task.key = fmt.Sprint(task.TaskID, "#", task.Attempt)
	task.restart()
	return task, nil
}

func (t *Task) restart() { t.ctx, t.cancel = context.WithCancelCause(context.Background()) }

func (t *Task) about(more Body) Body {
	body := Body{"runId": t.RunID, "taskId": t.TaskID, "attempt": t.Attempt}
	maps.Copy(body, more)
	return body
}

func (t *Task) report(body Body) { t.executor.store("report."+t.executor.instance, t.about(body)) }

func (t *Task) working() {
	if t.message != nil {
		t.message.InProgress()
	}
}

// Progress says how far the task is.
func (t *Task) Progress(percent float64, note string) {
	t.report(Body{"type": "progress", "percent": percent, "note": note})
}

// Log writes a line; lines of a tenth of a second travel together, a hundred at most.
func (t *Task) Log(level, message string, fields Body) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	line := Body{"seq": t.seq, "at": time.Now().UTC().Format(time.RFC3339Nano), "level": level, "message": message}
	if fields != nil {
		line["fields"] = fields
	}
	if t.lines = append(t.lines, line); len(t.lines) == 1 {
		t.shipping.Go(t.ship)
	}
}

func (t *Task) ship() {
	time.Sleep(100 * time.Millisecond)
	t.mu.Lock()
	lines := t.lines
	t.lines = nil
	t.mu.Unlock()
	for ; len(lines) > 0; lines = lines[min(100, len(lines)):] {
		t.executor.store("log."+t.RunID, t.about(Body{"instance": t.executor.instance, "lines": lines[:min(100, len(lines))]}))
	}
}

// Map asks for a task of that name for each item. Every attempt must ask for the same: each call has a number.
func (t *Task) Map(name string, items []json.RawMessage) error {
	for ; len(items) > 0; items = items[min(500, len(items)):] {
		body := Body{"taskId": t.TaskID, "attempt": t.Attempt, "instance": t.executor.instance, "call": t.calls, "name": name}
		body["items"] = items[:min(500, len(items))]
		t.calls++
		if err := t.executor.call("tasks.map", body, patient, nil); err != nil {
			return err
		}
	}
	return nil
}

// Results are what a reduce or merge brings together.
func (t *Task) Results() (results []json.RawMessage, err error) {
	query := Body{"taskId": t.TaskID}
	for more := true; more; {
		var page struct {
			Items []struct{ Result json.RawMessage }
			Next  string
		}
		if err = t.executor.call("tasks.results", query, patient, &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			results = append(results, item.Result)
		}
		query["cursor"], more = page.Next, page.Next != ""
	}
	return results, nil
}

// execute runs the attempt and reports its end. It is false when the task was given up without a report.
func (t *Task) execute() bool {
	run, _ := t.executor.handlers[t.Handler].(Handler)
	if tasks, maps := t.executor.handlers[t.Handler].(Tasks); maps {
		run = tasks[t.Task]
	}
	if run == nil {
		run = func(context.Context, *Task) (any, error) {
			return nil, Failure{"there is no function for tasks named " + t.Task, Body{"retryable": false}}
		}
	}
	if t.TimeoutMs > 0 {
		defer time.AfterFunc(time.Duration(t.TimeoutMs)*time.Millisecond, func() { t.cancel(errTimedOut) }).Stop()
	}
	done := make(chan Body, 1)
	go func() { done <- ending(run(t.ctx, t)) }()
	var end Body
	select {
	case end = <-done:
	case <-t.ctx.Done():
		select {
		case end = <-done:
		case <-time.After(5 * time.Second): // it ignores that it is to stop
		}
	}
	if why := context.Cause(t.ctx); why != nil && (end["outcome"] != "succeeded" || why == errTimedOut) {
		if why == errDrained {
			return false
		}
		end = Body{"outcome": why.Error()}
	}
	t.mu.Lock()
	end["type"], end["logLines"] = "finished", t.seq
	t.mu.Unlock()
	t.report(end)
	t.shipping.Wait()
	return true
}

func ending(result any, err error) Body {
	if err == nil {
		var text []byte
		if text, err = json.Marshal(result); err == nil && len(text) <= 256*1024 {
			return Body{"outcome": "succeeded", "result": json.RawMessage(text)}
		}
		return Body{"outcome": "failed", "reason": "invalid-result", "error": Body{"message": fmt.Sprint("not JSON, or too large: ", err)}}
	}
	failure := Body{"name": fmt.Sprintf("%T", err), "message": err.Error()}
	if said, ok := errors.AsType[Failure](err); ok {
		maps.Copy(failure, said.Hints)
	}
	return Body{"outcome": "failed", "error": failure}
}
