// Handlers of the executor beside this file: those that docs/conformance asks for.
//
//	carillon conformance --executor go -- go run .
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func echo(_ context.Context, task *Task) (any, error) { return task.Payload, nil }

func fail(_ context.Context, task *Task) (any, error) {
	var hints Body
	if err := json.Unmarshal(task.Payload, &hints); err != nil {
		return nil, err
	}
	message, _ := hints["message"].(string)
	delete(hints, "message")
	return nil, Failure{message, hints}
}

func progress(_ context.Context, task *Task) (any, error) {
	task.Log("info", "begins", Body{"step": 1})
	task.Progress(50, "half")
	task.Log("warn", "ends", nil)
	return nil, nil
}

func slow(ctx context.Context, task *Task) (any, error) {
	var payload struct{ Ms time.Duration }
	if err := json.Unmarshal(task.Payload, &payload); err != nil {
		return nil, err
	}
	select {
	case <-time.After(payload.Ms * time.Millisecond):
		return "slept", nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func items(_ context.Context, task *Task) (any, error) {
	var payload struct{ Items []json.RawMessage }
	if err := json.Unmarshal(task.Payload, &payload); err != nil {
		return nil, err
	}
	return nil, task.Map("item", payload.Items)
}

func doubled(_ context.Context, task *Task) (any, error) {
	var number float64
	err := json.Unmarshal(task.Item, &number)
	return 2 * number, err
}

func added(_ context.Context, task *Task) (any, error) {
	results, err := task.Results()
	var sum, number float64
	for _, result := range results {
		if err = json.Unmarshal(result, &number); err != nil {
			return nil, err
		}
		sum += number
	}
	return sum, err
}

func main() {
	handlers := map[string]any{
		"conformance-echo":     Handler(echo),
		"conformance-fail":     Handler(fail),
		"conformance-progress": Handler(progress),
		"conformance-slow":     Handler(slow),
		"conformance-map":      Tasks{"root": items, "item": doubled, "reduce": added, "merge": added},
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	url, namespace := os.Getenv("CARILLON_NATS_URL"), os.Getenv("CARILLON_NAMESPACE")
	if err := Run(ctx, cmp.Or(url, "nats://127.0.0.1:4222"), cmp.Or(namespace, "default"), "go", handlers); err != nil {
		log.Fatal(err)
	}
}
