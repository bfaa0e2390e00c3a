import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

// `read` returns when the other end of its pipe is closed, which the kernel does for us even on kill -9.
const script = `
read never
kill -s INT "$1"
for second in 1 2 3 4 5 6 7 8 9 10 11 12; do
  kill -s 0 "$1" || break
  sleep 1
done
kill -s KILL -- "-$1"`

/** Ends the process group led by `pid` when this process is gone, however it went. Needs only a POSIX shell. */
export function watch(pid: number): { release: () => void } {
  const shell = spawn('/bin/sh', ['-c', script, 'pagepass-watchdog', String(pid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.on('error', () => {}) // without a watchdog the next start clears up
  shell.unref()
  const pipe = shell.stdin as Socket // what Node makes for 'pipe', though typed as a plain stream
  pipe.on('error', () => {})
  pipe.unref()
  return { release: () => void shell.kill('SIGKILL') }
}
