// Package check has what the programs beside it share.
package check

import (
	"fmt"
	"os"
	"runtime/debug"
)

// Version prints the name of a module and the version that this program is built with.
func Version(module string) {
	info, ok := debug.ReadBuildInfo()
	That(ok, "no build info")
	for _, dep := range info.Deps {
		if dep.Path == module {
			fmt.Println(module, dep.Version)
			return
		}
	}
	That(false, "not built with %s", module)
}

// That ends the program unless something is true.
func That(is bool, format string, arguments ...any) {
	if !is {
		fmt.Fprintf(os.Stderr, format+"\n", arguments...)
		os.Exit(1)
	}
}

// No ends the program if there is an error.
func No(err error) {
	That(err == nil, "%v", err)
}
