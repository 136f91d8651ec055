package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gotnt/tnt/tnttest"
)

// serveFlags are the flags of `tnt serve`.
type serveFlags struct {
	schema   string
	listen   string
	version  string
	replicas int
	verbose  bool
}

func newServeCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "run the embedded server, which keeps everything in memory and nothing on disk",
		Long: "Serve runs a Tarantool in pure Go for tests, demonstrations and development. It has memtx\n" +
			"spaces, transactions and watchers, but neither Lua nor SQL, and it keeps nothing on disk.\n\n" +
			"Its schema is JSON: {\"spaces\": [...], \"users\": {\"alice\": \"s3cret\"}}. The user guest may do\n" +
			"everything; users listed have all rights but those of the super user, and none at all where\n" +
			"their password is empty. The functions echo(...) and bcast(key, value) are built in.\n\n" +
			"With --replicas it runs as many servers that replicate and elect a leader, at ports counted up\n" +
			"from the one given, or at sockets r0.sock, r1.sock, ... in a folder, unix/:FOLDER. Commands on\n" +
			"standard input, one a line, make things go wrong:\n\n" + replicaHelp,
		Example: "  tnt serve --listen 127.0.0.1:3301 --schema schema.json\n" +
			"  tnt serve --listen 127.0.0.1:3301 --replicas 3",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, &flags) },
	}
	cmd.Flags().StringVar(&flags.schema, "schema", "", "JSON `file` with spaces and users")
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:3301", "`address` to listen on: HOST:PORT, or unix/:PATH")
	cmd.Flags().StringVar(&flags.version, "as", "", "`version` of Tarantool to be to clients, such as 2.11.0")
	cmd.Flags().IntVar(&flags.replicas, "replicas", 1, "`number` of servers, of one replica set where there are more than one")
	cmd.Flags().BoolVarP(&flags.verbose, "verbose", "v", false, "log each request")
	return cmd
}

func serve(cmd *cobra.Command, flags *serveFlags) error {
	opts := []tnttest.Option{tnttest.WithLogLimit(0)}
	if flags.schema != "" {
		schema, err := readSchema(flags.schema)
		if err != nil {
			return err
		}
		opts = append(opts, tnttest.WithSchema(schema))
	}
	if flags.version != "" {
		opts = append(opts, tnttest.WithVersion(flags.version))
	}
	if flags.verbose {
		h := slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug})
		opts = append(opts, tnttest.WithLogger(slog.New(h)))
	}
	network, address := "tcp", flags.listen
	if path, ok := strings.CutPrefix(flags.listen, "unix/:"); ok {
		network, address = "unix", path
	}
	if flags.replicas != 1 {
		return serveReplicas(cmd, flags.replicas, network, address, opts)
	}
	srv, err := tnttest.Start(opts...)
	if err != nil {
		return err
	}
	srv.HandleDemo()
	addr, err := srv.Listen(network, address)
	if err != nil {
		_ = srv.Close()
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "listening on %v; nothing is kept on disk\n", addr)
	<-cmd.Context().Done()
	return srv.Close()
}

func readSchema(path string) (schema tnttest.Schema, err error) {
	f, err := os.Open(path)
	if err != nil {
		return schema, err
	}
	defer func() { _ = f.Close() }()
	return tnttest.ReadSchema(f)
}
