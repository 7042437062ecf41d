// Package config owns the settings of the server: their names, defaults and limits. It must not
// know what the settings are used for.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// leastLiveInterval is the minimum interval between updates that the GraphQL schema promises to
// subscribers.
const leastLiveInterval = 500 * time.Millisecond

// Config holds every setting of `campaignql serve`. The struct tags define the flag and the
// environment variable of each setting.
type Config struct {
	Listen      string `name:"listen" env:"CAMPAIGNQL_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address to listen on (${default})."`
	PublicURL   string `name:"public-url" env:"CAMPAIGNQL_PUBLIC_URL" placeholder:"URL" help:"URL under which clients reach the server; from the request by default."`
	Demo        bool   `name:"demo" env:"CAMPAIGNQL_DEMO" help:"Fill the database with an account, 200 campaigns and their statistics, and hand its key to the explorer."`
	Explorer    bool   `name:"explorer" env:"CAMPAIGNQL_EXPLORER" default:"true" negatable:"" help:"Serve the explorer on / (on)."`
	Migrate     bool   `name:"migrate" env:"CAMPAIGNQL_MIGRATE" default:"true" negatable:"" help:"Migrate the database first; without it, a database that lacks migrations is refused (on)."`
	Development bool   `name:"development" env:"CAMPAIGNQL_DEVELOPMENT" help:"Show suggestions, and the SQL of each operation in extensions.cost. On in demo mode."`

	AccessLog string `name:"access-log" env:"CAMPAIGNQL_ACCESS_LOG" default:"auto" enum:"auto,off,errors,all" help:"Requests to log: off, errors or all; all with --development, errors without (${enum})."`

	Introspection bool `name:"introspection" env:"CAMPAIGNQL_INTROSPECTION" default:"true" negatable:"" help:"Answer introspection (on)."`
	// Operations is a file or a folder. Empty means that clients may send any operation.
	Operations string `name:"operations" env:"CAMPAIGNQL_OPERATIONS" placeholder:"FILE|DIR" help:"Serve only the GraphQL operations of this file or folder: persisted documents of Relay, graphql-codegen or Apollo, or *.graphql."`
	// TrustedProxies are IP addresses and CIDRs. Proxies parses them.
	TrustedProxies []string `name:"trusted-proxy" env:"CAMPAIGNQL_TRUSTED_PROXIES" placeholder:"CIDR" help:"Proxies whose X-Forwarded-For, -Proto, -Host and Forwarded count: addresses or CIDRs, such as 10.0.0.0/8. None by default: anybody's are ignored."`

	CORSOrigins []string `name:"cors-origin" env:"CAMPAIGNQL_CORS_ORIGINS" placeholder:"ORIGIN" help:"Origins whose pages may call the API, such as https://app.example.com."`

	MaxDepth       int           `name:"max-depth" env:"CAMPAIGNQL_MAX_DEPTH" default:"12" help:"Deepest nesting of a query (${default})."`
	MaxComplexity  int           `name:"max-complexity" env:"CAMPAIGNQL_MAX_COMPLEXITY" default:"20000" help:"Largest complexity of a query (${default})."`
	MaxTokens      int           `name:"max-tokens" env:"CAMPAIGNQL_MAX_TOKENS" default:"2000" help:"Longest query in tokens (${default})."`
	MaxGraphQLBody int64         `name:"max-graphql-body" env:"CAMPAIGNQL_MAX_GRAPHQL_BODY" default:"1048576" help:"Largest body of a GraphQL request in bytes (${default})."`
	MaxBatchBody   int64         `name:"max-batch-body" env:"CAMPAIGNQL_MAX_BATCH_BODY" default:"16777216" help:"Largest body of a GraphQL request in bytes with a key that may write or record events (${default})."`
	MaxCommandBody int64         `name:"max-command-body" env:"CAMPAIGNQL_MAX_COMMAND_BODY" default:"10485760" help:"Largest body of a Command request in bytes (${default})."`
	MaxBodyMemory  int64         `name:"max-body-memory" env:"CAMPAIGNQL_MAX_BODY_MEMORY" default:"134217728" help:"Bytes that the request bodies of all accounts may hold at a time, half of it for one (${default})."`
	Timeout        time.Duration `name:"timeout" env:"CAMPAIGNQL_TIMEOUT" default:"30s" help:"Longest time of a GraphQL operation or a command, its SQL included (${default})."`
	ClientTimeout  time.Duration `name:"client-timeout" env:"CAMPAIGNQL_CLIENT_TIMEOUT" default:"30s" help:"How long a client may send nothing of a body, or take nothing of an answer, before it is cut off (${default})."`
	ShutdownGrace  time.Duration `name:"shutdown-grace" env:"CAMPAIGNQL_SHUTDOWN_GRACE" default:"15s" help:"How long requests may finish once the server is told to stop (${default})."`
	SessionTTL     time.Duration `name:"session-ttl" env:"CAMPAIGNQL_SESSION_TTL" default:"24h" help:"How long a session lasts after its last use (${default})."`
	LoginFailures  int           `name:"login-failures" env:"CAMPAIGNQL_LOGIN_FAILURES" default:"10" help:"Failed logins for one name within a minute before further ones are refused; ten times as many for one client address (${default})."`

	Bounces
	Sending

	MaxClients         int `name:"max-clients" env:"CAMPAIGNQL_MAX_CLIENTS" default:"2000" help:"Most connections of clients open at a time; those that wait for a request give way to new ones (${default})."`
	MaxAddressClients  int `name:"max-address-clients" env:"CAMPAIGNQL_MAX_ADDRESS_CLIENTS" default:"500" help:"Most of them from one address, of IPv6 one /64 network; a --trusted-proxy may have any number (${default})."`
	MaxRequests        int `name:"max-requests" env:"CAMPAIGNQL_MAX_REQUESTS" default:"1000" help:"Most requests, and operations over WebSockets, under way at a time on this server, of callers it knows; a quarter as many of others (${default})."`
	MaxAccountRequests int `name:"max-account-requests" env:"CAMPAIGNQL_MAX_ACCOUNT_REQUESTS" default:"200" help:"Most of them of one account, or without credentials from one address (${default})."`

	MaxSubscriptions    int           `name:"max-subscriptions" env:"CAMPAIGNQL_MAX_SUBSCRIPTIONS" default:"100" help:"Most subscriptions that one account may have open on this server (${default})."`
	MaxSocketOperations int           `name:"max-socket-operations" env:"CAMPAIGNQL_MAX_SOCKET_OPERATIONS" default:"32" help:"Most operations at once over one WebSocket (${default})."`
	MaxSockets          int           `name:"max-sockets" env:"CAMPAIGNQL_MAX_SOCKETS" default:"1000" help:"Most WebSockets open at a time on this server, of callers it knows (${default})."`
	MaxAnonymousSockets int           `name:"max-anonymous-sockets" env:"CAMPAIGNQL_MAX_ANONYMOUS_SOCKETS" default:"64" help:"Most WebSockets open at a time whose caller is not known yet; a further one takes the place of the oldest (${default})."`
	MaxAccountSockets   int           `name:"max-account-sockets" env:"CAMPAIGNQL_MAX_ACCOUNT_SOCKETS" default:"100" help:"Most of them of one account (${default})."`
	MaxDownloads        int           `name:"max-downloads" env:"CAMPAIGNQL_MAX_DOWNLOADS" default:"32" help:"Most exported files sent at a time by this server (${default})."`
	MaxAccountDownloads int           `name:"max-account-downloads" env:"CAMPAIGNQL_MAX_ACCOUNT_DOWNLOADS" default:"8" help:"Most of them to one account (${default})."`
	MaxStreams          int           `name:"max-streams" env:"CAMPAIGNQL_MAX_STREAMS" default:"32" help:"Most streams of events open at a time on this server (${default})."`
	MaxAccountStreams   int           `name:"max-account-streams" env:"CAMPAIGNQL_MAX_ACCOUNT_STREAMS" default:"8" help:"Most of them of one account (${default})."`
	LiveInterval        time.Duration `name:"live-interval" env:"CAMPAIGNQL_LIVE_INTERVAL" default:"500ms" help:"How often the campaigns that subscriptions follow are looked at, 500ms at least (${default})."`

	MaxAnswer       int64 `name:"max-answer" env:"CAMPAIGNQL_MAX_ANSWER" default:"33554432" help:"Most bytes that one answer may hold in memory: the rows read for it and its JSON (${default})."`
	MaxAnswers      int64 `name:"max-answers" env:"CAMPAIGNQL_MAX_ANSWERS" default:"134217728" help:"Most bytes that all answers together may hold (${default})."`
	MaxHeavy        int   `name:"max-heavy" env:"CAMPAIGNQL_MAX_HEAVY" default:"0" help:"Most heavy statements at a time, such as counts of audiences; a third of --max-connections for 0 (${default})."`
	MaxAccountHeavy int   `name:"max-account-heavy" env:"CAMPAIGNQL_MAX_ACCOUNT_HEAVY" default:"2" help:"Most of them for one account (${default})."`

	MaxConnections   int           `name:"max-connections" env:"CAMPAIGNQL_MAX_CONNECTIONS" default:"32" help:"Most connections to MySQL, or readers of SQLite (${default})."`
	SlowQuery        time.Duration `name:"slow-query" env:"CAMPAIGNQL_SLOW_QUERY" default:"1s" help:"Log statements that take longer, including the wait for a connection, without their values; 0 logs none (${default})."`
	StatementTimeout time.Duration `name:"statement-timeout" env:"CAMPAIGNQL_STATEMENT_TIMEOUT" default:"60s" help:"Longest wait for MySQL to answer (${default})."`
}

// mostSoftBounces is the largest limit of soft bounces. A mail a day for three years does not reach it.
const mostSoftBounces = 1000

// Bounces are the settings that all commands need which record events or count them anew.
type Bounces struct {
	SoftBounceLimit int `name:"soft-bounce-limit" env:"CAMPAIGNQL_SOFT_BOUNCE_LIMIT" default:"5" help:"Campaigns in a row that may end in a soft bounce of a contact before nothing is sent to it any more, 1 to 1000 (${default})."`
}

// Sending are the settings of the built-in sender.
type Sending struct {
	Sending            bool          `name:"sending" env:"CAMPAIGNQL_SENDING" default:"true" negatable:"" help:"Send the campaigns of accounts whose sender is built_in; without it this server leaves that to others on the same database (on)."`
	SMTP               string        `name:"smtp" env:"CAMPAIGNQL_SMTP" placeholder:"URL" help:"Mail server to send through: smtp://user:password@host:port?tls=starttls or smtps://…; tls is starttls, opportunistic or off. Without it campaigns wait."`
	SendingConnections int           `name:"sending-connections" env:"CAMPAIGNQL_SENDING_CONNECTIONS" default:"8" help:"Connections of this server to the mail server (${default})."`
	SendingBurst       int           `name:"sending-burst" env:"CAMPAIGNQL_SENDING_BURST" default:"64" help:"Messages that are under way at a time on this server; as many can be in doubt after a crash (${default})."`
	SendingLease       time.Duration `name:"sending-lease" env:"CAMPAIGNQL_SENDING_LEASE" default:"60s" help:"After how long another server goes on with the work of one that does not answer (${default})."`
	GiveUp             time.Duration `name:"give-up" env:"CAMPAIGNQL_GIVE_UP" default:"24h" help:"How long after its first attempt a message is tried again (${default})."`
	InDoubt            string        `name:"in-doubt" env:"CAMPAIGNQL_IN_DOUBT" default:"hold" enum:"hold,resend" help:"What becomes of recipients whose mail server may have accepted the message, but whose answer was lost: hold leaves them to their owner, resend sends again after 30 minutes, to --give-up at most (${enum})."`
	MaxLateness        time.Duration `name:"max-lateness" env:"CAMPAIGNQL_MAX_LATENESS" default:"4h" help:"How long after its time a campaign still starts by itself; a later one is paused (${default})."`
}

// Validate returns the fault of the settings, with the name of the flag. The parser of command lines
// calls it for each command that has these settings.
func (b Bounces) Validate() error {
	if b.SoftBounceLimit < 1 || b.SoftBounceLimit > mostSoftBounces {
		return fmt.Errorf("--soft-bounce-limit: must be 1 to %d campaigns in a row", mostSoftBounces)
	}
	return nil
}

// Validate returns all faults of the settings together, each with the name of its flag.
func (c Config) Validate() error {
	var faults []error
	fault := func(flag, format string, args ...any) {
		faults = append(faults, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}
	if !isAddress(c.Listen) {
		fault("listen", "%q is not HOST:PORT", c.Listen)
	}
	// The error does not repeat the URL, because it may contain a password.
	if c.PublicURL != "" && !isPublicURL(c.PublicURL) {
		fault("public-url",
			"must be an http or https URL without user, query and fragment, such as https://mail.example.com")
	}
	for _, origin := range c.CORSOrigins {
		if !isOrigin(origin) {
			fault("cors-origin", "must be an origin as browsers send it, such as https://app.example.com, "+
				"without anything after the host and port")
		}
	}
	if _, err := c.Proxies(); err != nil {
		fault("trusted-proxy", "%s", err)
	}
	for _, n := range []struct {
		flag  string
		value int64
	}{
		{"max-depth", int64(c.MaxDepth)}, {"max-complexity", int64(c.MaxComplexity)}, {"max-tokens", int64(c.MaxTokens)},
		{"max-graphql-body", c.MaxGraphQLBody}, {"max-batch-body", c.MaxBatchBody},
		{"max-command-body", c.MaxCommandBody}, {"timeout", int64(c.Timeout)},
		{"client-timeout", int64(c.ClientTimeout)}, {"shutdown-grace", int64(c.ShutdownGrace)},
		{"session-ttl", int64(c.SessionTTL)}, {"login-failures", int64(c.LoginFailures)},
		{"max-connections", int64(c.MaxConnections)}, {"statement-timeout", int64(c.StatementTimeout)},
		{"max-clients", int64(c.MaxClients)}, {"max-address-clients", int64(c.MaxAddressClients)},
		{"max-requests", int64(c.MaxRequests)}, {"max-account-requests", int64(c.MaxAccountRequests)},
		{"max-subscriptions", int64(c.MaxSubscriptions)}, {"max-socket-operations", int64(c.MaxSocketOperations)},
		{"max-sockets", int64(c.MaxSockets)}, {"max-account-sockets", int64(c.MaxAccountSockets)},
		{"max-body-memory", c.MaxBodyMemory}, {"max-streams", int64(c.MaxStreams)},
		{"max-account-streams", int64(c.MaxAccountStreams)},
		{"max-anonymous-sockets", int64(c.MaxAnonymousSockets)},
		{"max-downloads", int64(c.MaxDownloads)}, {"max-account-downloads", int64(c.MaxAccountDownloads)},
		{"sending-connections", int64(c.SendingConnections)}, {"sending-burst", int64(c.SendingBurst)},
		{"sending-lease", int64(c.SendingLease)}, {"give-up", int64(c.GiveUp)},
		{"max-lateness", int64(c.MaxLateness)},
		{"max-answer", c.MaxAnswer}, {"max-answers", c.MaxAnswers}, {"max-account-heavy", int64(c.MaxAccountHeavy)},
	} {
		if n.value <= 0 {
			fault(n.flag, "must be positive")
		}
	}
	if 0 < c.MaxBatchBody && c.MaxBatchBody < c.MaxGraphQLBody {
		fault("max-batch-body", "must not be less than --max-graphql-body")
	}
	largest := max(c.MaxBatchBody, c.MaxGraphQLBody, c.MaxCommandBody)
	if 0 < c.MaxBodyMemory && c.MaxBodyMemory/4 < largest {
		fault("max-body-memory", "must be at least four times the largest body, %d bytes", largest)
	}
	if 0 < c.MaxAnswers && c.MaxAnswers < c.MaxAnswer {
		fault("max-answers", "must not be less than --max-answer")
	}
	if c.MaxHeavy < 0 {
		fault("max-heavy", "must not be negative")
	}
	if err := c.Bounces.Validate(); err != nil {
		faults = append(faults, err)
	}
	if c.LiveInterval < leastLiveInterval {
		fault("live-interval", "must be at least %s: a subscriber gets at most two updates a second of one campaign",
			leastLiveInterval)
	}
	return errors.Join(faults...)
}

func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

func isPublicURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isWeb(u) && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// isOrigin reports whether text is an origin exactly as a browser sends it: lower case, and only
// scheme, host and port. The server compares origins byte by byte.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isWeb(u) && text == strings.ToLower(u.Scheme+"://"+u.Host)
}

func isWeb(u *url.URL) bool { return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" }
