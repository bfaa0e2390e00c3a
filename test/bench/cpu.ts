import { readFileSync } from 'node:fs'

/** USER_HZ, which Linux fixes at 100 for /proc (proc(5)). */
const ticksPerSecond = 100

/** User and system CPU time that a process has used so far, in microseconds (Linux). */
export const cpuMicroseconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / ticksPerSecond
}
