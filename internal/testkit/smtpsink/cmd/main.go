// Command cmd runs an SMTP sink in a process of its own, for tests that kill the program under
// test. It prints its address as the first line and ends with SIGTERM, or when its standard input
// ends if -stdin is given. Addresses say themselves what happens to them, see smtpsink.ByLocalPart.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"campaignql/internal/testkit/smtpsink"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	options := smtpsink.Options{Script: smtpsink.ByLocalPart}
	var starttls, implicit, greylist, stdin bool
	var authority string
	flag.StringVar(&options.Address, "listen", "127.0.0.1:0", "the address to listen on")
	flag.BoolVar(&options.Discard, "discard", false, "keep nothing in memory; so does -log")
	flag.StringVar(&options.LogFile, "log", "", "the file that taken messages are appended to")
	flag.BoolVar(&options.NoPipelining, "no-pipelining", false, "do not offer PIPELINING")
	flag.BoolVar(&options.GrantData, "grant-data", false, "answer DATA with 354 also without a recipient")
	flag.IntVar(&options.Quota, "quota", 0, "how many messages to take; 0 is no limit")
	flag.IntVar(&options.PerConnection, "per-connection", 0, "how many messages a connection takes; 0 is no limit")
	flag.DurationVar(&options.RoundTrip, "round-trip", 0, "an artificial round-trip time")
	flag.StringVar(&options.Login.User, "user", "", "the user to log in with")
	flag.StringVar(&options.Login.Password, "password", "", "the password to log in with")
	flag.BoolVar(&starttls, "starttls", false, "offer STARTTLS")
	flag.BoolVar(&implicit, "tls", false, "speak TLS from the first byte")
	flag.StringVar(&authority, "authority", "", "the file to write the authority of the certificate to")
	flag.BoolVar(&greylist, "greylist", false, "refuse each recipient once")
	flag.BoolVar(&stdin, "stdin", false, "end when the standard input ends")
	flag.Parse()
	options.Discard = options.Discard || options.LogFile != ""
	switch {
	case implicit:
		options.TLS = smtpsink.ImplicitTLS
	case starttls:
		options.TLS = smtpsink.StartTLS
	}
	if greylist {
		options.Script = smtpsink.Both(smtpsink.ByLocalPart, smtpsink.Greylist)
	}
	if authority != "" {
		text, err := smtpsink.AuthorityPEM()
		if err != nil {
			return err
		}
		if err := os.WriteFile(authority, text, 0o600); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	sink, err := smtpsink.New(options)
	if err != nil {
		return err
	}
	defer sink.Close()
	fmt.Println(sink.Addr)
	if stdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	<-ctx.Done()
	return nil
}
