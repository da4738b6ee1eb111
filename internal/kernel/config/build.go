package config

import (
	"runtime"
	"runtime/debug"
)

// Set by the linker (see Makefile); a plain `go build` leaves them empty.
var version, commit, buildTime string

// Build says which program this is.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Time    string `json:"build_time"` // of the commit, RFC 3339: one source, one program
	Go      string `json:"go"`
}

// ThisBuild returns what the linker recorded, else what Go itself knows; fields that
// nobody recorded are "unknown".
func ThisBuild() Build {
	b := Build{Version: version, Commit: commit, Time: buildTime, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && b.Commit == "":
				b.Commit = s.Value
			case s.Key == "vcs.time" && b.Time == "":
				b.Time = s.Value
			}
		}
	}
	for _, f := range []*string{&b.Version, &b.Commit, &b.Time} {
		if *f == "" {
			*f = "unknown"
		}
	}
	return b
}
