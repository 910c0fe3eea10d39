// SPDX-License-Identifier: Apache-2.0

// Temporal as a peer of the benchmark: "server" is Temporal's own server on a given PostgreSQL, "load" is a worker and
// a starter written with Temporal's SDK.  They are two processes so that their CPU can be told apart.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

type options struct {
	host, user, store, visibility, workload string
	dbport, port, shards, workers, inFlight int
	warmUp, window                          time.Duration
}

func main() {
	runs := map[string]func(options) error{"server": runServer, "load": runLoad}
	if len(os.Args) < 2 || runs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: temporal-bench server|load [options]")
		os.Exit(2)
	}
	if err := runs[os.Args[1]](flags(os.Args[1], os.Args[2:])); err != nil {
		fmt.Fprintf(os.Stderr, "temporal-bench %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func flags(name string, args []string) (o options) {
	f := flag.NewFlagSet(name, flag.ExitOnError)
	f.IntVar(&o.port, "port", 7233, "port of the frontend; the server's other three services take the next three")
	f.StringVar(&o.host, "host", "127.0.0.1", "server: PostgreSQL's host, or the folder of its socket")
	f.IntVar(&o.dbport, "dbport", 5432, "server: PostgreSQL's port")
	f.StringVar(&o.user, "dbuser", "postgres", "server: PostgreSQL's user")
	f.StringVar(&o.store, "store", "temporal", "server: database of executions and histories")
	f.StringVar(&o.visibility, "visibility", "temporal_visibility", "server: database of the list of workflows")
	f.IntVar(&o.shards, "shards", 4, "server: history shards")
	f.StringVar(&o.workload, "workload", "seq10", "load: name of the workload")
	f.IntVar(&o.workers, "workers", 64, "load: activities that may run at once")
	f.IntVar(&o.inFlight, "in-flight", 128, "load: workflows that may be open at once")
	f.DurationVar(&o.warmUp, "warm-up", 20*time.Second, "load: time before the window")
	f.DurationVar(&o.window, "window", 10*time.Second, "load: length of the window")
	f.Parse(args)
	return o
}
