package localpg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// unprivileged is whom Postgres runs as when we are root, which it refuses to be. initdb looks the name up, so it must be in
// the user database.
func unprivileged() (uid, gid int, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, uidErr := strconv.Atoi(u.Uid)
			gid, gidErr := strconv.Atoi(u.Gid)
			return uid, gid, uidErr == nil && gidErr == nil
		}
	}
	return 0, 0, false
}

// giveAway makes dir belong to whom Postgres runs as.
func giveAway(dir string) error {
	uid, gid, ok := unprivileged()
	if !ok {
		return nil
	}
	if err := os.Chown(dir, uid, gid); err != nil {
		return fmt.Errorf("giving the database directory to an unprivileged user: %w", err)
	}
	return nil
}

func asUnprivileged(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us to pass on, in order
	if uid, gid, ok := unprivileged(); ok {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

// startBound starts command from a thread that it keeps for as long as the command runs, because on Linux the command dies
// with that thread: a killed parent leaves no server behind. exited is closed when the command has ended.
func startBound(command *exec.Cmd, exited chan struct{}) error {
	dieWithParent(command)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
			close(exited)
		}
	}()
	return <-started
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// memoryDir is a file system in memory on Linux.
const memoryDir = "/dev/shm"

// throwAwayParent is in memory where there is room: it takes the disk's noise out of the tests.
func throwAwayParent() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) > 2<<30 {
		return memoryDir
	}
	return "/tmp"
}

// cacheDir is where fetched programs stay. Root's must not lie in root's home, which the unprivileged user cannot enter.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/chattercheatah", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "chattercheatah"), err
}
