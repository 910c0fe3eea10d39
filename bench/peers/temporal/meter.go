// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/headers"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A meter sees each call of worker and starter at the wire, so what counts is what the server acknowledged.
type meter struct {
	ended func() // called when a workflow's end was acknowledged

	mu     sync.Mutex
	begun  map[string]time.Time // the open workflows
	totals map[string]int       // what went well, at any time

	counting       bool // the window is open; what follows is of the window only
	opened         time.Time
	seconds        float64
	cpu            int64
	took           map[string][]time.Duration
	answers        map[string]int
	fetches, eager int
}

func newMeter(ended func()) *meter {
	return &meter{
		ended:   ended,
		begun:   map[string]time.Time{},
		totals:  map[string]int{},
		took:    map[string][]time.Duration{},
		answers: map[string]int{"2xx": 0, "404": 0, "409": 0, "500": 0, "503": 0, "other": 0, "lost": 0},
	}
}

// window opens or shuts the window.
func (m *meter) window(open bool) {
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	cpu := (use.Utime.Nano() + use.Stime.Nano()) / 1000
	m.mu.Lock()
	defer m.mu.Unlock()
	if open {
		m.opened, m.cpu = time.Now(), cpu
	} else {
		m.seconds, m.cpu = time.Since(m.opened).Seconds(), cpu-m.cpu
	}
	m.counting = open
}

// intercept is gRPC's hook around each call.
func (m *meter) intercept(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	begin := time.Now()
	if start, ok := request.(*workflowservice.StartWorkflowExecutionRequest); ok {
		m.mu.Lock()
		m.begun[start.WorkflowId] = begin
		m.mu.Unlock()
	}
	err := invoke(ctx, method, request, reply, connection, options...)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch call := request.(type) {
	case *workflowservice.StartWorkflowExecutionRequest:
		m.answered("start", err, begin)
	case *workflowservice.RespondActivityTaskCompletedRequest:
		m.answered("complete", err, begin)
	case *workflowservice.PollActivityTaskQueueRequest:
		m.fetched(reply.(*workflowservice.PollActivityTaskQueueResponse), err, begin)
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		m.answered("workflow_task", err, begin)
		if err == nil {
			m.decided(call, reply.(*workflowservice.RespondWorkflowTaskCompletedResponse))
		}
	}
	return err
}

func (m *meter) answered(kind string, err error, begin time.Time) {
	class, known := classes[status.Code(err)]
	if !known {
		class = "other"
	}
	if m.counting {
		m.answers[class]++
	}
	if err == nil {
		m.done(kind, begin)
	}
}

func (m *meter) done(kind string, begin time.Time) {
	m.totals[kind]++
	if m.counting {
		m.took[kind] = append(m.took[kind], time.Since(begin))
	}
}

// fetched is a poll for activities, which comes back empty when there was none for a while.
func (m *meter) fetched(reply *workflowservice.PollActivityTaskQueueResponse, err error, begin time.Time) {
	if m.counting {
		m.fetches++
	}
	if err != nil || len(reply.TaskToken) > 0 {
		m.answered("fetch", err, begin)
	}
}

// decided looks at what a workflow task came to: activities handed out with the answer, or the workflow's end.
func (m *meter) decided(call *workflowservice.RespondWorkflowTaskCompletedRequest,
	reply *workflowservice.RespondWorkflowTaskCompletedResponse) {
	if m.counting {
		m.eager += len(reply.ActivityTasks)
	}
	for _, command := range call.Commands {
		id := strings.TrimPrefix(call.ResourceId, "workflow:")
		begin, open := m.begun[id]
		if open && command.CommandType == enums.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION {
			delete(m.begun, id)
			m.done("instance", begin)
			m.ended()
		}
	}
}

// classes names gRPC's codes as HTTP would, as the other drivers count; what is missing is "other".
var classes = map[codes.Code]string{
	codes.OK: "2xx", codes.NotFound: "404", codes.AlreadyExists: "409", codes.Aborted: "409", codes.Internal: "500",
	codes.Unknown: "500", codes.Unavailable: "503", codes.ResourceExhausted: "503", codes.Canceled: "lost",
	codes.DeadlineExceeded: "lost",
}

// report is the object of bench/README.md, and what only Temporal has.
func (m *meter) report(o options) map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	latency := map[string]any{}
	for _, kind := range []string{"complete", "fetch", "start", "instance", "workflow_task"} {
		latency[kind] = quantiles(m.took[kind])
	}
	return map[string]any{
		"workload": o.workload, "workers": o.workers, "fetch": 1, "payload": 0, "rate": 0, "seconds": m.seconds,
		"completions": len(m.took["complete"]), "instances": len(m.took["instance"]), "starts": len(m.took["start"]),
		"fetches": m.fetches, "tasks_fetched": len(m.took["fetch"]) + m.eager, "answers": m.answers,
		"latency_us": latency, "started_total": m.totals["start"], "completed_total": m.totals["complete"],
		"drained": true, "cpu_us": m.cpu, "in_flight": o.inFlight, "tasks_eager": m.eager,
		"workflow_tasks": len(m.took["workflow_task"]), "verified": m.totals["instance"],
		"version": headers.ServerVersion,
	}
}

func quantiles(took []time.Duration) map[string]int64 {
	if len(took) == 0 {
		return map[string]int64{"n": 0}
	}
	slices.Sort(took)
	at := func(share float64) int64 { return took[int(share*float64(len(took)-1))].Microseconds() }
	return map[string]int64{"p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1), "n": int64(len(took))}
}
