package app

import (
	"context"
	"log/slog"
	"time"

	"campaignql/internal/capture"
	"campaignql/internal/demo"
)

// A campaign of the demo goes out slowly enough to be watched: with this delay for each message, to
// some 20 people a second over 4 connections. Small bursts make it move steadily, and a pause quick.
const (
	demoDelay = 200 * time.Millisecond
	demoBurst = 32
)

// attend lets the people of the demo account answer for the mail that comes for them, and act on it.
func attend(
	ctx context.Context, mail *capture.Server, of demo.Account, services *Services, log *slog.Logger,
) *demo.Crowd {
	crowd := demo.NewCrowd(ctx, of, demo.CrowdServices{
		Events: services.Events, Sending: services.Sending, Links: services.Links, Leaving: services.Leaving,
	}, log)
	mail.Serve(capture.Options{
		Owner: of.ID, Delay: demoDelay, Refuse: crowd.Refuse, Taken: crowd.Receive, Log: log,
	})
	return crowd
}
