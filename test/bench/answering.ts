import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeExit, type StartedProcess } from '#infra/sandbox/start/processes.ts'

/**
 * Waits until something answers HTTP on the port, with whatever status; fails when its process has ended. Not by `fetch`,
 * which asks nothing of some ports.
 */
export const answering = async (port: number, process: StartedProcess): Promise<void> => {
  let ended: string | undefined
  void process.exited.then((exit) => {
    ended = describeExit(exit)
  })
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (await answers(port)) return
    if (ended !== undefined) throw new Error(`${process.name} ${ended}:\n${process.logTail()}`)
    await sleep(50)
  }
  throw new Error(`${process.name} does not answer on port ${port}:\n${process.logTail()}`)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const asking = get({ host: '127.0.0.1', port, agent: false, timeout: 1_000 }, (response) => {
      response.resume()
      resolve(true)
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve(false))
  })
