// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	namespace = "default"
	taskQueue = "bench"
	tasks     = 10               // activities of one workflow
	starters  = 8                // goroutines that start workflows
	checkers  = 16               // goroutines that read results back
	patience  = 60 * time.Second // for the server to come up, for open workflows to end, for results and list to match
)

type load struct {
	options
	client client.Client
	meter  *meter
	slots  chan struct{} // one token for each open workflow
	number atomic.Int64  // of the workflow started last
}

// step is the activity: an integer in, an integer out.
func step(_ context.Context, n int) (int, error) {
	return 2 * n, nil
}

// seq10 is the workflow: ten activities in sequence; its result is the sum of theirs.
func seq10(ctx workflow.Context, number int) (sum int, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for i := 0; i < tasks; i++ {
		var answer int
		if err := workflow.ExecuteActivity(ctx, step, number+i).Get(ctx, &answer); err != nil {
			return 0, err
		}
		sum += answer
	}
	return sum, nil
}

// wanted is what seq10 must come to.
func wanted(number int) int {
	return tasks * (2*number + tasks - 1)
}

func runLoad(o options) error {
	if o.workload != "seq10" {
		return fmt.Errorf("workload %s: only seq10 is written as a Temporal workflow", o.workload)
	}
	l := &load{options: o, slots: make(chan struct{}, o.inFlight)}
	l.meter = newMeter(func() { <-l.slots })
	if err := l.connect(); err != nil {
		return err
	}
	defer l.client.Close()
	w := worker.New(l.client, taskQueue, l.workerOptions())
	w.RegisterWorkflow(seq10)
	w.RegisterActivity(step)
	if err := w.Start(); err != nil {
		return fmt.Errorf("the worker: %w", err)
	}
	err := l.drive()
	w.Stop()
	if err == nil {
		err = l.verify()
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l.meter.report(o))
}

// workerOptions has fewer polls than activities that may run: each poll holds one of the places, and only a free place
// lets the server hand out an activity with the answer that asked for it (eager execution), which saves a round.
func (l *load) workerOptions() worker.Options {
	return worker.Options{
		MaxConcurrentActivityExecutionSize: l.workers,
		MaxConcurrentActivityTaskPollers:   max(1, l.workers/4),
		MaxConcurrentWorkflowTaskPollers:   max(2, l.workers/4),
	}
}

// connect waits until the server answers, registers the namespace and waits until the server lists its workflows.
func (l *load) connect() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	options := client.Options{
		HostPort:  "127.0.0.1:" + strconv.Itoa(l.port),
		Namespace: namespace,
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		ConnectionOptions: client.ConnectionOptions{
			GrpcCompression: &client.GrpcCompressionNone{}, // nothing to gain on one machine
			DialOptions:     []grpc.DialOption{grpc.WithChainUnaryInterceptor(l.meter.intercept)},
		},
	}
	if err := retry(ctx, func() error { l.client, err = client.DialContext(ctx, options); return err }); err != nil {
		return fmt.Errorf("no server on %s: %w", options.HostPort, err)
	}
	_, err = l.client.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        namespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		return fmt.Errorf("namespace %s: %w", namespace, err)
	}
	return retry(ctx, func() error { _, err := l.count(ctx, ""); return err })
}

func (l *load) count(ctx context.Context, query string) (int, error) {
	answer, err := l.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: query})
	return int(answer.GetCount()), err
}

// retry calls until there is no error or no time left.
func retry(ctx context.Context, call func() error) error {
	for {
		err := call()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// each runs so many goroutines and returns their first error, without waiting for the others then.
func each(count int, run func(n int) error) error {
	results := make(chan error, count)
	for n := 0; n < count; n++ {
		go func() { results <- run(n) }()
	}
	for n := 0; n < count; n++ {
		if err := <-results; err != nil {
			return err
		}
	}
	return nil
}

// drive keeps workflows open during warm-up and window, says on stdout when the window opens and shuts, and waits for
// what is open then to end.
func (l *load) drive() error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	time.AfterFunc(l.warmUp, func() {
		l.meter.window(true)
		fmt.Println("open")
		time.Sleep(l.options.window)
		l.meter.window(false)
		fmt.Println("shut")
		stop()
	})
	if err := each(starters, func(int) error { return l.start(ctx) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return retry(ctx, func() error {
		if open := len(l.slots); open > 0 {
			return fmt.Errorf("%d workflows were still open %v after the window", open, patience)
		}
		return nil
	})
}

// start starts workflows as slots become free.
func (l *load) start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l.slots <- struct{}{}:
		}
		number := int(l.number.Add(1))
		options := client.StartWorkflowOptions{ID: workflowID(number), TaskQueue: taskQueue}
		if _, err := l.client.ExecuteWorkflow(context.Background(), options, seq10, number); err != nil {
			return fmt.Errorf("start of %s: %w", workflowID(number), err)
		}
	}
}

func workflowID(number int) string {
	return "bench-" + strconv.Itoa(number)
}

// verify compares what was started with the activities that were acknowledged, with the result that the server has of
// each workflow, and with how many workflows it lists as completed.
func (l *load) verify() error {
	started, acknowledged := int(l.number.Load()), l.meter.totals["complete"]
	if acknowledged != started*tasks {
		return fmt.Errorf("%d activities were acknowledged, of %d workflows with %d each", acknowledged, started, tasks)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := each(checkers, func(n int) error { return l.verifyResults(ctx, n+1, started) })
	if err != nil {
		return err
	}
	return retry(ctx, func() error {
		listed, err := l.count(ctx, "ExecutionStatus = 'Completed'")
		if err == nil && listed != started {
			err = fmt.Errorf("%d workflows were started, the server lists %d as completed", started, listed)
		}
		return err
	})
}

// verifyResults looks at one workflow in so many as there are checkers.
func (l *load) verifyResults(ctx context.Context, number, last int) error {
	for ; number <= last; number += checkers {
		var result int
		if err := l.client.GetWorkflow(ctx, workflowID(number), "").Get(ctx, &result); err != nil {
			return fmt.Errorf("result of %s: %w", workflowID(number), err)
		}
		if result != wanted(number) {
			return fmt.Errorf("result of %s: %d instead of %d", workflowID(number), result, wanted(number))
		}
	}
	return nil
}
