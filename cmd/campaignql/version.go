package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// The linker sets these variables in `make build` and in releases (-ldflags '-X main.version=…').
// In other builds they are empty, and the build information of the go command is used.
var version, commit, date string

// build describes a build of the program.
type build struct {
	// version is a tag, or a version that the go command derived from the commit.
	version string
	// commit is the revision of the source, with the suffix -dirty if the source was modified.
	commit string
	// date is the time of the commit in RFC 3339.
	date string
}

// thisBuild describes the running program.
func thisBuild() build {
	info, _ := debug.ReadBuildInfo()
	return describe(build{version: version, commit: commit, date: date}, info)
}

// describe fills the empty fields of stamped from info, which may be nil. A version that is unknown
// in both becomes "development", and other unknown fields become "unknown".
func describe(stamped build, info *debug.BuildInfo) build {
	recorded := build{version: "development", commit: "unknown", date: "unknown"}
	if info != nil {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			recorded.version = v
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if revision := settings["vcs.revision"]; revision != "" {
			recorded.commit = revision
			if settings["vcs.modified"] == "true" {
				recorded.commit += "-dirty"
			}
		}
		if at := settings["vcs.time"]; at != "" {
			recorded.date = at
		}
	}
	return build{
		version: orElse(stamped.version, recorded.version),
		commit:  orElse(stamped.commit, recorded.commit),
		date:    orElse(stamped.date, recorded.date),
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// versionLine returns the program name, version, commit, date of the commit and Go version.
func versionLine() string {
	b := thisBuild()
	return fmt.Sprintf("campaignql %s %s %s %s", b.version, b.commit, b.date, runtime.Version())
}
