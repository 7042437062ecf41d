package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"campaignql/internal/secret"
)

// secret returns the secret of the installation, or nil if there is none. With SQLite it makes one
// beside the database; with a database in memory it is one for this process.
func (e *environment) secret() (*secret.Secret, error) {
	if e.Secret != "" && e.SecretFile != "" {
		return nil, errors.New("--secret-file: CAMPAIGNQL_SECRET is set too: give one of them")
	}
	text := e.Secret
	if text == "" && e.SecretFile == "" && e.Database == "sqlite::memory:" {
		text = secret.Random()
	}
	if text != "" {
		s, err := secret.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("CAMPAIGNQL_SECRET: %w", err)
		}
		return s, nil
	}
	var s *secret.Secret
	var err error
	file, beside := e.secretFile()
	switch {
	case file == "":
		return nil, nil
	case beside:
		s, err = secret.Ensure(file)
	default:
		s, err = secret.Load(file)
	}
	if err == nil {
		err = e.warnExposed(file)
	}
	if err != nil {
		return nil, fmt.Errorf("--secret-file: %w", err)
	}
	return s, nil
}

// warnExposed logs a warning if any user of the machine may read the file with the secret.
func (e *environment) warnExposed(file string) error {
	mode, err := secret.Exposed(file)
	if mode != 0 {
		e.log.Warn("every user of this machine may read or write the secret: chmod 600 the file, or mount it so",
			slog.String("file", file), slog.String("mode", fmt.Sprintf("%04o", mode)))
	}
	return err
}

// secretFile returns the file with the secret, or "" if there is none. beside tells that it is the one
// beside the database of SQLite, which nobody has named.
func (e *environment) secretFile() (file string, beside bool) {
	if e.SecretFile != "" {
		return e.SecretFile, false
	}
	path, lite := strings.CutPrefix(e.Database, "sqlite:")
	if !lite || path == "" || path == ":memory:" {
		return "", false
	}
	return path + ".secret", true
}

type secretCommands struct {
	Rotate secretRotate `cmd:"" help:"Put a new secret before the others of the file, and make the file if there is none. Then copy it to every server, and start them again."`
}

type secretRotate struct{}

// Run makes a new secret the current one of the file.
func (secretRotate) Run(env *environment) error {
	if env.Secret != "" {
		return errors.New("the secret is in CAMPAIGNQL_SECRET: put a new one before it there, separated by a blank")
	}
	file, _ := env.secretFile()
	if file == "" {
		return errors.New("--secret-file: is required")
	}
	if err := secret.Rotate(file); err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	s, err := secret.Load(file)
	if err == nil {
		err = env.warnExposed(file)
	}
	if err != nil {
		return fmt.Errorf("--secret-file: %w", err)
	}
	_, err = fmt.Fprintf(env.stdout, "%s: %d secrets, the first is new\n", file, len(s.Keys(secret.ForgottenAddresses)))
	return err
}
