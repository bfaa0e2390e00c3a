import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Prepared, partEnvironment, readyUrl } from '#infra/sandbox/stack.ts'
import { portFault } from '#infra/sandbox/start/ports.ts'
import { type StartedProcess, startProcess } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { steadyPort } from '../free-ports.ts'
import { readCpu } from './cpu.ts'
import type { Ends } from './ends.ts'

const main = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url))

export type RunningPagepass = {
  readonly port: number
  readonly process: StartedProcess
  /** Of its one process that serves, which holds the view and sees the requests. */
  readonly servingPid: number
  /** Where the inspector of that one listens once it is asked to. */
  readonly inspectPort: number
}

/** The first of two free ports in a row, from where `steadyPort` takes none. */
const twoPorts = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = 2 * randomInt(10_100, 16_000)
    if ((await portFault(port)) === undefined && (await portFault(port + 1)) === undefined) return port
  }
  throw new Error('there are no two free ports in a row')
}

/** A proxy with a data folder and ports of its own, as there may be several on one rule set. Ready when it resolves. */
export const startPagepass = async (
  name: string,
  prepared: Prepared,
  redisUrl: string,
  ends: Ends,
): Promise<RunningPagepass> => {
  const folder = join(prepared.folder, name)
  await mkdir(folder, { mode: 0o700 })
  const port = await steadyPort()
  const inspectPort = await twoPorts()
  const ports = { ...prepared.ports, proxy: port, 'proxy admin': await steadyPort() }
  const process_ = await startProcess({
    name,
    command: process.execPath,
    args: [`--inspect-port=${inspectPort}`, main],
    env: partEnvironment('proxy', { ...prepared, folder, ports }, redisUrl, name.replaceAll('_', '-')),
    logFile: join(folder, 'proxy.log'),
  })
  ends(() => process_.stop())
  // 100,000 grants take a few seconds to load, and more on a machine that does other things.
  await waitReady(readyUrl('proxy', ports), { process: process_, timeoutMs: 120_000 })
  const [serving, ...more] = readCpu([process_.pid]).filter(({ pid }) => pid !== process_.pid)
  if (serving === undefined || more.length > 0) throw new Error(`${name} does not serve from one process`)
  // node:cluster counts on from the parent's own.
  return { port, process: process_, servingPid: serving.pid, inspectPort: inspectPort + 1 }
}
