// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/primitives"
	v12 "go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// runServer makes Temporal's tables in two empty databases and serves until it gets a signal.
func runServer(o options) error {
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "warn"}))
	store, visibility := o.sql(o.store, 20), o.sql(o.visibility, 2) // connections as in Temporal's own example
	if err := makeTables(store, "temporal", v12.Version, logger); err != nil {
		return err
	}
	if err := makeTables(visibility, "visibility", v12.VisibilityVersion, logger); err != nil {
		return err
	}
	cfg, hosts := o.config(store, visibility)
	server, err := temporal.NewServer(
		temporal.WithConfig(cfg),
		temporal.WithStaticHosts(hosts),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithLogger(logger),
		temporal.WithDynamicConfigClient(settings()),
		temporal.InterruptOn(temporal.InterruptCh()),
	)
	if err != nil {
		return fmt.Errorf("the configuration: %w", err)
	}
	return server.Start()
}

// sql is how to reach one database; a host that is a folder means PostgreSQL's Unix socket in it.
func (o options) sql(database string, connections int) *config.SQL {
	cfg := &config.SQL{
		PluginName:      postgresql.PluginNamePGX,
		DatabaseName:    database,
		User:            o.user,
		ConnectAddr:     fmt.Sprintf("%s:%d", o.host, o.dbport),
		ConnectProtocol: "tcp",
		MaxConns:        connections,
		MaxIdleConns:    connections,
		MaxConnLifetime: time.Hour,
	}
	if strings.HasPrefix(o.host, "/") {
		cfg.ConnectAddr = fmt.Sprintf("localhost:%d", o.dbport)
		cfg.ConnectAttributes = map[string]string{"host": o.host}
	}
	return cfg
}

// makeTables runs the schema file that the server's module carries.
func makeTables(cfg *config.SQL, kind, version string, logger log.Logger) error {
	connection, err := sql.NewConnection(cfg, logger)
	if err != nil {
		return fmt.Errorf("database %s: %w", cfg.DatabaseName, err)
	}
	defer connection.Close()
	setup := &schema.SetupConfig{SchemaName: path.Join("postgresql", "v12", kind), InitialVersion: version}
	if err := schema.NewSetupSchemaTask(connection, setup, logger).Run(); err != nil {
		return fmt.Errorf("tables of database %s: %w", cfg.DatabaseName, err)
	}
	return nil
}

// config has the four services of one process, each on a port of 127.0.0.1, and no cluster to join.
func (o options) config(store, visibility *config.SQL) (*config.Config, map[primitives.ServiceName]static.Hosts) {
	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for n, name := range temporal.DefaultServices {
		services[name] = config.Service{RPC: config.RPC{GRPCPort: o.port + n, BindOnIP: "127.0.0.1"}}
		address := "127.0.0.1:" + strconv.Itoa(o.port+n)
		hosts[primitives.ServiceName(name)] = static.Hosts{All: []string{address}, Self: address}
	}
	frontend := hosts[primitives.FrontendService].Self
	return &config.Config{
		Services:     services,
		PublicClient: config.PublicClient{HostPort: frontend},
		Persistence: config.Persistence{
			NumHistoryShards: int32(o.shards),
			DefaultStore:     "store",
			VisibilityStore:  "visibility",
			DataStores:       map[string]config.DataStore{"store": {SQL: store}, "visibility": {SQL: visibility}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        "active",
			CurrentClusterName:       "active",
			ClusterInformation: map[string]cluster.ClusterInformation{
				"active": {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
	}, hosts
}

// settings lifts the rate limits, which protect shared clusters and would be what is measured.  One partition for each
// task queue suits one process with few pollers; with the default of four, polls and tasks look for each other.
func settings() dynamicconfig.StaticClient {
	const unlimited = 1_000_000
	return dynamicconfig.StaticClient{
		dynamicconfig.FrontendRPS.Key():                         unlimited,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():  unlimited,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():           unlimited,
		dynamicconfig.MatchingRPS.Key():                         unlimited,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():           unlimited,
		dynamicconfig.HistoryRPS.Key():                          unlimited,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():            unlimited,
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	}
}
