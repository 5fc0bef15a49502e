package localpg

import (
	"os/exec"
	"syscall"
)

func dieWithParent(command *exec.Cmd) { command.SysProcAttr.Pdeathsig = syscall.SIGQUIT }
