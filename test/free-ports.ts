import { randomInt } from 'node:crypto'
import { type Ports, placeNames } from '#infra/sandbox/stack.ts'
import { portFault } from '#infra/sandbox/start/ports.ts'

/**
 * A port that was free a moment ago, from below those that systems give to outgoing connections and to whoever listens on
 * port 0: one of these could be taken before it is listened on, or between two runs of who listens on it.
 */
export const steadyPort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(10_100, 20_000)
    if ((await portFault(port)) === undefined) return port
  }
  throw new Error('there is no free port')
}

/** A free port for every place of the sandbox, so that proofs and benches never meet a running `npm start`. */
export const freePorts = async (): Promise<Ports> => {
  const ports = new Set<number>()
  while (ports.size < placeNames.length) ports.add(await steadyPort())
  return Object.fromEntries(placeNames.map((name, index) => [name, [...ports][index]])) as Ports
}
