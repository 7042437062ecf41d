package app

import (
	"fmt"

	"campaignql/internal/config"
	"campaignql/internal/mailer"
	"campaignql/internal/sending"
)

// sendingOptions returns the settings of the built-in sender. The error names the flag.
func sendingOptions(cfg config.Config) (sending.Options, error) {
	opts := sending.Options{
		Connections: cfg.SendingConnections, Burst: cfg.SendingBurst, Lease: cfg.SendingLease,
		GiveUp: cfg.GiveUp, MaxLateness: cfg.MaxLateness, InDoubt: sending.InDoubt(cfg.InDoubt),
	}
	if cfg.SMTP == "" {
		return opts, nil
	}
	route, err := mailer.ParseRoute(cfg.SMTP)
	if err != nil {
		return opts, fmt.Errorf("--smtp: %w", err)
	}
	opts.Route = &route
	return opts, nil
}
