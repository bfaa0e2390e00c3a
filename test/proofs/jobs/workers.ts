import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Prepared, partEnvironment } from '#infra/sandbox/stack.ts'
import { type StartedProcess, startProcess } from '#infra/sandbox/start/processes.ts'
import { waitReady } from '#infra/sandbox/start/ready.ts'
import { steadyPort } from '../../free-ports.ts'
import type { Random } from '../random.ts'

const root = new URL('../../../', import.meta.url).pathname
const readyWithinMs = 120_000

/** A Slack that takes everything. */
const startSlack = async (): Promise<{ readonly url: string; readonly close: () => void }> => {
  const server = createServer((request, response) => {
    request.resume()
    const channel = request.url?.endsWith('conversations.open') === true ? { id: 'D0ANYBODY' } : 'C0ANYWHERE'
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ok: true, channel, ts: '1768478400.000100' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/api/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Real workers, which are killed and stopped (SIGKILL, SIGSTOP), one at a time. */
export const startFaultyWorkers = async (
  prepared: Prepared,
  redisUrl: string,
  count: number,
  random: Random,
) => {
  const slack = await startSlack()
  const running = new Map<string, { readonly process: StartedProcess; readonly port: number }>()
  const counts = { kills: 0, stops: 0 }

  const start = async (name: string): Promise<void> => {
    const port = running.get(name)?.port ?? (await steadyPort())
    const process_ = await startProcess({
      name,
      command: process.execPath,
      args: [join(root, 'workers/main.ts')],
      env: {
        ...partEnvironment('workers', prepared, redisUrl, name),
        PAGEPASS_ADMIN_LISTEN: `127.0.0.1:${port}`,
        SLACK_API_URL: slack.url,
      },
      logFile: join(prepared.folder, `${name}.log`),
    })
    running.set(name, { process: process_, port })
    await waitReady(`http://127.0.0.1:${port}/readyz`, { process: process_, timeoutMs: readyWithinMs })
  }
  const names = Array.from({ length: count }, (_, index) => `worker-${index + 1}`)
  await Promise.all(names.map(start))

  const signal = (name: string, what: NodeJS.Signals): void => {
    const pid = running.get(name)?.process.pid
    if (pid !== undefined) process.kill(pid, what)
  }

  const hurtOne = async (until: () => boolean): Promise<void> => {
    const name = random.pick(names)
    // In turn, so that few trials see both.
    if (counts.kills <= counts.stops) {
      signal(name, 'SIGKILL')
      counts.kills += 1
      await running.get(name)?.process.exited
      await start(name)
    } else {
      signal(name, 'SIGSTOP')
      counts.stops += 1
      const goesOnAt = performance.now() + random.between(300, 9_000)
      while (performance.now() < goesOnAt && !until()) await sleep(50)
      signal(name, 'SIGCONT')
    }
  }

  return {
    counts,
    names,
    /** Hurts one after the other. Resolves soon after `until`, with all of them well. */
    hurt: async (until: () => boolean): Promise<void> => {
      while (!until()) {
        await hurtOne(until)
        await sleep(random.between(100, 1_500))
      }
    },
    stop: async (): Promise<void> => {
      for (const name of names) signal(name, 'SIGCONT')
      await Promise.all([...running.values()].map(({ process: one }) => one.stop()))
      slack.close()
    },
  }
}
